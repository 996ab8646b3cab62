// Who belongs to a room: creating, inviting, removing, direct rooms, the list.
#include "gateway/room.h"

namespace foyer::gateway {

void RoomOwners::create(Speaker speaker, MessageId id, RoomName name) {
  const UserId by = speaker.user; // before the capture takes it: arguments are evaluated in any order
  if (auto refusal = speaker.use->new_room(loop_.now())) return port_.refuse(speaker.connection, id, std::move(*refusal));
  store_->create(name, by, [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, name](Result<rooms::RoomRow> row) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, name = std::move(name), row = std::move(row)]() mutable {
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
      with_room(name, speaker, rooms::Act::write, Load::existing, [this, speaker, id, exists = std::move(row).error()](Result<Room*> opened) mutable {
        const bool member = opened && is_member(**opened, speaker.user);
        port_.refuse(speaker.connection, id, member ? std::move(exists) : Refusal{.cause = Cause::NOT_A_MEMBER});
      });
    });
  });
}

void RoomOwners::invite(Speaker speaker, MessageId id, RoomName name, UserId user) {
  with_room(name, speaker, rooms::Act::invite, Load::existing, [this, speaker, id, user = std::move(user)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::invite)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    store_->add_member(room.name, user, on_loop<bool>(room, [this, speaker = std::move(speaker), id, user](Room& r, Result<bool> added) {
      if (!added) return port_.refuse(speaker.connection, id, std::move(added).error());
      r.members.insert(user);
      std::string answered, told;
      protocol::room_user_answer(answered, "invited", id, r.name.view(), user.view());
      answer(speaker, answered);
      if (!*added) return;
      protocol::room_answer(told, "room_added", std::nullopt, r.name.view());
      port_.to_user(user, text_frame(told));
    }));
  });
}

void RoomOwners::remove(Speaker speaker, MessageId id, RoomName name, UserId user) {
  with_room(name, speaker, rooms::Act::remove, Load::existing, [this, speaker, id, user = std::move(user)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::remove)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    store_->remove_member(room.name, user, on_loop<bool>(room, [this, speaker = std::move(speaker), id, user](Room& r, Result<bool> removed) {
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
  const UserId by = speaker.user;
  if (auto refusal = speaker.use->new_room(loop_.now())) return port_.refuse(speaker.connection, id, std::move(*refusal));
  store_->direct(by, other, [this, &loop = loop_, alive = alive_, speaker = std::move(speaker), id, other](Result<rooms::RoomRow> row) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, other = std::move(other), row = std::move(row)]() mutable {
      if (!*alive) return;
      if (!row || !row->made) speaker.use->no_new_room();
      if (!row) return port_.refuse(speaker.connection, id, std::move(row).error());
      std::string answered, told;
      protocol::room_answer(answered, "created", id, row->room.view());
      answer(speaker, answered);
      protocol::room_answer(told, "room_added", std::nullopt, row->room.view());
      if (row->made) port_.to_user(other, text_frame(told));
    });
  });
}

void RoomOwners::list(Speaker speaker, MessageId id, rooms::RoomsQuestion question) {
  store_->rooms_of(std::move(question), [this, &loop = loop_, alive = alive_, speaker, id](Result<rooms::RoomsPage> page) mutable {
    loop.post([this, alive = std::move(alive), speaker = std::move(speaker), id, page = std::move(page)]() mutable {
      if (!*alive) return;
      if (!page) return port_.refuse(speaker.connection, id, std::move(page).error());
      std::vector<protocol::RoomView> list;
      list.reserve(page->rooms.size());
      for (const auto& row : page->rooms) list.push_back({row.room.view(), rooms::to_string(row.kind), row.epoch.view(), row.offset});
      std::string json;
      protocol::rooms(json, id, list, page->more, speaker.terms.answer_bytes());
      answer(speaker, json);
    });
  });
}

} // namespace foyer::gateway
