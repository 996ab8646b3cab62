#include "gateway/socket_end.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::gateway {
namespace {

struct Bucket {
  Millis below;
  std::string_view label;
};
constexpr std::array<Bucket, kIdleBuckets> kBuckets = {{{Millis{1'000}, "below 1s"}, {Millis{10'000}, "1s to 10s"},
    {Millis{29'000}, "10s to 29s"}, {Millis{32'000}, "29s to 32s"}, {Millis{59'000}, "32s to 59s"},
    {Millis{62'000}, "59s to 62s"}, {Millis{300'000}, "62s to 5m"}, {Millis::max(), "above 5m"}}};

} // namespace

std::string_view to_string(EndWay way) {
  switch (way) {
    case EndWay::client_close: return "client_close";
    case EndWay::server_close: return "server_close";
    case EndWay::close_unanswered: return "close_unanswered";
    case EndWay::fin: return "fin";
    case EndWay::reset: return "reset";
    case EndWay::unused: return "unused";
    case EndWay::aborted: return "aborted";
  }
  return "aborted";
}

std::size_t idle_bucket(Millis idle) {
  std::size_t at = 0;
  while (at + 1 < kBuckets.size() && idle >= kBuckets[at].below) ++at;
  return at;
}

std::string_view idle_label(std::size_t bucket) { return kBuckets[bucket].label; }

SocketEndCounters::SocketEndCounters(Metrics& metrics) {
  for (std::size_t way = 0; way < kEndWays; ++way)
    for (std::size_t bucket = 0; bucket < kIdleBuckets; ++bucket)
      counters_[way][bucket] = &metrics.counter("foyer_socket_ends_total",
          "WebSockets that ended, by how, and by the time since the last byte in either direction.",
          {{"way", std::string(to_string(static_cast<EndWay>(way)))}, {"idle", std::string(idle_label(bucket))}});
}

std::optional<Refusal> IdleTimeoutDetector::ended(const SocketEnd& end, std::string_view peer, MonoTime now) {
  if ((end.way != EndWay::fin && end.way != EndWay::reset) || end.idle < kShortest) return std::nullopt;
  const auto latest =
      std::ranges::find_if(seen_.rbegin(), seen_.rend(), [peer](const Seen& seen) { return seen.peer == peer; });
  if (latest != seen_.rend() && now - latest->at < kApart) return std::nullopt;
  if (seen_.size() == kRemembered) seen_.pop_front();
  seen_.push_back({.peer = std::string(peer), .idle = end.idle, .at = now});
  Millis shortest = end.idle, longest = end.idle;
  std::size_t alike = 0;
  for (auto seen = seen_.rbegin(); seen != seen_.rend() && alike < kAlike; ++seen) {
    if (seen->peer != peer) continue;
    shortest = std::min(shortest, seen->idle);
    longest = std::max(longest, seen->idle);
    if (longest - shortest > kSpread) return std::nullopt;
    ++alike;
  }
  const bool reported = std::ranges::any_of(
      seen_, [&](const Seen& seen) { return seen.reported && seen.peer == peer && now - seen.at < kQuiet; });
  if (alike < kAlike || reported) return std::nullopt;
  seen_.back().reported = true;
  return Refusal{.cause = Cause::PROXY_IDLE_TIMEOUT,
      .evidence = fmt::format("the last {} sockets from {} that ended without a Close did so {:.1f} to {:.1f} s after "
                              "their last byte, the last one by {}",
          kAlike, peer, static_cast<double>(shortest.count()) / 1'000, static_cast<double>(longest.count()) / 1'000,
          end.way == EndWay::fin ? "FIN" : "RST")};
}

} // namespace foyer::gateway
