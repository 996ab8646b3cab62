// How a WebSocket ended: the metrics about it, and the detection of a proxy's idle timeout from several ends. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/refusal.h"

namespace foyer::gateway {

// The label `way` of foyer_socket_ends_total.
enum class EndWay : std::uint8_t {
  client_close,     // the client sent Close, and we answered
  server_close,     // we sent Close, and the client answered
  close_unanswered, // we sent Close, and no Close came back
  fin,              // the end of the stream without a Close
  reset,            // a TCP error without a Close
  unused,           // like fin or reset, but nothing followed the handshake
  aborted,          // cut by us: the client read nothing, or the process ended
};
inline constexpr std::size_t kEndWays = 7;
[[nodiscard]] std::string_view to_string(EndWay way);

struct SocketEnd {
  EndWay way{};
  Millis age{};  // since the handshake was answered
  Millis idle{}; // since the last byte in either direction
};

// The first Close, from either side.
struct CloseFrame {
  std::uint16_t code = 0;       // 0: there was none
  std::string_view reason = {}; // of our own Close
};

// The label `idle`. The usual proxy timeouts, 30 s and 60 s, have a bucket each.
inline constexpr std::size_t kIdleBuckets = 8;
[[nodiscard]] std::size_t idle_bucket(Millis idle);
[[nodiscard]] std::string_view idle_label(std::size_t bucket);

class SocketEndCounters {
 public:
  explicit SocketEndCounters(Metrics& metrics);
  void count(const SocketEnd& end) { counters_[static_cast<std::size_t>(end.way)][idle_bucket(end.idle)]->add(); }

 private:
  std::array<std::array<Counter*, kIdleBuckets>, kEndWays> counters_{};
};

// Repeated ends without a Close, each the same time after the last byte, indicate a proxy's idle timeout: networks and
// crashes have no constant interval.
class IdleTimeoutDetector {
 public:
  static constexpr std::size_t kRemembered = 64; // ends, of all peers
  static constexpr std::size_t kAlike = 4;       // in a row, from one peer
  static constexpr Millis kSpread{600};          // between the shortest and the longest of them
  static constexpr Millis kShortest{1'500};      // shorter: a tab was closed
  static constexpr Millis kApart{1'000}; // ends within this time count as one: a proxy restart closes many at once
  static constexpr Millis kQuiet = std::chrono::minutes{10}; // until the same peer is reported again

  // PROXY_IDLE_TIMEOUT, if this end indicates it. `peer`: the socket's peer.
  [[nodiscard]] std::optional<Refusal> ended(const SocketEnd& end, std::string_view peer, MonoTime now);

 private:
  struct Seen {
    std::string peer;
    Millis idle{};
    MonoTime at{};
    bool reported = false;
  };
  std::deque<Seen> seen_; // oldest first
};

} // namespace foyer::gateway
