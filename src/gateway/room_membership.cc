// Who belongs to a room: creating, inviting, accepting, removing, direct rooms, the list.
#include "gateway/room.h"

namespace foyer::gateway {

void RoomOwners::create(Speaker speaker, MessageId id, RoomName name) {
  const UserId by = speaker.user; // before the capture takes it: arguments are evaluated in any order
  if (auto refusal = speaker.use->new_room(loop_.now()))
    return port_.refuse(speaker.connection, id, std::move(*refusal));
  directory_->create(name, by,
      [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, name](
          Result<rooms::RoomRow> row) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, name = std::move(name),
                  row = std::move(row)]() mutable {
      if (!*alive) return;
      if (row) {
        // A room of that name that lost its last member may still be loaded: it begins anew.
        if (Room* old = find(name); old != nullptr) old->ephemeral.reset(), fill(*old, std::move(*row));
        std::string json;
        protocol::room_answer(json, "created", id, name.view());
        return answer(speaker, json);
      }
      speaker.use->no_new_room();
      if (row.error().cause != Cause::ROOM_EXISTS) return port_.refuse(speaker.connection, id, std::move(row).error());
      // Whether it exists is nobody's business but its members'.
      with_room(name, speaker, rooms::Act::write, Load::existing,
          [this, speaker, id, exists = std::move(row).error()](Result<Room*> opened) mutable {
        const bool member = opened && is_member(**opened, speaker.user);
        port_.refuse(speaker.connection, id, member ? std::move(exists) : Refusal{.cause = Cause::NOT_A_MEMBER});
      });
    });
  });
}

void RoomOwners::invite(Speaker speaker, MessageId id, RoomName name, UserId user) {
  with_room(name, speaker, rooms::Act::invite, Load::existing,
      [this, speaker, id, user = std::move(user)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::invite))
      return port_.refuse(speaker.connection, id, std::move(*refusal));
    const rooms::Author from{speaker.user, speaker.name};
    directory_->invite(room.name, from, user,
        on_loop<rooms::Invited>(
            room, [this, speaker = std::move(speaker), id, user](Room& r, Result<rooms::Invited> invited) {
      if (!invited) return port_.refuse(speaker.connection, id, std::move(invited).error());
      const bool knows = speaker.terms.features.has(protocol::Feature::people);
      std::string answered;
      protocol::invited(
          answered, id, r.name.view(), user.view(), knows ? std::optional(!invited->member) : std::nullopt);
      answer(speaker, answered);
      if (invited->is_new)
        send_invitation(user, {.room = r.name, .from = {speaker.user, speaker.name}, .expires = invited->expires});
    }));
  });
}

void RoomOwners::send_invitation(const UserId& to, const rooms::Invitation& invitation) {
  std::string json;
  protocol::invitation(json,
      {.room = invitation.room.view(),
          .from = {invitation.from.id.view(), invitation.from.name},
          .expires_at = invitation.expires});
  port_.to_user_with(protocol::Feature::people, to, text_frame(json), 0);
}

// The room is in the list of all devices from now on.
void RoomOwners::entered(const RoomName& room, const UserId& user) {
  port_.member_added(room, user);
  std::string json;
  protocol::room_answer(json, "room_added", std::nullopt, room.view());
  port_.to_user(user, text_frame(json));
}

void RoomOwners::member_added(const RoomName& name, const UserId& user) {
  if (const auto loading = loading_.find(name); loading != loading_.end()) loading->second->added.push_back(user);
  Room* room = find(name);
  if (room == nullptr) return;
  room->members.insert(user);
  if (!room->unconfirmed) return;
  // The store's answer that is on its way may be older than this.
  room->waiting.push_back([user](Result<Room*> opened) {
    if (opened) (*opened)->members.insert(user);
  });
}

void RoomOwners::accept(Speaker speaker, MessageId id, RoomName name) {
  const UserId by = speaker.user;
  directory_->accept(name, by,
      [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, name](Result<bool> accepted) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, name = std::move(name),
                  accepted = std::move(accepted)]() mutable {
      if (!*alive) return;
      if (!accepted) return port_.refuse(speaker.connection, id, std::move(accepted).error());
      std::string json;
      protocol::room_answer(json, "accepted", id, name.view());
      answer(speaker, json);
      if (*accepted) entered(name, speaker.user);
    });
  });
}

void RoomOwners::decline(Speaker speaker, MessageId id, RoomName name) {
  const UserId by = speaker.user;
  directory_->decline(name, by,
      [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, name](Result<bool> declined) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, name = std::move(name),
                  declined = std::move(declined)]() mutable {
      if (!*alive) return;
      if (!declined) return port_.refuse(speaker.connection, id, std::move(declined).error());
      std::string answered, told;
      protocol::room_answer(answered, "declined", id, name.view());
      answer(speaker, answered);
      protocol::room_answer(told, "declined", std::nullopt, name.view());
      port_.to_user_with(protocol::Feature::people, speaker.user, text_frame(told), speaker.connection);
    });
  });
}

void RoomOwners::invitations(Speaker speaker, MessageId id) {
  const UserId by = speaker.user;
  directory_->invitations(by,
      [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id](
          Result<rooms::InvitationPage> page) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, page = std::move(page)]() mutable {
      if (!*alive) return;
      if (!page) return port_.refuse(speaker.connection, id, std::move(page).error());
      std::vector<protocol::InvitationView> list;
      list.reserve(page->invitations.size());
      for (const auto& each : page->invitations)
        list.push_back(
            {.room = each.room.view(), .from = {each.from.id.view(), each.from.name}, .expires_at = each.expires});
      std::string json;
      protocol::invitations(json, id, list, page->more, speaker.terms.answer_bytes());
      answer(speaker, json);
    });
  });
}

void RoomOwners::remove(Speaker speaker, MessageId id, RoomName name, UserId user) {
  with_room(name, speaker, rooms::Act::remove, Load::existing,
      [this, speaker, id, user = std::move(user)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::remove))
      return port_.refuse(speaker.connection, id, std::move(*refusal));
    if (!rooms::may_remove(speaker.user, user, room.creator, speaker.permissions))
      return port_.refuse(speaker.connection, id,
          {.cause = Cause::PERMISSION_DENIED,
              .evidence = "only the creator of a room and administrators remove others"});
    directory_->remove_member(room.name, user,
        on_loop<bool>(room, [this, speaker = std::move(speaker), id, user](Room& r, Result<bool> removed) {
      if (!removed) return port_.refuse(speaker.connection, id, std::move(removed).error());
      r.members.erase(user);
      std::string answered, told;
      protocol::room_user_answer(answered, "removed", id, r.name.view(), user.view());
      answer(speaker, answered);
      if (!*removed) return;
      r.audience.for_each_loop([&](std::uint8_t loop) { port_.evict(loop, r.name, user); });
      r.typing.set(user, {}, false, loop_.now());
      const std::size_t before = r.presence.count();
      if (const auto gone = r.presence.expel(user)) member_went(r, *gone, before);
      protocol::room_answer(told, "room_removed", std::nullopt, r.name.view());
      port_.to_user(user, text_frame(told));
    }));
  });
}

void RoomOwners::direct(Speaker speaker, MessageId id, UserId other) {
  const rooms::Author by{speaker.user, speaker.name};
  if (auto refusal = speaker.use->new_room(loop_.now()))
    return port_.refuse(speaker.connection, id, std::move(*refusal));
  directory_->direct(by, other,
      [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, other](
          Result<rooms::Direct> made) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, other = std::move(other),
                  made = std::move(made)]() mutable {
      if (!*alive) return;
      if (!made || !made->room.made) speaker.use->no_new_room();
      if (!made) return port_.refuse(speaker.connection, id, std::move(made).error());
      const RoomName& room = made->room.room;
      std::string json;
      if (speaker.terms.features.has(protocol::Feature::people))
        protocol::room_user_answer(json, "created", id, room.view(), other.view());
      else
        protocol::room_answer(json, "created", id, room.view());
      answer(speaker, json);
      if (made->entered) entered(room, speaker.user);
      if (made->requested)
        send_invitation(other, {.room = room, .from = {speaker.user, speaker.name}, .expires = made->expires});
    });
  });
}

void RoomOwners::list(Speaker speaker, MessageId id, rooms::RoomsRequest question) {
  directory_->rooms_of(
      std::move(question), [this, &loop = loop_, alive = alive_, speaker, id](Result<rooms::RoomsPage> page) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, page = std::move(page)]() mutable {
      if (!*alive) return;
      if (!page) return port_.refuse(speaker.connection, id, std::move(page).error());
      std::vector<protocol::RoomView> list;
      list.reserve(page->rooms.size());
      for (const auto& row : page->rooms)
        list.push_back({row.room.view(), rooms::to_string(row.kind), row.epoch.view(), row.offset});
      std::string json;
      protocol::rooms(json, id, list, page->more, speaker.terms.answer_bytes());
      answer(speaker, json);
    });
  });
}

} // namespace foyer::gateway
