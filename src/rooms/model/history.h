// Requests about a room's history, and their answers, as values. What they mean is in engine/room_log.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rooms/model/room.h"

namespace foyer::rooms {

// At most this many messages in one page, whatever is asked for.
inline constexpr std::uint32_t kHistoryLimit = 300;
// Changes that are remembered, and as many as recovery brings.
inline constexpr std::uint32_t kRecoverableChanges = 300;
// A key is remembered at least this long, even when retention takes the message earlier.
inline constexpr Millis kKeyLife{std::chrono::minutes{5}};

// How far the caller knows a room. An empty epoch: not at all.
struct Known {
  Epoch epoch;
  Offset offset = 0;
};

struct AppendRequest {
  RoomName room;
  Author from;
  std::string text;
  std::string key; // empty: none
  WallTime time{};
  Known known = {}; // a room that turns out to be behind this gets a new epoch, and the message is of that
};
struct Appended {
  Epoch epoch = {};
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // the key was there before with the same text: offset and time are the first's
};

struct Erased {
  Offset offset = 0;
  Offset change = 0; // the number of the deletion; 0: it was deleted before changes were numbered
};
struct Detached {
  struct Room {
    RoomName room;
    Offset change = 0; // 0: the user belonged to it and had said nothing
  };
  bool any = false; // there was something of the user
  std::vector<Room> rooms = {};
};

struct HistoryRequest {
  RoomName room = {};
  UserId by = {};                    // who asks; readers serve users in turn
  std::optional<Offset> after = {};  // exclusive: oldest first from here
  std::optional<Offset> before = {}; // exclusive: the newest below this
  std::optional<Offset> up_to = {};  // inclusive upper bound
  std::uint32_t limit = 50;
  std::optional<Offset> time_of = {};       // also asked: when was this one written?
  std::optional<Offset> changes_after = {}; // exclusive: also the changes from here
  std::size_t bytes = SIZE_MAX; // of texts, after which the page ends: the message that reaches it is its last
};
struct HistoryPage {
  std::vector<Message> messages; // ascending
  bool more = false;             // older ones (before) or newer ones (after) were left out
  // Read after the messages, so that what the messages do not show yet is here.
  Offset change = 0;                // the number of the room's last change
  std::vector<Change> changes = {}; // those after changes_after, ascending
  bool changes_whole = true;        // all of them are here
  // Where the room stood when this was read.
  Epoch epoch = {};
  Offset head = 0;
  std::optional<WallTime> time_of = {}; // empty: there is no such message (any more)
};

} // namespace foyer::rooms
