// What went through an open WebSocket.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "doctor/describe.h"
#include "doctor/judge.h"

namespace foyer::doctor {
namespace {

constexpr std::uint16_t kBadData = 1007; // RFC 6455 §7.4.1

bool begins_with_gzip(const std::string& bytes) { return bytes.starts_with("\x1f\x8b"); }

// Bytes that are no frames: a page, an HTTP answer, or compressed data.
std::optional<Diagnosis> judge_bytes(const Facts& facts, const Talk& talk) {
  const std::vector<std::string> seen = {describe(talk), "the first bytes: " + first_bytes(talk.first_bytes)};
  if (talk.first_bytes.starts_with("HTTP/1."))
    return diagnosis(facts, Finding::PROXY_SPOKE_HTTP_IN_SOCKET, Confidence::proved, seen);
  if (talk.first_bytes.starts_with("<") || begins_with_gzip(talk.first_bytes))
    return diagnosis(facts, Finding::TUNNEL_CORRUPTED, Confidence::proved, seen);
  if (talk.broken.empty()) return std::nullopt;
  const bool inflating = talk.broken_code == kBadData && facts.echo->exchange.deflate_offered &&
      facts.echo->exchange.headers.find("Sec-WebSocket-Extensions") != nullptr &&
      talk.broken.find("UTF-8") == std::string::npos;
  return diagnosis(facts, inflating ? Finding::PMD_CORRUPT : Finding::BROKEN_FRAMES, Confidence::proved, seen);
}

std::optional<Diagnosis> judge_talk(const Facts& facts, const Talk& talk) {
  if (talk.ending == Ending::fault) return std::nullopt;
  if (auto found = judge_bytes(facts, talk)) return found;
  if (auto named = named_in_close(talk)) return named;
  const std::vector<std::string> seen = {describe(talk)};
  if (talk.close_before_ours) return diagnosis(facts, Finding::CLOSED_AFTER_UPGRADE, Confidence::proved, seen);
  if (talk.pong_after_close) return diagnosis(facts, Finding::TUNNEL_BUFFERED, Confidence::proved, seen);
  if (talk.pong) return std::nullopt;
  if (talk.close) return diagnosis(facts, Finding::PING_UNANSWERED, Confidence::proved, seen);
  if (talk.ending == Ending::silent) return diagnosis(facts, Finding::TUNNEL_SILENT, Confidence::proved, seen);
  return diagnosis(facts, Finding::PEER_VANISHED, Confidence::proved, seen);
}

std::optional<Diagnosis> judge_big(const Facts& facts) {
  if (!facts.big || !facts.big->talk || facts.big->talk->ending == Ending::fault) return std::nullopt;
  const Talk& talk = *facts.big->talk;
  if (auto named = named_in_close(talk)) return named;
  const auto is_pong = [](const std::string& each) { return each.find("\"pong\"") != std::string::npos; };
  if (std::ranges::any_of(talk.messages, is_pong)) return std::nullopt;
  return diagnosis(facts, Finding::BIG_MESSAGE_LOST, Confidence::likely,
      {fmt::format("a command of {} bytes was not answered: {}", facts.big_bytes, describe(talk))});
}

std::optional<Diagnosis> judge_hold(const Facts& facts) {
  if (!facts.hold || !facts.hold->talk || !facts.hold_asked) return std::nullopt;
  const Talk& talk = *facts.hold->talk;
  if (auto named = named_in_close(talk)) return named;
  if (talk.pong || talk.ending == Ending::fault) return std::nullopt;
  const std::vector<std::string> seen = {fmt::format("quiet for up to {} s: ended after {}, {}",
      std::chrono::duration<double>(*facts.hold_asked).count(), duration(talk.took), describe(talk))};
  if (talk.close_before_ours) return diagnosis(facts, Finding::IDLE_CLOSED, Confidence::proved, seen);
  return diagnosis(facts, Finding::IDLE_TIMEOUT_AT_HOP, Confidence::likely, seen);
}

} // namespace

std::optional<Diagnosis> judge_socket(const Facts& facts) {
  if (!facts.echo) return std::nullopt;
  const auto good = static_cast<std::size_t>(std::ranges::count_if(facts.repeats, &Exchange::upgraded));
  if (good < facts.repeats.size()) {
    const auto bad = std::ranges::find_if(facts.repeats, [](const Exchange& each) { return !each.upgraded(); });
    return diagnosis(facts, Finding::POOL_MEMBER_BAD, Confidence::likely,
        {fmt::format("{} of {} equal handshakes were accepted", good + 1, facts.repeats.size() + 1),
            bad->asked + ": " + describe(*bad)});
  }
  if (facts.echo->talk)
    if (auto found = judge_talk(facts, *facts.echo->talk)) return found;
  if (facts.token_at_foyer() && facts.authenticated() == nullptr)
    return diagnosis(facts, Finding::TOKEN_UNREAD, Confidence::likely,
        {facts.echo->exchange.asked + ": " + describe(facts.echo->exchange), "no authentication_success arrived"});
  if (auto found = judge_big(facts)) return found;
  if (facts.second && !facts.second->upgraded() && facts.second->ending != Ending::fault) {
    if (auto named = named_by_foyer(facts, *facts.second)) return named;
    return diagnosis(facts, Finding::SECOND_REFUSED, Confidence::likely,
        {"while one was open, " + facts.second->asked + ": " + describe(*facts.second)});
  }
  return judge_hold(facts);
}

} // namespace foyer::doctor
