// The rooms, their members and invitations; and people with accounts elsewhere.
// Callbacks run like those of a RoomLog.
#pragma once

#include <optional>
#include <string>

#include "base/completion.h"
#include "rooms/model/directory.h"

namespace foyer::engine {

class RoomDirectory {
 public:
  virtual ~RoomDirectory() = default;

  // The row of a room. NOT_A_MEMBER for a private or direct room that does not exist or that the requester does not
  // belong to, before its members are read. A public or own room that does not exist: NOT_FOUND, unless it is to
  // be created: then ROOM_LIMIT if `by` has created too many.
  virtual void open(rooms::OpenRequest question, Completion<rooms::RoomRow> done) = 0;
  // Deletes a public or own room without messages; false: it is no such room. The caller ensures
  // that it is not in use. (Opening a directory that nobody else has open deletes all such rooms.)
  virtual void forget_empty(RoomName room, Completion<bool> done) = 0;
  // A private room with its first member: ROOM_EXISTS (also when `by` is not a member; the caller hides it),
  // ROOM_LIMIT.
  virtual void create(RoomName room, UserId by, Completion<rooms::RoomRow> done) = 0;
  // The direct room of two users, the same for both. A new one counts as one of `by`. BAD_MESSAGE
  // (field `user`) for one and the same user, ROOM_LIMIT.
  // The first requester is a member at once, the other one after accept() or a request, too. INVITATION_LIMIT.
  virtual void direct(rooms::Author by, UserId other, Completion<rooms::Direct> done) = 0;
  // For an application: a private room with its first members and without a creator, in nobody's share of rooms.
  // ROOM_EXISTS, ROOM_LIMIT.
  virtual void create_for(RoomName room, std::vector<UserId> members, Completion<rooms::RoomRow> done) = 0;
  // The stored rooms in which a user has written, by name.
  virtual void written_by(UserId user, RoomName after, std::uint32_t limit, Completion<rooms::RoomNames> done) = 0;
  // A room of any kind, with its history, members and invitations. False: there is none.
  virtual void remove(RoomName room, Completion<bool> done) = 0;
  // Every room whose name comes after `after`, by name, without its members.
  virtual void all_rooms(RoomName after, std::uint32_t limit, Completion<rooms::RoomsPage> done) = 0;
  virtual void rooms_of(rooms::RoomsRequest question, Completion<rooms::RoomsPage> done) = 0;

  // Members of private rooms, and of public ones whose rule asks for members; of another kind: PERMISSION_DENIED,
  // absent: NOT_A_MEMBER, too many: ROOM_LIMIT.
  virtual void add_member(RoomName room, UserId user, Completion<bool> done) = 0; // false: was already one
  // false: was none. A private room that loses its last member is deleted, and its name is free again.
  virtual void remove_member(RoomName room, UserId user, Completion<bool> done) = 0;

  // Invitations. NOT_A_MEMBER, PERMISSION_DENIED and ROOM_LIMIT as for add_member; INVITATION_LIMIT.
  virtual void invite(RoomName room, rooms::Author from, UserId user, Completion<rooms::Invited> done) = 0;
  // The user is a member from then on. False: was one before. NO_INVITATION, also for a room
  // that does not exist; ROOM_LIMIT.
  virtual void accept(RoomName room, UserId user, Completion<bool> done) = 0;
  // NO_INVITATION, also when it has lapsed. The sender is not notified.
  virtual void decline(RoomName room, UserId user, Completion<bool> done) = 0;
  virtual void invitations(UserId user, Completion<rooms::InvitationPage> done) = 0;

  // People with accounts elsewhere, known since they were admitted.
  virtual void remember_person(rooms::Author person, Completion<bool> done) = 0;
  virtual void find_person(UserId id, Completion<std::optional<rooms::Author>> done) = 0;
  // Nobody if several people have that name.
  virtual void find_person_by_name(std::string name, Completion<std::optional<rooms::Author>> done) = 0;
};

} // namespace foyer::engine
