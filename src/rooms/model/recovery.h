// What a returning client gets: everything that it missed, or the statement that this is not possible.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace foyer::rooms {

inline constexpr Offset kRecoverable = 300; // missed messages that a join recovers

// A room's position: the epoch names one unbroken history, the offset its end.
struct Position {
  std::string_view epoch;
  Offset offset = 0;
};

// A client's last known position in a room.
struct SincePosition {
  Epoch epoch;
  Offset offset = 0;
  std::optional<WallTime> time = {}; // of the message at that offset, which proves the position
  std::optional<Offset> change = {}; // the last change known to the client
};

struct Recovery {
  bool possible = false;    // all of (after, up_to] must be sent
  Offset after = 0;         // exclusive, if possible
  Offset up_to = 0;         // inclusive
  std::uint32_t newest = 0; // otherwise: this many of the newest
};

// `since`: the client's last position. It is recoverable in the same epoch, if it is not ahead of the room and at most
// kRecoverable behind. `pages`: the client accepts a recovery in pages, of any length.
[[nodiscard]] inline Recovery plan_recovery(
    const Position& room, const std::optional<Position>& since, std::uint32_t limit, bool pages = false) {
  Recovery plan{.up_to = room.offset, .newest = limit};
  if (since && since->epoch == room.epoch && since->offset <= room.offset &&
      (pages || room.offset - since->offset <= kRecoverable)) {
    plan.possible = true;
    plan.after = since->offset;
  }
  return plan;
}

// A client's position in the room's current epoch, and what the store knows about it.
struct Shown {
  Offset offset = 0;
  std::optional<WallTime> time; // of the message at that offset
};
struct Stored {
  Offset head = 0;
  std::optional<WallTime> time;  // of the message at that offset; nullopt: there is no such message
  std::optional<Offset> doubted; // positions beyond this prove nothing without their time
};
enum class Proof : std::uint8_t {
  good,        // the client's history is the room's, as far as known
  none,        // it cannot be decided
  contradicts, // the client has seen another history
};

// If a copy of the data is restored and the server cannot notice it, the epoch stays the same; then only a client's
// position shows that the history was another one.
[[nodiscard]] inline Proof judge_position(const Shown& shown, const Stored& stored) {
  if (shown.offset > stored.head) return Proof::contradicts;
  if (shown.offset == 0) return Proof::good; // the client has seen nothing
  if (shown.time) {
    if (!stored.time) return Proof::none; // the message is no longer stored
    return *shown.time == *stored.time ? Proof::good : Proof::contradicts;
  }
  return stored.doubted && shown.offset > *stored.doubted ? Proof::none : Proof::good;
}

} // namespace foyer::rooms
