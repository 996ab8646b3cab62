// Handshakes of which one was accepted: answers 101 that are not right, and the difference between one that was
// accepted and one that asked for more.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "doctor/describe.h"
#include "doctor/judge.h"
#include "wire/extensions.h"
#include "wire/http_lines.h"

namespace foyer::doctor {
namespace {

std::string line_of(const Exchange& each) { return each.asked + ": " + describe(each); }

bool from_cache(const Exchange& each) {
  const std::string* age = each.headers.find("Age");
  const std::string cache = each.headers.joined("X-Cache");
  return (age != nullptr && *age != "0") || cache.find("HIT") != std::string::npos ||
      cache.find("Hit") != std::string::npos;
}

// What RFC 6455 §4.2.2 demands and this 101 lacks.
std::optional<Diagnosis> judge_mangled(const Facts& facts, const Exchange& each) {
  const std::string* accept = each.headers.find("Sec-WebSocket-Accept");
  const std::string* protocol = each.headers.find("Upgrade");
  std::vector<std::string> lacks;
  if (each.version_minor == 0) lacks.emplace_back("it is HTTP/1.0");
  if (protocol == nullptr)
    lacks.emplace_back("Upgrade is missing");
  else if (!iequals(*protocol, "websocket"))
    lacks.push_back("Upgrade is " + printable(*protocol, 64));
  if (!wire::list_has_token(each.headers.joined("Connection"), "upgrade"))
    lacks.push_back("Connection is \"" + printable(each.headers.joined("Connection"), 64) + "\"");
  if (!lacks.empty())
    return diagnosis(facts, Finding::RESPONSE_101_MANGLED, Confidence::proved,
        {line_of(each), fmt::format("{}", fmt::join(lacks, ", "))});
  if (each.accept_right) return std::nullopt;
  if (from_cache(each)) return diagnosis(facts, Finding::CACHED_REPLY, Confidence::proved, {line_of(each)});
  return diagnosis(facts, Finding::ACCEPT_MISMATCH, Confidence::proved,
      {line_of(each),
          accept == nullptr ? "Sec-WebSocket-Accept is missing" : "Sec-WebSocket-Accept is " + printable(*accept, 64)});
}

bool good_bits(const std::optional<std::string>& value) {
  int bits = 0;
  if (!value) return false;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), bits);
  return error == std::errc{} && end == value->data() + value->size() && bits >= 8 && bits <= 15;
}

// The parameters of the answer to our offer (RFC 7692 §7.1); empty: they are right.
std::string fault_of(const wire::Extension& chosen) {
  std::vector<std::string> seen;
  for (const auto& parameter : chosen.parameters) {
    if (std::ranges::find(seen, parameter.name) != seen.end()) return parameter.name + " twice";
    seen.push_back(parameter.name);
    const bool takeover =
        parameter.name == "server_no_context_takeover" || parameter.name == "client_no_context_takeover";
    const bool bits = parameter.name == "server_max_window_bits" || parameter.name == "client_max_window_bits";
    if (!takeover && !bits) return "the unknown parameter " + printable(parameter.name, 64);
    if (takeover && parameter.value) return parameter.name + " with a value";
    if (bits && !good_bits(parameter.value)) return parameter.name + " without a number from 8 to 15";
  }
  return {};
}

std::optional<Diagnosis> judge_extensions(const Facts& facts, const Exchange& each) {
  const std::string value = each.headers.joined("Sec-WebSocket-Extensions");
  if (each.headers.find("Sec-WebSocket-Extensions") == nullptr) return std::nullopt;
  const std::vector<std::string> seen = {line_of(each)};
  const auto chosen = wire::parse_extensions(value);
  if (!each.deflate_offered || !chosen ||
      std::ranges::any_of(*chosen, [](const auto& one) { return one.name != "permessage-deflate"; }))
    return diagnosis(facts, Finding::EXTENSION_UNREQUESTED, Confidence::proved, seen);
  std::string fault = chosen->size() == 1 ? fault_of(chosen->front()) : "the extension twice";
  if (fault.empty()) return std::nullopt;
  return diagnosis(facts, Finding::PMD_PARAMS_BAD, Confidence::proved, {seen.front(), std::move(fault)});
}

std::optional<Diagnosis> judge_subprotocol(const Facts& facts, const Exchange& each) {
  const std::string chosen = each.headers.joined("Sec-WebSocket-Protocol");
  if (!chosen.empty() && std::ranges::find(each.subprotocols, chosen) == each.subprotocols.end())
    return diagnosis(facts, Finding::SUBPROTOCOL_UNKNOWN, Confidence::proved,
        {line_of(each),
            fmt::format("chosen {}, offered {}", printable(chosen, 64),
                each.subprotocols.empty() ? std::string{"none"}
                                          : fmt::format("{}", fmt::join(each.subprotocols, ", ")))});
  if (chosen.empty() && !each.subprotocols.empty())
    return diagnosis(facts, Finding::SUBPROTOCOL_NOT_ECHOED, Confidence::proved,
        {line_of(each), fmt::format("offered {}", fmt::join(each.subprotocols, ", "))});
  return std::nullopt;
}

Diagnosis refused_with(const Facts& facts, Finding finding, const Exchange& good, const Exchange& bad,
    Confidence confidence = Confidence::proved) {
  return diagnosis(facts, finding, confidence, {line_of(good), line_of(bad)});
}

// Refused because of its size: 431 and 414 say so; 400 and 413 are that for a long token only.
bool too_large(const Exchange& bad, const Exchange& good) {
  constexpr std::size_t kSuspicious = 3'500;
  if (bad.status == 431 || bad.status == 414) return true;
  return (bad.status == 400 || bad.status == 413) && bad.sent_bytes - good.sent_bytes > kSuspicious;
}

} // namespace

std::optional<Diagnosis> judge_101(const Facts& facts) {
  for (const Exchange* each : facts.handshakes()) {
    if (!each->is_http || each->status != 101) continue;
    if (!each->upgraded()) return judge_mangled(facts, *each);
    if (auto found = judge_subprotocol(facts, *each)) return found;
    if (auto found = judge_extensions(facts, *each)) return found;
  }
  return std::nullopt;
}

std::optional<Diagnosis> judge_difference(const Facts& facts) {
  const Exchange* good = facts.accepted();
  const Exchange* bad = facts.last();
  if (good == nullptr || bad == good || bad->ending == Ending::fault) return std::nullopt;
  if (auto named = named_by_foyer(facts, *bad)) return named;
  if (bad->deflate_offered && !good->deflate_offered) return refused_with(facts, Finding::PMD_REFUSED, *good, *bad);
  if (!bad->subprotocols.empty() && good->subprotocols.empty())
    return refused_with(facts, Finding::SUBPROTOCOL_REFUSED, *good, *bad);
  if (bad->token_sent && !good->token_sent) {
    if (too_large(*bad, *good))
      return refused_with(facts, Finding::HEADERS_TOO_LARGE_AT_HOP, *good, *bad,
          bad->status == 400 || bad->status == 413 ? Confidence::likely : Confidence::proved);
    return judge_token(facts, Confidence::proved, {line_of(*good), line_of(*bad)});
  }
  return refused_with(facts, Finding::ORIGIN_FORBIDDEN, *good, *bad);
}

} // namespace foyer::doctor
