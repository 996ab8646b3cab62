// The permissions in a room. Pure; the caller knows the members.
//
// A user without the scope gets PERMISSION_DENIED before anything about the
// room is read. A user outside a private, direct or foreign own room
// gets NOT_A_MEMBER, the same as for a room that does not exist, with any other
// rights: an administrator sees no more than others. The rule of a room may open or close it
// (room_rules.h); whoever may not join may do nothing else there.
#pragma once

#include <cstdint>
#include <string_view>

#include "rooms/model/room.h"
#include "rooms/model/room_rules.h"

namespace foyer::rooms {

enum class Act : std::uint8_t {
  read,   // join, history, presence
  write,  // chat, typing
  invite, // bring another user into a private room
  remove, // take a user out of a private room; see also may_remove()
  erase,  // delete a message; see also may_erase_any()
};

// Judged by the name alone: false for the own room of another user. Only the store knows the members of a private or
// direct room.
[[nodiscard]] bool may_be_inside(RoomKind kind, std::string_view room, const UserId& user);

// Before a room is looked up: the answer must not depend on its existence. PERMISSION_DENIED.
[[nodiscard]] Result<void> has_scope(Act act, const Permissions& permissions);
// The list of the user's rooms: chat:read or chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_list(const Permissions& permissions);

// What somebody is to a room.
struct Standing {
  bool member = false;     // the user itself in its own room; anybody in a public room without members
  bool token = false;      // a token of the user names the room
  bool app_let_in = false; // the application was asked, and agreed
  bool app_lets_write = false;
  bool application = false; // over the server API, with rights of its own: no rule holds for it
};
// NOT_A_MEMBER, NOT_JOINED, PERMISSION_DENIED or ROOM_TOKEN_REQUIRED.
[[nodiscard]] Result<void> may(
    Act act, RoomKind kind, const RoomSettings& settings, const Standing& standing, const Permissions& permissions);
// Whether the store knows who may do something in the room.
[[nodiscard]] inline bool has_members(RoomKind kind, const RoomSettings& settings) {
  if (kind == RoomKind::private_ || kind == RoomKind::direct) return true;
  return kind == RoomKind::public_ && (settings.join == JoinBy::members || settings.write == WriteBy::members);
}

// A rule turns off what was asked for: NOT_AVAILABLE. `setting`: its name in the rule.
[[nodiscard]] Refusal turned_off(std::string_view setting);

// Creating a private or direct room is a change: chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_create(const Permissions& permissions);

// Oneself; others as the creator of the room, or as an administrator who is a member.
[[nodiscard]] inline bool may_remove(
    const UserId& by, const UserId& who, const UserId& creator, const Permissions& permissions) {
  return by == who || by == creator || permissions.admin;
}

// Messages of others too, or only one's own?
[[nodiscard]] inline bool may_erase_any(const Permissions& permissions) { return permissions.admin; }

} // namespace foyer::rooms
