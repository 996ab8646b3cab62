// Who may do what in a room. Pure; the caller knows the members.
//
// A user without the scope is told PERMISSION_DENIED before anything about the
// room is looked at. Whoever is outside a private, direct or foreign own room is
// told NOT_A_MEMBER, the same as for a room that does not exist, whatever else
// that user may do: an administrator sees no more than others.
#pragma once

#include <cstdint>
#include <string_view>

#include "rooms/model/room.h"

namespace foyer::rooms {

enum class Act : std::uint8_t {
  read,   // join, history, presence
  write,  // chat, typing
  invite, // bring another user into a private room
  remove, // take a user out of a private room; whom, see may_remove()
  erase,  // delete a message; whose message it may be, tells may_erase_any()
};

// What the name alone tells: false for the own room of another user. Whether a private or direct room has this member
// only the store knows.
[[nodiscard]] bool may_be_inside(RoomKind kind, std::string_view room, const UserId& user);

// Before a room is looked for: its answer must not depend on whether there is one. PERMISSION_DENIED.
[[nodiscard]] Result<void> has_scope(Act act, const Permissions& permissions);
// The list of one's rooms: chat:read or chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_list(const Permissions& permissions);

// NOT_A_MEMBER or PERMISSION_DENIED.
[[nodiscard]] Result<void> may(Act act, RoomKind kind, bool inside, const Permissions& permissions);

// Making a room, private or direct, is a change: chat:write. PERMISSION_DENIED.
[[nodiscard]] Result<void> may_create(const Permissions& permissions);

// Oneself; others as the creator of the room, or as an administrator who belongs to it.
[[nodiscard]] inline bool may_remove(
    const UserId& by, const UserId& who, const UserId& creator, const Permissions& permissions) {
  return by == who || by == creator || permissions.admin;
}

// Others' messages too, or one's own only?
[[nodiscard]] inline bool may_erase_any(const Permissions& permissions) { return permissions.admin; }

} // namespace foyer::rooms
