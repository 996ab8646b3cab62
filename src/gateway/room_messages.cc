// What is said in a room: published, stored, erased, read again.
#include <algorithm>

#include "gateway/room.h"

namespace foyer::gateway {

void RoomOwners::publish(Room& room, std::string_view json, Offset offset, const UserId& except, bool of_message) {
  if (room.audience.empty()) return;
  const SharedBytes frame = text_frame(json);
  room.audience.for_each_loop([&](std::uint8_t loop) { port_.publish(loop, {.room = room.name, .frame = frame, .offset = offset, .of_message = of_message, .except = except}); });
}

void RoomOwners::tell(Room& room, const rooms::Message& message) {
  room.offset = message.offset;
  room.time = message.time;
  published_.add();
  if (room.audience.empty()) return;
  std::string json;
  json.reserve(message.text.size() + 256);
  protocol::message(json, room.name.view(), room.epoch.view(), view(message));
  publish(room, json, message.offset);
}

void RoomOwners::chat(Speaker speaker, MessageId id, RoomName name, std::string text, std::string key) {
  with_room(name, [this, speaker = std::move(speaker), id, text = std::move(text), key = std::move(key)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::write)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    const WallTime time = loop_.wall();
    rooms::Message message{.offset = 0, .from = {speaker.user, speaker.name}, .text = std::move(text), .time = time, .key = std::move(key)};
    const auto finish = [this, id](Room& r, const ReplyTo connection, rooms::Message& m, Result<rooms::Appended> appended) {
      if (!appended) return port_.refuse(connection, id, std::move(appended).error());
      m.offset = appended->offset;
      m.time = appended->time;
      stored(r, connection, id, m, *appended);
    };
    if (room.ephemeral) return finish(room, speaker.connection, message, room.ephemeral->append({room.name, message.from, message.text, message.key, time}, loop_.now()));
    rooms::AppendQuestion question{.room = room.name, .from = message.from, .text = message.text, .key = message.key, .time = time, .known = {room.epoch, room.offset}};
    store_->append(std::move(question), on_loop<rooms::Appended>(room, [finish, connection = speaker.connection, message = std::move(message)](Room& r, Result<rooms::Appended> appended) mutable {
      finish(r, connection, message, std::move(appended));
    }));
  });
}

void RoomOwners::erase(Speaker speaker, MessageId id, RoomName name, Offset offset) {
  with_room(name, [this, speaker = std::move(speaker), id, offset](Result<Room*> opened) {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::erase)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    const auto finish = [this, id](Room& r, const ReplyTo connection, Result<Offset> erased) {
      if (!erased) return port_.refuse(connection, id, std::move(erased).error());
      std::string pushed, answered;
      protocol::deleted(pushed, std::nullopt, r.name.view(), *erased);
      publish(r, pushed, 0, {}, true);
      protocol::deleted(answered, id, r.name.view(), *erased);
      port_.answer(connection, text_frame(answered));
    };
    const bool any = rooms::may_erase_any(speaker.permissions);
    if (room.ephemeral) return finish(room, speaker.connection, room.ephemeral->erase(offset, speaker.user, any));
    store_->erase(room.name, offset, speaker.user, any, on_loop<Offset>(room, [finish, connection = speaker.connection](Room& r, Result<Offset> erased) { finish(r, connection, std::move(erased)); }));
  });
}

void RoomOwners::history(Speaker speaker, MessageId id, RoomName name, std::optional<Offset> before, std::uint32_t limit) {
  with_room(name, [this, speaker = std::move(speaker), id, before, limit](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::read)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    rooms::HistoryQuestion question{.room = room.name, .before = before, .up_to = room.offset, .limit = std::min(limit, policy_.history_limit)};
    const auto finish = [this, id](Room& r, const Speaker& to, Result<rooms::HistoryPage> page) {
      if (page) // the right to read may have ended while the store was asked
        if (auto refusal = check(r, to, rooms::Act::read)) page = std::unexpected(std::move(*refusal));
      if (!page) return port_.refuse(to.connection, id, std::move(page).error());
      std::string json;
      protocol::history(json, id, r.name.view(), (r.ephemeral ? r.epoch : page->epoch).view(), views(page->messages), page->more);
      port_.answer(to.connection, text_frame(json));
    };
    if (room.ephemeral) return finish(room, speaker, room.ephemeral->history(question));
    store_->history(std::move(question), on_loop<rooms::HistoryPage>(room, [finish, speaker = std::move(speaker)](Room& r, Result<rooms::HistoryPage> page) { finish(r, speaker, std::move(page)); }));
  });
}

} // namespace foyer::gateway
