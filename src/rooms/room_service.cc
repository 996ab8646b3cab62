#include "rooms/room_service.h"

#include <algorithm>
#include <iterator>
#include <mutex>

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

template <auto request, class T, class... Arguments>
void RoomService::ask(std::size_t home, Completion<T> done, Arguments... arguments) {
  at(home, [done = back(home, std::move(done)), ... arguments = std::move(arguments)](RoomHome& h) mutable {
    (h.*request)(std::move(arguments)..., std::move(done));
  });
}

void RoomService::join(Actor actor, JoinRequest request, Completion<Joined> done) {
  const std::size_t home = homes_.of(request.room);
  ask<&RoomHome::join>(home, std::move(done), std::move(actor), std::move(request));
}

void RoomService::leave(ListenerId listener, UserId user, RoomName room, bool evicted) {
  const std::size_t home = homes_.of(room);
  at(home, [listener, user = std::move(user), room = std::move(room), evicted](RoomHome& h) {
    h.leave(listener, user, room, evicted);
  });
}

void RoomService::publish(Actor actor, PublishRequest request, Completion<Published> done) {
  const std::size_t home = homes_.of(request.room);
  ask<&RoomHome::publish>(home, std::move(done), std::move(actor), std::move(request));
}

void RoomService::erase(Actor actor, RoomName room, Offset offset, Completion<MessageErased> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::erase>(home, std::move(done), std::move(actor), std::move(room), offset);
}

void RoomService::typing(Actor actor, RoomName room, bool on) {
  const std::size_t home = homes_.of(room);
  at(home, [actor = std::move(actor), room = std::move(room), on](RoomHome& h) { h.typing(actor, room, on); });
}

void RoomService::history(Actor actor, HistoryQuery query, Completion<HistoryPart> done) {
  const std::size_t home = homes_.of(query.room);
  ask<&RoomHome::history>(home, std::move(done), std::move(actor), std::move(query));
}

void RoomService::message(Actor actor, RoomName room, Offset offset, Completion<MessageFound> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::message>(home, std::move(done), std::move(actor), std::move(room), offset);
}

void RoomService::presence(Actor actor, RoomName room, AnswerLimit answer, Completion<PresenceNow> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::presence>(home, std::move(done), std::move(actor), std::move(room), answer);
}

void RoomService::active(std::string pattern, Completion<std::vector<ActiveRoom>> done) {
  struct Gathered {
    std::mutex mutex;
    std::size_t missing;
    std::vector<ActiveRoom> rooms = {};
    Completion<std::vector<ActiveRoom>> done;
  };
  const auto all = std::make_shared<Gathered>();
  all->missing = homes_.count();
  all->done = std::move(done);
  for (std::size_t i = 0; i < homes_.count(); ++i)
    homes_.at(i).loop().post([&home = homes_.at(i), all, pattern]() mutable {
      home.active(std::move(pattern), [all](Result<std::vector<ActiveRoom>> some) {
        {
          const std::scoped_lock held(all->mutex);
          std::ranges::move(*some, std::back_inserter(all->rooms));
          if (--all->missing > 0) return;
        }
        std::ranges::sort(all->rooms, {}, &ActiveRoom::room);
        all->done(std::move(all->rooms));
      });
    });
}

void RoomService::audience(RoomName room, std::move_only_function<void(RoomAudience)> done) {
  const std::size_t home = homes_.of(room);
  at(home, [room = std::move(room), done = std::move(done)](RoomHome& h) mutable { done(h.audience(room)); });
}

void RoomService::create(Actor actor, RoomName room, Completion<RoomCreated> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::create>(home, std::move(done), std::move(actor), std::move(room));
}

void RoomService::create_for(RoomName room, std::vector<UserId> members, Completion<RoomCreated> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::create_for>(home, std::move(done), std::move(room), std::move(members));
}

void RoomService::destroy(RoomName room, Completion<RoomDestroyed> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::destroy>(home, std::move(done), std::move(room));
}

void RoomService::clear(Actor actor, RoomName room, Completion<HistoryRemoved> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::clear>(home, std::move(done), std::move(actor), std::move(room));
}

void RoomService::add_member(Actor actor, RoomName room, UserId user, Completion<UserAdded> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::add_member>(home, std::move(done), std::move(actor), std::move(room), std::move(user));
}

void RoomService::invite(Actor actor, RoomName room, UserId user, Completion<UserInvited> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::invite>(home, std::move(done), std::move(actor), std::move(room), std::move(user));
}

void RoomService::remove(Actor actor, RoomName room, UserId user, Completion<UserRemoved> done) {
  const std::size_t home = homes_.of(room);
  ask<&RoomHome::remove>(home, std::move(done), std::move(actor), std::move(room), std::move(user));
}

void RoomService::direct(Actor actor, UserId other, Completion<RoomCreated> done) {
  ask<&RoomHome::direct>(any(), std::move(done), std::move(actor), std::move(other));
}

void RoomService::accept(Actor actor, RoomName room, Completion<InvitationAccepted> done) {
  ask<&RoomHome::accept>(any(), std::move(done), std::move(actor), std::move(room));
}

void RoomService::decline(Actor actor, RoomName room, Completion<InvitationTurnedDown> done) {
  ask<&RoomHome::decline>(any(), std::move(done), std::move(actor), std::move(room));
}

void RoomService::invitations(UserId user, Completion<InvitationPage> done) {
  ask<&RoomHome::invitations>(any(), std::move(done), std::move(user));
}

void RoomService::list(RoomsRequest request, Completion<RoomsPage> done) {
  ask<&RoomHome::list>(any(), std::move(done), std::move(request));
}

void RoomService::forget_author(UserId user, Forget what, Completion<bool> done) {
  if (here_)
    done = [&here = homes_.at(*here_).loop(), done = std::move(done)](Result<bool> result) mutable {
      here.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  homes_.at(any()).forget_author(user, what, std::move(done));
}

} // namespace foyer::rooms
