// What a client that comes back is owed: everything it missed, or the honest
// statement that it cannot be had.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"

namespace foyer::hub {

inline constexpr Offset kRecoverable = 300; // missed messages that a join brings back

// Where a room stands: the epoch names one unbroken history, the offset its end.
struct Position {
  std::string_view epoch;
  Offset offset = 0;
};

struct Recovery {
  bool possible = false;      // all of (after, up_to] is owed
  Offset after = 0;           // exclusive, if possible
  Offset up_to = 0;           // inclusive
  std::uint32_t newest = 0;   // else: this many of the newest
};

// since: the last position the client saw. Same epoch, not ahead of the room and at
// most kRecoverable behind: recoverable.
[[nodiscard]] inline Recovery plan_recovery(const Position& room, const std::optional<Position>& since, std::uint32_t limit) {
  Recovery plan{.up_to = room.offset, .newest = limit};
  if (since && since->epoch == room.epoch && since->offset <= room.offset && room.offset - since->offset <= kRecoverable) {
    plan.possible = true;
    plan.after = since->offset;
  }
  return plan;
}

} // namespace foyer::hub
