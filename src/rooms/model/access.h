// Who may do what in a room. Pure; the caller supplies the membership.
//
// A user without the scope gets PERMISSION_DENIED before anything about the room is read. A user outside a private or
// direct room, or another user's own room, gets NOT_A_MEMBER, as for a room that does not exist; administrators are no
// exception. The rule of a room may open or close it (room_rules.h); a user who may not join may do nothing else there.
#pragma once

#include <cstdint>
#include <string_view>

#include "rooms/model/room.h"
#include "rooms/model/room_rules.h"

namespace foyer::rooms {

enum class Act : std::uint8_t {
  read,   // join, history, presence
  write,  // chat, typing
  invite, // invite another user into a private room
  remove, // remove a user from a private room; see also may_remove()
  erase,  // delete a message; see also may_erase_any()
};

// False only for another user's own room, which the name alone decides. Membership in private and direct rooms is known
// only to the store.
[[nodiscard]] bool may_be_inside(RoomKind kind, std::string_view room, const UserId& user);

// Checked before a room is looked up, so that the answer does not depend on its existence. PERMISSION_DENIED.
[[nodiscard]] Result<void> has_scope(Act act, const Permissions& permissions);
// To list rooms: chat:read or chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_list(const Permissions& permissions);

// What the caller knows about the actor in the room.
struct Standing {
  bool member = false;         // also the owner of an own room, and everybody in a public room without members
  bool token = false;          // a token of the user names the room
  bool app_let_in = false;     // the application was asked and lets the user join
  bool app_lets_write = false; // the application was asked and lets the user write
  bool application = false;    // an application over the server API, to which no rule applies
};
// NOT_A_MEMBER, NOT_JOINED, PERMISSION_DENIED or ROOM_TOKEN_REQUIRED.
[[nodiscard]] Result<void> may(
    Act act, RoomKind kind, const RoomSettings& settings, const Standing& standing, const Permissions& permissions);
// Whether rights in the room depend on a list of members, which the store keeps.
[[nodiscard]] inline bool has_members(RoomKind kind, const RoomSettings& settings) {
  if (kind == RoomKind::private_ || kind == RoomKind::direct) return true;
  return kind == RoomKind::public_ && (settings.join == JoinBy::members || settings.write == WriteBy::members);
}

// NOT_AVAILABLE for a feature that the rule of the room turns off. `setting`: its name in the rule.
[[nodiscard]] Refusal turned_off(std::string_view setting);

// To create a private or direct room: chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_create(const Permissions& permissions);

// Everybody may remove themselves; the creator, and administrators who are members, may remove others.
[[nodiscard]] inline bool may_remove(
    const UserId& by, const UserId& who, const UserId& creator, const Permissions& permissions) {
  return by == who || by == creator || permissions.admin;
}

// Whether the user may erase messages of others.
[[nodiscard]] inline bool may_erase_any(const Permissions& permissions) { return permissions.admin; }

} // namespace foyer::rooms
