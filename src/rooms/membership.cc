// Members of rooms: creating, inviting, accepting, removing, direct rooms, the list of rooms.
#include "rooms/room.h"

namespace foyer::rooms {

void RoomHome::create(Actor actor, const RoomName& name, Completion<RoomCreated> done) {
  if (auto refusal = decide_by_name(name, policy_.rules.of(name.view()), actor, Act::write))
    return done(std::unexpected(std::move(*refusal)));
  if (auto refusal = actor.use->new_room(loop_.now())) return done(std::unexpected(std::move(*refusal)));
  const UserId by = actor.user; // copied first: the order of evaluation of arguments is unspecified
  directory_->create(name, by,
      on_loop<RoomRow>([this, actor = std::move(actor), name, done = std::move(done)](Result<RoomRow> row) mutable {
    if (row) {
      // An earlier room of this name, which has lost its last member, may still be loaded: it is replaced.
      if (Room* old = find(name); old != nullptr) {
        old->log->release(name);
        fill(*old, std::move(*row));
        if (is_shared(*old)) look(*old);                                      // others may have written since
        if (!old->audience.empty()) reset(*old, old->epoch(), old->offset()); // its rule let others than members in
      }
      return done(RoomCreated{.room = std::move(name)});
    }
    actor.use->no_new_room();
    if (row.error().cause != Cause::ROOM_EXISTS) return done(std::unexpected(std::move(row).error()));
    // Only its members may learn that it exists.
    with_room(name, actor, Act::write, Load::existing,
        [this, user = actor.user, exists = std::move(row).error(), done = std::move(done)](
            Result<Room*> opened) mutable {
      const bool member = opened && is_member(**opened, user);
      done(std::unexpected(member ? std::move(exists) : Refusal{.cause = Cause::NOT_A_MEMBER}));
    });
  }));
}

void RoomHome::invite(const Actor& actor, const RoomName& name, UserId user, Completion<UserInvited> done) {
  in_room(name, actor, Act::invite, Load::existing, std::move(done),
      [this, user = std::move(user)](Room& room, Actor by, Completion<UserInvited> answer) mutable {
    const Author from{std::move(by.user), std::move(by.name)};
    directory_->invite(room.name, from, user,
        on_loop<Invited>(
            room, [this, from, user, answer = std::move(answer)](Room& r, Result<Invited> invited) mutable {
      if (!invited) return answer(std::unexpected(std::move(invited).error()));
      answer(UserInvited{.room = r.name, .user = user, .member = invited->member});
      if (invited->is_new)
        send_invitation(user, {.room = r.name, .from = std::move(from), .expires = invited->expires});
    }));
  });
}

void RoomHome::send(engine::ControlMessage message) {
  outlets_.bus->send(std::move(message), {.here = outlets_.here.get()});
}

void RoomHome::to_user(const UserId& user, EventPtr event, SessionKey except) {
  send(engine::ToUser{user, std::make_shared<Publication>(std::move(event)), except});
}

void RoomHome::send_invitation(const UserId& to, const Invitation& invitation) {
  to_user(to,
      std::make_shared<const Event>(
          Event{.room = invitation.room, .delivery = Delivery::ephemeral, .body = InvitationReceived{invitation}}));
}

// Notifies all nodes of the new member, and the user's devices of the room.
void RoomHome::entered(const RoomName& room, const UserId& user) {
  send(engine::MemberAdded{room, user});
  to_user(
      user, std::make_shared<const Event>(Event{.room = room, .delivery = Delivery::ephemeral, .body = RoomAdded{}}));
}

void RoomHome::member_added(const RoomName& name, const UserId& user) {
  const bool shared = policy_.rules.durable(name.view()) || outlets_.shared_log != nullptr;
  if (outlets_.between && shared) return; // looked up when it comes (if_allowed)
  if (const auto loading = loading_.find(name); loading != loading_.end()) loading->second->added.push_back(user);
  Room* room = find(name);
  if (room == nullptr) return;
  room->members.insert(user);
  if (!room->unconfirmed) return;
  // An answer that the store is about to give may not contain this member.
  room->waiting.push_back([user](Result<Room*> opened) {
    if (opened) (*opened)->members.insert(user);
  });
}

void RoomHome::accept(const Actor& actor, const RoomName& name, Completion<InvitationAccepted> done) {
  directory_->accept(name, actor.user,
      on_loop<bool>([this, user = actor.user, name, done = std::move(done)](Result<bool> accepted) mutable {
    if (!accepted) return done(std::unexpected(std::move(accepted).error()));
    done(InvitationAccepted{.room = name});
    if (*accepted) entered(name, user);
  }));
}

void RoomHome::decline(Actor actor, const RoomName& name, Completion<InvitationTurnedDown> done) {
  const UserId by = actor.user; // copied first: the order of evaluation of arguments is unspecified
  directory_->decline(name, by,
      on_loop<bool>([this, actor = std::move(actor), name, done = std::move(done)](Result<bool> declined) mutable {
    if (!declined) return done(std::unexpected(std::move(declined).error()));
    done(InvitationTurnedDown{.room = name});
    const auto* session = std::get_if<SessionKey>(&actor.from);
    to_user(actor.user,
        std::make_shared<const Event>(
            Event{.room = std::move(name), .delivery = Delivery::ephemeral, .body = InvitationDeclined{}}),
        session == nullptr ? SessionKey{} : *session);
  }));
}

void RoomHome::invitations(const UserId& user, Completion<InvitationPage> done) {
  directory_->invitations(user, on_loop<InvitationPage>(std::move(done)));
}

void RoomHome::remove(const Actor& actor, const RoomName& name, UserId user, Completion<UserRemoved> done) {
  in_room(name, actor, Act::remove, Load::existing, std::move(done),
      [this, user = std::move(user)](Room& room, const Actor& by, Completion<UserRemoved> answer) mutable {
    if (!may_remove(by.user, user, room.creator, by.permissions))
      return answer(std::unexpected(Refusal{.cause = Cause::PERMISSION_DENIED,
          .evidence = "only the creator of the room and administrators may remove others"}));
    directory_->remove_member(room.name, user,
        on_loop<bool>(room, [this, user, answer = std::move(answer)](Room& r, Result<bool> removed) mutable {
      if (!removed) return answer(std::unexpected(std::move(removed).error()));
      r.members.erase(user);
      answer(UserRemoved{.room = r.name, .user = user});
      if (*removed) removed_from(r, user, Where::everywhere);
    }));
  });
}

void RoomHome::removed_from(Room& room, const UserId& user, Where where) {
  if (room.kind == RoomKind::public_ && room.settings.join != JoinBy::members) return; // everybody may still read there
  engine::Evict evict{room.name, user};
  if (where == Where::everywhere)
    send(std::move(evict));
  else
    outlets_.bus->send(std::move(evict), {.to = outlets_.bus->node(), .here = outlets_.here.get()});
  room.typing.set(user, {}, false, loop_.now());
  if (room.presence.expel(user)) member_went(room, user, room.present);
  if (where == Where::here) return; // the node that removed the user has told it
  to_user(user,
      std::make_shared<const Event>(Event{.room = room.name, .delivery = Delivery::ephemeral, .body = RoomRemoved{}}));
}

void RoomHome::direct(Actor actor, UserId other, Completion<RoomCreated> done) {
  const Author by{actor.user, actor.name};
  if (auto refusal = actor.use->new_room(loop_.now())) return done(std::unexpected(std::move(*refusal)));
  directory_->direct(by, other,
      on_loop<Direct>([this, actor = std::move(actor), other, done = std::move(done)](Result<Direct> made) mutable {
    if (!made || !made->room.made) actor.use->no_new_room();
    if (!made) return done(std::unexpected(std::move(made).error()));
    const RoomName& room = made->room.room;
    done(RoomCreated{.room = room, .with = other});
    if (made->entered) entered(room, actor.user);
    if (made->requested)
      send_invitation(
          other, {.room = room, .from = {std::move(actor.user), std::move(actor.name)}, .expires = made->expires});
  }));
}

void RoomHome::list(RoomsRequest request, Completion<RoomsPage> done) {
  directory_->rooms_of(std::move(request), on_loop<RoomsPage>(std::move(done)));
}

} // namespace foyer::rooms
