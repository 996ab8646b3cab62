// What sentinels say of one primary, put together: where it is, and what is wrong with the sentinels.
//
// Each says an address with the number of the failover that led to it (config epoch). The highest number counts: others
// learn of a failover seconds later, and go on naming the old primary, which may still take writes. Without a higher
// number another address is followed only when it alone was named for kSentinelPatience: somebody has set the sentinels
// up anew. A majority is not needed: sentinels have agreed before any of them gives a number.
//
// Pure: no clock, no I/O. Not thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "redis/endpoint.h"
#include "redis/reply.h"

namespace foyer::redis {

inline constexpr Millis kSentinelPatience{10'000};

struct SentinelAnswer {
  Endpoint primary = {};
  std::uint64_t epoch = 0; // 0: it does not say
  bool sees_down = false;  // it counts the primary as down
  std::string flags = {};  // the words of SENTINEL MASTER, printable
};

// Of the replies to SENTINEL GET-MASTER-ADDR-BY-NAME and SENTINEL MASTER. The second may be an error: the user of the
// URL may not ask it. Otherwise a clause: it does not know the name, or said what no sentinel says.
[[nodiscard]] std::expected<SentinelAnswer, std::string> read_sentinel_answer(
    const Reply& address, const Reply& master);

class SentinelView {
 public:
  explicit SentinelView(std::vector<Endpoint> sentinels);

  // What a sentinel said last, or why it said nothing, with its address.
  void said(std::size_t sentinel, std::expected<SentinelAnswer, std::string> what, MonoTime now);

  [[nodiscard]] const std::optional<Endpoint>& primary() const { return primary_; }
  // None of them names a primary: what each said. Nothing: one does, or some were not asked yet.
  [[nodiscard]] std::optional<std::string> trouble() const;
  // More than half of those that answer count the primary as down: what these said.
  [[nodiscard]] std::optional<std::string> sees_down() const;

 private:
  struct One {
    Endpoint at;
    std::optional<std::expected<SentinelAnswer, std::string>> last = {}; // nothing: not asked yet
  };
  void choose(MonoTime now);

  std::vector<One> sentinels_;
  std::optional<Endpoint> primary_;
  std::uint64_t epoch_ = 0;              // of primary_
  std::optional<MonoTime> contradicted_; // since then
};

} // namespace foyer::redis
