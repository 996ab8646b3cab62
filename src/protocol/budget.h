// The cost of each command in an allowance (base/allowance.h), and the limit of bad messages. Pure; time is passed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "protocol/command.h"

namespace foyer::protocol {

// Rooms or messages of a page that cost as much as one command.
inline constexpr std::uint64_t kRowsToCommand = 50;

// The cost of a command, in units of the cheapest one: a command that reads many rows or changes the members of a room
// costs as much as several messages.
[[nodiscard]] inline std::uint64_t cost_of(const Command& command) {
  using enum CommandType;
  switch (command.type) {
    case rooms: return 1 + std::min<std::uint64_t>(command.limit.value_or(kRoomsPage), kRoomsPage) / kRowsToCommand;
    case history:
      return 1 + std::min<std::uint64_t>(command.limit.value_or(kHistoryPage), kHistoryMost) / kRowsToCommand;
    case join:
      return 1 + std::min<std::uint64_t>(command.limit.value_or(0), kHistoryMost) / kRowsToCommand +
          (command.since ? 1 : 0);
    case create:
    case direct:
    case invite:
    case remove: return 5;
    default: return 1;
  }
}

// A client that sends too fast is refused and stays connected; after this many refused bursts in a row its connection
// is ended as a flood.
inline constexpr std::uint64_t kRefusalsToBurst = 25;

// Counts bad messages within 10 s. More than the limit end the connection (TOO_MANY_BAD_MESSAGES).
class BadMessageWindow {
 public:
  static constexpr std::chrono::seconds kWindow{10};

  [[nodiscard]] bool one_more_is_too_many(MonoTime now, std::uint32_t limit) {
    if (count_ == 0 || now - start_ >= kWindow) start_ = now, count_ = 0;
    return ++count_ > limit;
  }

 private:
  MonoTime start_{};
  std::uint32_t count_ = 0;
};

} // namespace foyer::protocol
