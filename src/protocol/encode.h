// Server messages of the native protocol. Each function appends one JSON object.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "protocol/terms.h"

namespace foyer::protocol {

struct UserRef {
  std::string_view id;
  std::string_view name;
};

struct MessageView {
  Offset offset = 0;
  UserRef from;
  std::string_view text;
  WallTime time{};
  std::string_view key; // empty: none
  bool deleted = false;
  bool too_large = false; // above the client's max_message: without its text, which GET /rooms/ROOM/messages/OFFSET has
};

struct InvitationView {
  std::string_view room;
  UserRef from;
  WallTime expires_at{};
};

struct RoomView {
  std::string_view room;
  std::string_view kind;
  std::string_view epoch;
  Offset offset = 0;
};

using MessageId = std::optional<std::uint64_t>; // `id` of the command that is answered

struct Welcome {
  UserRef user;
  std::string_view connection;
  std::string_view session;
  Permissions permissions;
  WallTime expires_at{};
  ClientTerms terms = {}; // what was understood is echoed, if the client named any
};
// The parts of authentication_success that are the same for everybody, made once.
struct WelcomeConstants {
  Millis heartbeat{};
  std::size_t message_bytes = 0, text_bytes = 0, rooms = 0, messages_per_s = 0, name_bytes = 0;
  std::string version, build, environment, config;
  [[nodiscard]] std::string tail() const; // `,"heartbeat_ms":…,"server":{…}}`
};
void authentication_success(std::string& out, MessageId id, const Welcome& welcome, std::string_view constants_tail);

// The client's sentence; with `reveal` (development) the operator's text.
void authentication_error(std::string& out, MessageId id, const Refusal& refusal, const Ref& ref, bool reveal);
void error(std::string& out, MessageId id, const Refusal& refusal, const Ref& ref, bool reveal);

// The messages of one answer, as JSON: as many as `bytes` hold, the oldest or the newest. One that
// is too long all by itself is there without its text.
struct MessageList {
  std::string json;
  std::size_t count = 0;
  bool all = true;
};
enum class Keep : std::uint8_t { oldest, newest };
[[nodiscard]] MessageList fit_messages(
    std::string_view room, std::string_view epoch, std::span<const MessageView> messages, Keep keep, std::size_t bytes);
// The first of `members` whose JSON is not longer than `bytes`.
[[nodiscard]] std::span<const UserRef> fit_members(std::span<const UserRef> members, std::size_t bytes);
[[nodiscard]] std::size_t member_bytes(std::span<const UserRef> members); // of their JSON
// What an answer holds beside its lists is shorter than this.
inline constexpr std::size_t kEnvelopeBytes = 1024;

// What happened to messages that were said before: a deletion, or, where `offset` is 0, the end of
// the account `author`, whose messages have another name now.
struct ChangeView {
  Offset number = 0; // 0: it has none
  Offset offset = 0;
  UserRef author = {};
};
// For Joined; the elements of an array.
[[nodiscard]] std::string change_list(std::span<const ChangeView> changes);

struct Joined {
  RoomView room;
  bool durable = true;
  bool recovered = false;
  bool more = false;
  std::string_view messages;        // MessageList::json
  std::span<const UserRef> members; // at most 100
  std::size_t member_count = 0;
  WallTime time{};                   // of the message at the room's offset; zero: not known
  std::optional<Offset> change = {}; // the number of the last change; for clients with the feature
  std::string_view changes = {};     // change_list()
};
void joined(std::string& out, MessageId id, const Joined& joined);
void history(std::string& out, MessageId id, std::string_view room, std::string_view epoch, std::string_view messages,
    bool more);
void presence(
    std::string& out, MessageId id, std::string_view room, std::span<const UserRef> members, std::size_t member_count);
// At most `bytes` of it: what is left out is told by `more`, as is what comes behind the list.
void rooms(std::string& out, MessageId id, std::span<const RoomView> rooms, bool more, std::size_t bytes);
void sent(std::string& out, MessageId id, std::string_view room, std::string_view epoch, Offset offset, WallTime time,
    bool duplicate);
void room_answer(std::string& out, std::string_view type, MessageId id,
    std::string_view room); // created, left, accepted, declined, room_added, room_removed
void room_user_answer(std::string& out, std::string_view type, MessageId id, std::string_view room,
    std::string_view user); // created (direct), removed
// `pending`: whether the other person has to answer first; for clients that named the feature `people`.
void invited(std::string& out, MessageId id, std::string_view room, std::string_view user, std::optional<bool> pending);
void invitations(
    std::string& out, MessageId id, std::span<const InvitationView> invitations, bool more, std::size_t bytes);
void refreshed(std::string& out, MessageId id, WallTime expires_at);
void pong(std::string& out, MessageId id);
void changed(std::string& out, MessageId id, std::string_view room,
    const ChangeView& change); // deleted, author_detached; also pushed

// Pushed.
void message(std::string& out, std::string_view room, std::string_view epoch,
    const MessageView& message); // also the body over HTTP
void member_event(
    std::string& out, std::string_view type, std::string_view room, UserRef user); // member_joined, member_left
void room_reset(
    std::string& out, std::string_view room, std::string_view epoch, Offset offset, std::string_view reason);
void members_changed(std::string& out, std::string_view room, std::size_t member_count);
void typing(std::string& out, std::string_view room, UserRef user, bool on);
void invitation(std::string& out, const InvitationView& invitation);
void token_expiring(std::string& out, WallTime expires_at);
void closing(std::string& out, Millis retry_after);

} // namespace foyer::protocol
