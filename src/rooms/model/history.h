// Requests about a room's history, and the answers, as values. engine/room_log.h documents them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rooms/model/call_record.h"
#include "rooms/model/room.h"

namespace foyer::rooms {

// The most messages in one page, for any request.
inline constexpr std::uint32_t kHistoryLimit = 300;
// The newest changes, which are kept and which a recovery can return.
inline constexpr std::uint32_t kRecoverableChanges = 300;
// A key is remembered at least this long, even if retention deletes the message earlier.
inline constexpr Millis kKeyLife{std::chrono::minutes{5}};

// The position of a room as the caller knows it. An empty epoch: unknown.
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
  Known known = {}; // a room that is behind this gets a new epoch, to which the message then belongs
  BodyType type = BodyType::text;
  CallRecordPtr record = {}; // stored in the same transaction, by a durable log; null: none
};
struct Appended {
  Epoch epoch = {};
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // the key was used before with the same body: offset and time are the first message's
};

struct Erased {
  Offset offset = 0;
  Offset change = 0; // the number of the deletion; 0: it was deleted before changes were numbered
};
struct Detached {
  struct Room {
    RoomName room;
    Offset change = 0; // 0: the user was a member and wrote nothing
  };
  bool any = false; // something of the user was found
  std::vector<Room> rooms = {};
};

struct HistoryRequest {
  RoomName room = {};
  UserId by = {};                    // the requester: readers serve users in turn
  std::optional<Offset> after = {};  // exclusive: the oldest above this
  std::optional<Offset> before = {}; // exclusive: the newest below this
  std::optional<Offset> up_to = {};  // inclusive upper bound
  std::uint32_t limit = 50;
  std::optional<Offset> time_of = {};       // also requested: the time of this message
  std::optional<Offset> changes_after = {}; // exclusive: also the changes after this number
  bool hidden_too = false;                  // include messages that retention hides but has not deleted yet
  std::size_t bytes = SIZE_MAX;             // of texts: the page ends with the message that reaches this
};
struct HistoryPage {
  std::vector<Message> messages; // ascending
  bool more = false;             // there are older (`before`) or newer (`after`) ones
  // Read after the messages, so that it includes changes which they do not show.
  Offset change = 0;                // the number of the room's last change
  std::vector<Change> changes = {}; // those after changes_after, ascending
  bool changes_whole = true;        // all of them are here
  // The room's position at the time of reading.
  Epoch epoch = {};
  Offset head = 0;
  std::optional<WallTime> time_of = {}; // nullopt: there is no such message, or not any more
};

} // namespace foyer::rooms
