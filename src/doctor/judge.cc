#include "doctor/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "doctor/describe.h"

namespace foyer::doctor {
namespace {

// A Date header has whole seconds, and the answer was on the way for a while.
constexpr Millis kClockNote{5'000};

// Faults of other clients than this one: only when nothing else is wrong.
std::optional<Diagnosis> judge_others(const Facts& facts) {
  using Result = ConnectFacts::Result;
  const auto works = [](const ConnectFacts& each) { return each.result == Result::connected && !each.v6; };
  const auto dead = std::ranges::find_if(
      facts.connects, [](const ConnectFacts& each) { return each.v6 && each.result == Result::silent; });
  if (dead != facts.connects.end() && std::ranges::any_of(facts.connects, works))
    return diagnosis(facts, Finding::DNS_V6_DEAD, Confidence::proved, {describe(facts.connects, facts.url.port)});
  return std::nullopt;
}

std::vector<std::string> notes_on(const Facts& facts) {
  std::vector<std::string> out;
  if (const auto difference = facts.clock_difference(); difference && std::chrono::abs(*difference) > kClockNote)
    out.push_back(
        fmt::format("The server's clock is {} s {} this machine's. Tokens expire by the clock of whoever checks "
                    "them.",
            std::abs(difference->count()) / 1'000, difference->count() > 0 ? "ahead of" : "behind"));
  if (facts.tls && facts.tls_nameless && facts.tls->leaf && facts.tls_nameless->leaf &&
      facts.tls->verify_errors.empty() && facts.tls->leaf->fingerprint != facts.tls_nameless->leaf->fingerprint)
    out.push_back(
        fmt::format("{}: a client that does not send the name of the server in the TLS handshake gets a "
                    "certificate for {}.",
            info(Finding::TLS_SNI_DEFAULT_CERT).code, facts.tls_nameless->leaf->subject));
  return out;
}

// About a server that works.
std::vector<std::string> notes_on_success(const Facts& facts) {
  std::vector<std::string> out;
  if (facts.bare && !facts.bare->upgraded() && facts.origin && facts.origin->upgraded())
    out.push_back("Clients that send no Origin, which all programs but browsers are, are refused: " +
        describe(*facts.bare) + ".");
  return out;
}

// The same handshake behind every proxy. It decides who is at fault where the answer alone does not.
void compare(const Facts& facts, Diagnosis& found) {
  if (!facts.direct || facts.direct->ending == Ending::fault) return;
  const bool works = facts.direct->upgraded();
  const bool refused = facts.accepted() == nullptr;
  std::string line = "at the server's own address: " + describe(*facts.direct);
  if (works && refused && found.confidence == Confidence::possible)
    found = diagnosis(facts, Finding::NOT_THROUGH_PROXY, Confidence::proved, std::move(found.evidence));
  found.evidence.push_back(std::move(line));
}

} // namespace

Verdict judge(const Facts& facts) {
  Verdict out;
  out.notes = notes_on(facts);
  constexpr std::array kRules = {judge_name_and_tcp, judge_tls, judge_plain, judge_101, judge_difference, judge_refusal,
      judge_socket, judge_others};
  for (const auto rule : kRules) {
    out.diagnosis = rule(facts);
    if (!out.diagnosis) continue;
    out.kind = Verdict::Kind::fault;
    compare(facts, *out.diagnosis);
    return out;
  }
  const auto broken = [](const Rung& each) { return each.status == Rung::Status::broken; };
  if (std::ranges::any_of(facts.rungs, broken) || facts.accepted() == nullptr) out.kind = Verdict::Kind::open;
  for (auto& each : notes_on_success(facts)) out.notes.push_back(std::move(each));
  return out;
}

} // namespace foyer::doctor
