// The use cases of rooms, for all callers: a session, a backend over HTTP, the server itself. The service finds the
// home of a room (by its name), passes the request there and returns the answer.
//
// Every request has exactly one answer, a value or a refusal. A service that belongs to a loop is used on that loop
// only; answers come on it, at once or later, and in order with the events that the same home sends there (an event
// that was published before the answer was given arrives before it). A service without a loop may be used on any
// thread; its answers come on the loop of the home.
//
//   RoomService rooms(homes, 0);
//   rooms.publish(actor, {.room = RoomName{"tea"}, .text = "hello"}, [](Result<Published> done) { … });
#pragma once

#include <optional>

#include "rooms/room_home.h"

namespace foyer::rooms {

class RoomService {
 public:
  // `homes` outlives this. `here`: the home of the caller's loop.
  RoomService(const Homes& homes, std::optional<ListenerId> here) : homes_(homes), here_(here) {}

  // Whether the messages of a room of that name outlive this process. Any thread.
  [[nodiscard]] bool durable(const RoomName& room) const { return homes_.at(0).durable(room); }

  // Refusals of all functions that name a room: NOT_A_MEMBER, PERMISSION_DENIED, ROOM_NAME_INVALID, BUSY, RATE_LIMITED
  // (the user's share of loaded rooms), the store's (STORE_FULL and the like), and these:

  // Creates a public or own room that does not exist. After the answer the listener gets the events of the room, and
  // counts one more subscriber, unless the request has `again`; each one must leave. ROOM_LIMIT.
  void join(Actor actor, JoinRequest request, Completion<Joined> done);
  // `evicted`: the home has ended this subscription itself (engine::Evict).
  void leave(ListenerId listener, UserId user, RoomName room, bool evicted);
  // Answered after the commit. Creates a public or own room that does not exist. KEY_REUSED, RATE_LIMITED (too many
  // messages in the room).
  void publish(Actor actor, PublishRequest request, Completion<Published> done);
  // Erases a message permanently: one's own, or any as an administrator. NOT_FOUND. Repeated: the same answer.
  void erase(Actor actor, RoomName room, Offset offset, Completion<MessageErased> done);
  // For a user who has joined the room; otherwise no effect.
  void typing(Actor actor, RoomName room, bool on);
  // For a public room that does not exist: empty.
  void history(Actor actor, HistoryQuery query, Completion<HistoryPart> done);
  // One message. NOT_FOUND.
  void message(Actor actor, RoomName room, Offset offset, Completion<MessageFound> done);
  void presence(Actor actor, RoomName room, AnswerLimit answer, Completion<PresenceNow> done);
  // The rooms of this process that somebody has joined and whose names match (`*` stands for anything), by name. The
  // answer comes on any loop.
  void active(std::string pattern, Completion<std::vector<ActiveRoom>> done);

  // For applications. A private room with these members and without a creator. ROOM_EXISTS, ROOM_LIMIT.
  void create_for(RoomName room, std::vector<UserId> members, Completion<RoomCreated> done);
  // A room of any kind, with its history and members; its subscriptions end. A public or own room of that name starts
  // afresh when it is used again. NOT_FOUND.
  void destroy(RoomName room, Completion<RoomDestroyed> done);
  // Removes all messages; the offsets continue. NOT_FOUND.
  void clear(Actor actor, RoomName room, Completion<HistoryRemoved> done);
  // Without an invitation. ROOM_LIMIT.
  void add_member(Actor actor, RoomName room, UserId user, Completion<UserAdded> done);

  // A private room with its first member. ROOM_EXISTS (to its members), ROOM_LIMIT, RATE_LIMITED.
  void create(Actor actor, RoomName room, Completion<RoomCreated> done);
  // The direct room with another user, the same for both. INVITATION_LIMIT, ROOM_LIMIT, RATE_LIMITED, BAD_MESSAGE.
  void direct(Actor actor, UserId other, Completion<RoomCreated> done);
  // The user must accept. INVITATION_LIMIT, ROOM_LIMIT.
  void invite(Actor actor, RoomName room, UserId user, Completion<UserInvited> done);
  // NO_INVITATION, ROOM_LIMIT.
  void accept(Actor actor, RoomName room, Completion<InvitationAccepted> done);
  void decline(Actor actor, RoomName room, Completion<InvitationTurnedDown> done);
  void invitations(UserId user, Completion<InvitationPage> done);
  // Oneself; others as the creator or an administrator who is a member.
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
  // The home of this loop; without one, the first.
  [[nodiscard]] std::size_t any() const { return here_.value_or(0); }
  // `done`, wrapped to run on the caller's loop.
  template <class T>
  [[nodiscard]] Completion<T> back(std::size_t home, Completion<T> done);

  const Homes& homes_;
  std::optional<ListenerId> here_;
};

} // namespace foyer::rooms
