// Requests to the room service and their answers, as values that know neither connections nor dialects.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rooms/model/event.h"
#include "rooms/model/recovery.h"

namespace foyer::rooms {

enum class Keep : std::uint8_t { oldest, newest };

// Measures answers in the dialect of the caller. Stateless, and outlives every request.
class AnswerMeasure {
 public:
  virtual ~AnswerMeasure() = default;
  // How many of `messages`, from the oldest or from the newest, fit into an answer of `bytes`.
  [[nodiscard]] virtual std::size_t messages_that_fit(const RoomName& room, const Epoch& epoch,
      std::span<const Message> messages, Keep keep, std::size_t bytes) const = 0;
  // How many of `members`, from the first, fit into `bytes`.
  [[nodiscard]] virtual std::size_t members_that_fit(std::span<const Member> members, std::size_t bytes) const = 0;
  [[nodiscard]] virtual std::size_t bytes_of(std::span<const Member> members) const = 0;
  [[nodiscard]] virtual std::size_t bytes_of(std::span<const Change> changes) const = 0;
};

// The greatest length of an answer. Without a measure: unlimited.
struct AnswerLimit {
  const AnswerMeasure* measure = nullptr;
  std::size_t bytes = SIZE_MAX;
  std::optional<std::size_t> members = {}; // how many members to list, instead of members_shown
};

// A loop of this process: the destination of events for all subscribers there.
using ListenerId = std::uint8_t;

struct JoinRequest {
  RoomName room;
  ListenerId listener = 0;
  std::optional<SincePosition> since = {};
  std::uint32_t limit = 0; // messages, if nothing is recovered
  bool again = false;      // already subscribed: only the messages are requested
  bool changes = false;    // the client understands numbered changes
  bool pages = false;      // the client understands a recovery in pages
  AnswerLimit answer = {};
};
struct Joined {
  RoomName room;
  RoomKind kind{};
  Epoch epoch;
  Offset up_to = 0; // the answer covers the history up to here; later messages follow as events
  bool durable = true;
  bool by_server = false; // joined by an application
  bool recovered = false; // the answer contains everything after the client's `since`, or its first page
  bool more = false;
  std::vector<Message> messages = {}; // ascending
  std::vector<Member> members = {};   // some of them: AnswerLimit::members
  std::size_t member_count = 0;
  WallTime time{};                   // of the message at up_to; zero: unknown
  std::optional<Offset> change = {}; // the number of the last change, if the client understands changes
  std::vector<Change> changes = {};
};

struct PublishRequest {
  RoomName room;
  std::string text;     // or compact JSON text; within the limit of a text's length
  std::string key = {}; // empty: none
  BodyType type = BodyType::text;
  CallRecordPtr record = {}; // as in AppendRequest
};
struct Published {
  RoomName room;
  Epoch epoch;
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // the key was used before: offset and time are those of the first message
};

// A part of a room's history: the newest messages below `before`, or the oldest above `after`.
struct HistoryQuery {
  RoomName room;
  std::optional<Offset> before = {};
  std::optional<Offset> after = {};
  std::uint32_t limit = 50;
  AnswerLimit answer = {};
};
struct HistoryPart {
  RoomName room;
  bool exists = true; // false: the room does not exist yet
  bool kept = true;   // false: the rule of the room keeps no messages
  Epoch epoch = {};
  std::vector<Message> messages = {};
  bool more = false;
  Offset up_to = 0; // messages after this offset were not read
};

struct MessageFound {
  RoomName room;
  Epoch epoch;
  Message message;
};
struct PresenceNow {
  RoomName room;
  std::vector<Member> members = {}; // some of them: AnswerLimit::members
  std::size_t count = 0;
  std::uint64_t subscribers = 0; // connections that have joined the room
  std::size_t connected = 0;     // users who have one of them
};
// Who has joined a room in this process.
struct RoomAudience {
  std::uint64_t subscribers = 0;         // connections
  std::vector<std::uint64_t> users = {}; // a hash of each user's id, so that a user of several nodes counts once
};
// A room that somebody has joined.
struct ActiveRoom {
  RoomName room;
  std::size_t present = 0;       // users
  std::uint64_t subscribers = 0; // connections
};
struct MessageErased {
  RoomName room;
  Offset offset = 0;
  Offset change = 0;
};
struct RoomCreated {
  RoomName room;
  UserId with = {}; // of a direct room: the other user
};
struct UserInvited {
  RoomName room;
  UserId user;
  bool member = false; // the user is a member already
};
struct UserRemoved {
  RoomName room;
  UserId user;
};
struct UserAdded {
  RoomName room;
  UserId user;
  bool added = false; // false: the user was a member already
};
struct RoomDestroyed {
  RoomName room;
};
struct HistoryRemoved {
  RoomName room;
};
struct InvitationAccepted {
  RoomName room;
};
struct InvitationTurnedDown {
  RoomName room;
};

} // namespace foyer::rooms
