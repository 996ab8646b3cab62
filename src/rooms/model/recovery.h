// What a returning client must get: everything it missed, or the honest
// statement that this is impossible.
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
  std::optional<WallTime> time = {}; // of the message at that offset: the witness
  std::optional<Offset> change = {}; // the last change known to the client
};

struct Recovery {
  bool possible = false;    // all of (after, up_to] must be sent
  Offset after = 0;         // exclusive, if possible
  Offset up_to = 0;         // inclusive
  std::uint32_t newest = 0; // otherwise: this many of the newest
};

// `pages`: the client takes a recovery of any length, in pages.
// since: the last position the client saw. Same epoch, not ahead of the room and at
// most kRecoverable behind, unless it takes pages: recoverable.
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

// A position from a client, of the room's current epoch, and the store's knowledge about it.
struct Shown {
  Offset offset = 0;
  std::optional<WallTime> time; // of the message at that offset
};
struct Stored {
  Offset head = 0;
  std::optional<WallTime> time;  // of the message at that offset; none: there is no such message
  std::optional<Offset> doubted; // positions beyond this prove nothing without their time
};
enum class Proof : std::uint8_t {
  good,        // the client's history is the room's, as far as known
  none,        // undecidable
  contradicts, // the client has seen another history, or claims so
};

// An epoch does not change when a copy of the data is restored without a sign that the server sees:
// then only a client knows that the history was another one.
[[nodiscard]] inline Proof judge_position(const Shown& shown, const Stored& stored) {
  if (shown.offset > stored.head) return Proof::contradicts;
  if (shown.offset == 0) return Proof::good; // it has seen nothing
  if (shown.time) {
    if (!stored.time) return Proof::none; // no longer stored
    return *shown.time == *stored.time ? Proof::good : Proof::contradicts;
  }
  return stored.doubted && shown.offset > *stored.doubted ? Proof::none : Proof::good;
}

} // namespace foyer::rooms
