// What a node reads in the database about changes by any node, itself included. Rows may come more than once and in any
// order, and each describes the state as it was read: whoever follows a room compares positions.
#pragma once

#include <cstdint>

#include "engine/values.h"

namespace foyer::engine {

// A room and its position, from the snapshot of the reading.
struct ChangedRoom {
  RoomName room;
  Epoch epoch;
  Offset head = 0;
  Offset change = 0; // the number of the last change
};

enum class TakenAway : std::uint8_t {
  membership, // of the user in the room
  room,       // it was removed, for everybody
  account,    // of the user, everywhere
};

// A right that was taken away. Blocks and revocations have rows of their own with numbers (subject_endings.h).
struct ControlRow {
  TakenAway what{};
  RoomName room = {};
  UserId user = {};
  friend bool operator==(const ControlRow&, const ControlRow&) = default;
};

} // namespace foyer::engine
