#include "rooms/room_service.h"

namespace foyer::rooms {

template <class Task>
void RoomService::at(std::size_t home, Task task) {
  RoomHome& there = homes_.at(home);
  if (here_ == home) return task(there);
  there.loop().post([&there, task = std::move(task)]() mutable { task(there); });
}

template <class T>
Completion<T> RoomService::back(std::size_t home, Completion<T> done) {
  if (!here_ || *here_ == home) return done;
  return [&here = homes_.at(*here_).loop(), done = std::move(done)](Result<T> result) mutable {
    here.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
}

void RoomService::join(Actor actor, JoinRequest request, Completion<Joined> done) {
  const std::size_t home = homes_.of(request.room);
  at(home,
      [actor = std::move(actor), request = std::move(request), done = back(home, std::move(done))](
          RoomHome& h) mutable { h.join(std::move(actor), std::move(request), std::move(done)); });
}

void RoomService::leave(ListenerId listener, UserId user, RoomName room, bool evicted) {
  const std::size_t home = homes_.of(room);
  at(home, [listener, user = std::move(user), room = std::move(room), evicted](RoomHome& h) {
    h.leave(listener, user, room, evicted);
  });
}

void RoomService::publish(Actor actor, PublishRequest request, Completion<Published> done) {
  const std::size_t home = homes_.of(request.room);
  at(home,
      [actor = std::move(actor), request = std::move(request), done = back(home, std::move(done))](
          RoomHome& h) mutable { h.publish(std::move(actor), std::move(request), std::move(done)); });
}

void RoomService::erase(Actor actor, RoomName room, Offset offset, Completion<MessageErased> done) {
  const std::size_t home = homes_.of(room);
  at(home,
      [actor = std::move(actor), room = std::move(room), offset, done = back(home, std::move(done))](
          RoomHome& h) mutable { h.erase(actor, room, offset, std::move(done)); });
}

void RoomService::typing(Actor actor, RoomName room, bool on) {
  const std::size_t home = homes_.of(room);
  at(home, [actor = std::move(actor), room = std::move(room), on](RoomHome& h) { h.typing(actor, room, on); });
}

void RoomService::history(Actor actor, HistoryQuery query, Completion<HistoryPart> done) {
  const std::size_t home = homes_.of(query.room);
  at(home,
      [actor = std::move(actor), query = std::move(query), done = back(home, std::move(done))](
          RoomHome& h) mutable { h.history(std::move(actor), std::move(query), std::move(done)); });
}

void RoomService::message(Actor actor, RoomName room, Offset offset, Completion<MessageFound> done) {
  const std::size_t home = homes_.of(room);
  at(home,
      [actor = std::move(actor), room = std::move(room), offset, done = back(home, std::move(done))](
          RoomHome& h) mutable { h.message(actor, room, offset, std::move(done)); });
}

void RoomService::presence(Actor actor, RoomName room, AnswerLimit answer, Completion<PresenceNow> done) {
  const std::size_t home = homes_.of(room);
  at(home,
      [actor = std::move(actor), room = std::move(room), answer, done = back(home, std::move(done))](
          RoomHome& h) mutable { h.presence(actor, room, answer, std::move(done)); });
}

void RoomService::create(Actor actor, RoomName room, Completion<RoomCreated> done) {
  const std::size_t home = homes_.of(room);
  at(home, [actor = std::move(actor), room = std::move(room), done = back(home, std::move(done))](RoomHome& h) mutable {
    h.create(std::move(actor), room, std::move(done));
  });
}

void RoomService::invite(Actor actor, RoomName room, UserId user, Completion<UserInvited> done) {
  const std::size_t home = homes_.of(room);
  at(home,
      [actor = std::move(actor), room = std::move(room), user = std::move(user), done = back(home, std::move(done))](
          RoomHome& h) mutable { h.invite(actor, room, std::move(user), std::move(done)); });
}

void RoomService::remove(Actor actor, RoomName room, UserId user, Completion<UserRemoved> done) {
  const std::size_t home = homes_.of(room);
  at(home,
      [actor = std::move(actor), room = std::move(room), user = std::move(user), done = back(home, std::move(done))](
          RoomHome& h) mutable { h.remove(actor, room, std::move(user), std::move(done)); });
}

void RoomService::direct(Actor actor, UserId other, Completion<RoomCreated> done) {
  at(any(), [actor = std::move(actor), other = std::move(other), done = std::move(done)](RoomHome& h) mutable {
    h.direct(std::move(actor), std::move(other), std::move(done));
  });
}

void RoomService::accept(Actor actor, RoomName room, Completion<InvitationAccepted> done) {
  at(any(), [actor = std::move(actor), room = std::move(room), done = std::move(done)](RoomHome& h) mutable {
    h.accept(actor, room, std::move(done));
  });
}

void RoomService::decline(Actor actor, RoomName room, Completion<InvitationTurnedDown> done) {
  at(any(), [actor = std::move(actor), room = std::move(room), done = std::move(done)](RoomHome& h) mutable {
    h.decline(std::move(actor), room, std::move(done));
  });
}

void RoomService::invitations(UserId user, Completion<InvitationPage> done) {
  at(any(),
      [user = std::move(user), done = std::move(done)](RoomHome& h) mutable { h.invitations(user, std::move(done)); });
}

void RoomService::list(RoomsRequest request, Completion<RoomsPage> done) {
  at(any(), [request = std::move(request), done = std::move(done)](RoomHome& h) mutable {
    h.list(std::move(request), std::move(done));
  });
}

void RoomService::forget_author(UserId user, Completion<bool> done) {
  if (here_)
    done = [&here = homes_.at(*here_).loop(), done = std::move(done)](Result<bool> result) mutable {
      here.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  homes_.at(any()).forget_author(user, std::move(done));
}

} // namespace foyer::rooms
