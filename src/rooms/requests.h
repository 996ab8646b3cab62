// What is asked of rooms, and the answers. Values: none of it knows a connection or a dialect.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rooms/model/event.h"

namespace foyer::rooms {

enum class Keep : std::uint8_t { oldest, newest };

// Measures answers as the dialect of the caller writes them. Stateless, and outlives every request.
class AnswerMeasure {
 public:
  virtual ~AnswerMeasure() = default;
  // How many of `messages`, from the oldest or from the newest, an answer of `bytes` holds.
  [[nodiscard]] virtual std::size_t messages_that_fit(const RoomName& room, const Epoch& epoch,
      std::span<const Message> messages, Keep keep, std::size_t bytes) const = 0;
  // How many of `members`, from the first, are not longer than `bytes`.
  [[nodiscard]] virtual std::size_t members_that_fit(std::span<const Member> members, std::size_t bytes) const = 0;
  [[nodiscard]] virtual std::size_t bytes_of(std::span<const Member> members) const = 0;
  [[nodiscard]] virtual std::size_t bytes_of(std::span<const Change> changes) const = 0;
};

// How long an answer may be. Without a measure it may be of any length.
struct AnswerLimit {
  const AnswerMeasure* measure = nullptr;
  std::size_t bytes = SIZE_MAX;
};

// One of the places that events are delivered to, on behalf of the subscribers there: a loop of this process.
using ListenerId = std::uint8_t;

// A client's last known position in a room.
struct SincePosition {
  Epoch epoch;
  Offset offset = 0;
  std::optional<WallTime> time = {}; // of the message at that offset: the witness
  std::optional<Offset> change = {}; // the last change that the client knows
};

struct JoinRequest {
  RoomName room;
  ListenerId listener = 0;
  std::optional<SincePosition> since = {};
  std::uint32_t limit = 0; // messages, where nothing is recovered
  bool again = false;      // subscribed already: it asks for messages only
  bool changes = false;    // the client understands numbered changes
  bool pages = false;      // and a recovery in several pages
  AnswerLimit answer = {};
};
struct Joined {
  RoomName room;
  RoomKind kind{};
  Epoch epoch;
  Offset up_to = 0; // the answer covers the history up to here; events behind it follow
  bool durable = true;
  bool recovered = false; // the answer holds everything after the client's `since`, or its first page
  bool more = false;
  std::vector<Message> messages = {}; // ascending
  std::vector<Member> members = {};   // some of them
  std::size_t member_count = 0;
  WallTime time{};                   // of the message at up_to; zero: not known
  std::optional<Offset> change = {}; // the number of the last change; where the client understands changes
  std::vector<Change> changes = {};
};

struct PublishRequest {
  RoomName room;
  std::string text;
  std::string key = {}; // empty: none
};
struct Published {
  RoomName room;
  Epoch epoch;
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // of an earlier message with this key: offset and time are the first one's
};

// Which part of a room's history: the newest below `before`, or the oldest above `after`.
struct HistoryQuery {
  RoomName room;
  std::optional<Offset> before = {};
  std::optional<Offset> after = {};
  std::uint32_t limit = 50;
  AnswerLimit answer = {};
};
struct HistoryPart {
  RoomName room;
  bool exists = true; // false: there is no such room yet
  Epoch epoch = {};
  std::vector<Message> messages = {};
  bool more = false;
  Offset up_to = 0; // events behind it were not read
};

struct MessageFound {
  RoomName room;
  Epoch epoch;
  Message message;
};
struct PresenceNow {
  RoomName room;
  std::vector<Member> members = {}; // some of them
  std::size_t count = 0;
};
struct MessageErased {
  RoomName room;
  Offset offset = 0;
  Offset change = 0;
};
struct RoomCreated {
  RoomName room;
  UserId with = {}; // a direct room: the other user
};
struct UserInvited {
  RoomName room;
  UserId user;
  bool member = false; // belongs to the room already
};
struct UserRemoved {
  RoomName room;
  UserId user;
};
struct InvitationAccepted {
  RoomName room;
};
struct InvitationTurnedDown {
  RoomName room;
};

} // namespace foyer::rooms
