// Events in a room or for a user, as values. Immutable once made, and shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "rooms/model/directory.h"
#include "rooms/model/history.h"
#include "rooms/model/presence.h"

namespace foyer::rooms {

// How an event reaches its receivers.
enum class Delivery : std::uint8_t {
  history,       // has its own offset in the log: delivered once, in order, without a gap
  about_history, // changes messages up to `offset`; numbered independently of offsets (Change::number)
  ephemeral,     // presence, typing, events for one user: sent once to connected clients
};

struct MemberJoined {
  Member member;
};
struct MemberLeft {
  Member member;
};
struct MembersChanged { // replaces single joins and leaves in large rooms
  std::size_t count = 0;
};
struct TypingChanged {
  Member member;
  bool on = false;
};
struct RoomReset { // the history of the room restarts at {epoch, offset} of the event
  std::string reason;
};
// The next ones are for the connections of one user.
struct RoomAdded {};
struct RoomRemoved {};
struct InvitationReceived {
  Invitation invitation;
};
struct InvitationDeclined {};

struct Event {
  RoomName room = {};
  Epoch epoch = {};  // empty: ephemeral
  Offset offset = 0; // history: its own; about_history: the last message that it may affect; ephemeral: 0
  Delivery delivery{};
  UserId except = {}; // a user who does not get it; empty: none
  std::variant<std::monostate, Message, Change, MemberJoined, MemberLeft, MembersChanged, TypingChanged, RoomReset,
      RoomAdded, RoomRemoved, InvitationReceived, InvitationDeclined>
      body = {};
};
using EventPtr = std::shared_ptr<const Event>;

[[nodiscard]] inline std::size_t text_bytes(const Event& event) {
  const auto* message = std::get_if<Message>(&event.body);
  return message == nullptr ? 0 : message->text.size();
}

} // namespace foyer::rooms
