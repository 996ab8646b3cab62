// Use cases that only applications have: creating, deleting and emptying rooms, adding members.
#include "rooms/room.h"

namespace foyer::rooms {

void RoomHome::create_for(const RoomName& name, std::vector<UserId> members, Completion<RoomCreated> done) {
  auto created = [this, name, members, done = std::move(done)](Result<RoomRow> row) mutable {
    if (!row) return done(std::unexpected(std::move(row).error()));
    // An earlier room of this name, which has lost its last member, may still be loaded: it is replaced.
    if (Room* old = find(name); old != nullptr) {
      old->log->release(name);
      fill(*old, std::move(*row));
      if (is_shared(*old)) look(*old);                                      // others may have written since
      if (!old->audience.empty()) reset(*old, old->epoch(), old->offset()); // its rule let others than members in
    }
    done(RoomCreated{.room = name});
    for (const UserId& member : members) entered(name, member);
  };
  directory_->create_for(name, std::move(members), on_loop<RoomRow>(std::move(created)));
}

void RoomHome::destroy(const RoomName& name, Completion<RoomDestroyed> done) {
  directory_->remove(name, on_loop<bool>([this, name, done = std::move(done)](Result<bool> removed) mutable {
    if (!removed) return done(std::unexpected(std::move(removed).error()));
    if (outlets_.shared_log == nullptr || durable(name)) return removed_here(name, *removed, std::move(done));
    outlets_.shared_log->forget(
        name, on_loop<bool>([this, name, had_row = *removed, done = std::move(done)](Result<bool> forgotten) mutable {
      if (!forgotten) return done(std::unexpected(std::move(forgotten).error()));
      if (*forgotten)
        outlets_.between->publish(std::make_shared<Publication>(std::make_shared<const Event>(
                                      Event{.room = name, .delivery = Delivery::ephemeral, .body = RoomReset{}})),
            from_nodes_.get());
      removed_here(name, had_row || *forgotten, std::move(done));
    }));
  }));
}

void RoomHome::removed_here(const RoomName& name, bool removed, Completion<RoomDestroyed> done) {
  Room* room = find(name);
  const bool only_here = room != nullptr && room->log == &memory_;
  if (!removed && !only_here) return done(refuse_field(Cause::NOT_FOUND, "room"));
  done(RoomDestroyed{.room = name});
  if (room == nullptr) return;
  room->log->release(name);
  room->destroyed = true;
  members_confirmed(*room, {});
  // Confirming a public room creates it again, so that is done only if somebody is in it.
  if (is_idle(*room))
    drop(name);
  else
    confirm(*room);
}

void RoomHome::clear(const Actor& actor, const RoomName& name, Completion<HistoryRemoved> done) {
  in_room(name, actor, Act::erase, Load::existing, std::move(done),
      [this](Room& room, const Actor&, Completion<HistoryRemoved> answer) {
    if (!room.settings.keeps_history()) return answer(refuse_field(Cause::HISTORY_OFF, "channel"));
    room.log->clear(
        room.name, from_log<bool>(room, [answer = std::move(answer)](Room& r, Result<bool> cleared) mutable {
      if (!cleared) return answer(std::unexpected(std::move(cleared).error()));
      answer(HistoryRemoved{.room = r.name});
    }));
  });
}

void RoomHome::add_member(const Actor& actor, const RoomName& name, UserId user, Completion<UserAdded> done) {
  // A public room whose rule requires members is created with the first one.
  const auto kind = kind_of(name.view());
  const Load load = kind && *kind == RoomKind::public_ ? Load::made : Load::existing;
  in_room(name, actor, Act::invite, load, std::move(done),
      [this, user = std::move(user)](Room& room, const Actor&, Completion<UserAdded> answer) mutable {
    directory_->add_member(room.name, user,
        on_loop<bool>(room, [this, user, answer = std::move(answer)](Room& r, Result<bool> added) mutable {
      if (!added) return answer(std::unexpected(std::move(added).error()));
      answer(UserAdded{.room = r.name, .user = user, .added = *added});
      if (*added) entered(r.name, user);
    }));
  });
}

} // namespace foyer::rooms
