// The use cases of rooms for all callers: a session, a backend over HTTP, the server itself. The service passes a
// request to the home of the room and returns the answer.
//
// Every request has exactly one answer, a value or a refusal. A service that belongs to a loop may be used on that loop
// only. Its answers come there, at once or later, and in order with the events that the same home sends to the loop: an
// event published before the answer was given arrives before it. A service without a loop may be used on any thread;
// its answers come on the loop of the room's home.
//
//   RoomService rooms(homes, 0);
//   rooms.publish(actor, {.room = RoomName{"tea"}, .text = "hello"}, [](Result<Published> done) { … });
#pragma once

#include <optional>

#include "rooms/room_home.h"

namespace foyer::rooms {

class RoomService {
 public:
  // `homes` must outlive this. `here`: the home of the caller's loop; nullopt: a service without a loop.
  RoomService(const Homes& homes, std::optional<ListenerId> here) : homes_(homes), here_(here) {}

  // Whether messages of a room with this name survive a restart. Any thread.
  [[nodiscard]] bool durable(const RoomName& room) const { return homes_.at(0).durable(room); }

  // All functions that name a room may refuse with NOT_A_MEMBER, PERMISSION_DENIED, ROOM_NAME_INVALID, BUSY,
  // RATE_LIMITED (the user's share of loaded rooms) and the causes of the store (STORE_FULL and others). Further
  // refusals are listed with each function.

  // Subscribes. Creates a public or own room that does not exist. After the answer the listener gets the events of the
  // room and counts one more subscriber, unless the request has `again`. Every subscriber must leave(). ROOM_LIMIT.
  void join(Actor actor, JoinRequest request, Completion<Joined> done);
  // Unsubscribes. `evicted`: the home has ended this subscription itself (engine::Evict).
  void leave(ListenerId listener, UserId user, RoomName room, bool evicted);
  // Publishes a message; answers after the commit. Creates a public or own room that does not exist. KEY_REUSED,
  // RATE_LIMITED (too many messages in the room).
  void publish(Actor actor, PublishRequest request, Completion<Published> done);
  // Erases the body of a message permanently: one's own, or any as an administrator. Idempotent. NOT_FOUND.
  void erase(Actor actor, RoomName room, Offset offset, Completion<MessageErased> done);
  // Sets or clears the typing mark of a user who has joined the room; otherwise no effect.
  void typing(Actor actor, RoomName room, bool on);
  // A part of the history; empty for a public room that does not exist.
  void history(Actor actor, HistoryQuery query, Completion<HistoryPart> done);
  // One whole message. NOT_FOUND.
  void message(Actor actor, RoomName room, Offset offset, Completion<MessageFound> done);
  void presence(Actor actor, RoomName room, AnswerLimit answer, Completion<PresenceNow> done);
  // The rooms of this process that have subscribers and whose names match (`*` matches any characters), sorted by name.
  // Answers on any loop.
  void active(std::string pattern, Completion<std::vector<ActiveRoom>> done);
  // Who has joined a room in this process. Answers on the loop of the room's home.
  void audience(RoomName room, std::move_only_function<void(RoomAudience)> done);

  // For applications: creates a private room with these members and no creator. ROOM_EXISTS, ROOM_LIMIT.
  void create_for(RoomName room, std::vector<UserId> members, Completion<RoomCreated> done);
  // For applications: deletes a room of any kind with its history and members, and ends its subscriptions. A public or
  // own room starts with an empty history when it is used again. NOT_FOUND.
  void destroy(RoomName room, Completion<RoomDestroyed> done);
  // For applications: removes all messages; offsets continue. NOT_FOUND.
  void clear(Actor actor, RoomName room, Completion<HistoryRemoved> done);
  // For applications: adds a member without an invitation. ROOM_LIMIT.
  void add_member(Actor actor, RoomName room, UserId user, Completion<UserAdded> done);

  // Creates a private room; the user becomes its first member. ROOM_EXISTS (to its members), ROOM_LIMIT, RATE_LIMITED.
  void create(Actor actor, RoomName room, Completion<RoomCreated> done);
  // Requests the direct room with another user, or accepts the other's request. INVITATION_LIMIT, ROOM_LIMIT,
  // RATE_LIMITED, BAD_MESSAGE.
  void direct(Actor actor, UserId other, Completion<RoomCreated> done);
  // Invites a user, who must accept. INVITATION_LIMIT, ROOM_LIMIT.
  void invite(Actor actor, RoomName room, UserId user, Completion<UserInvited> done);
  // Answer an invitation. NO_INVITATION, ROOM_LIMIT.
  void accept(Actor actor, RoomName room, Completion<InvitationAccepted> done);
  void decline(Actor actor, RoomName room, Completion<InvitationTurnedDown> done);
  void invitations(UserId user, Completion<InvitationPage> done);
  // Removes a member: oneself, or others as the creator or as an administrator who is a member.
  void remove(Actor actor, RoomName room, UserId user, Completion<UserRemoved> done);
  void list(RoomsRequest request, Completion<RoomsPage> done);

  // An author is gone: its messages keep the id and lose the name, and the texts if they are to be forgotten, too; the
  // user leaves its private and direct rooms. False: there was nothing of the user. Without a loop the answer comes on
  // a thread of the log.
  void forget_author(UserId user, Forget what, Completion<bool> done);

 private:
  // Runs `task` at a home.
  template <class Task>
  void at(std::size_t home, Task task);
  // Sends a request to a home, and returns the answer.
  template <auto request, class T, class... Arguments>
  void ask(std::size_t home, Completion<T> done, Arguments... arguments);
  // The home of this loop; without a loop, the first one.
  [[nodiscard]] std::size_t any() const { return here_.value_or(0); }
  // Wraps `done` to run on the caller's loop.
  template <class T>
  [[nodiscard]] Completion<T> back(std::size_t home, Completion<T> done);

  const Homes& homes_;
  std::optional<ListenerId> here_;
};

} // namespace foyer::rooms
