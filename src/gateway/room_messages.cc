// What is said in a room: published, stored, erased, read again.
#include <algorithm>

#include "gateway/room.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kFreshChanges = 1'000;

} // namespace

void RoomOwners::publish(Room& room, std::string_view json, Offset offset, const UserId& except, bool of_message) {
  if (room.audience.empty()) return;
  const SharedBytes frame = text_frame(json);
  room.audience.for_each_loop([&](std::uint8_t loop) {
    port_.publish(
        loop, {.room = room.name, .frame = frame, .offset = offset, .of_message = of_message, .except = except});
  });
}

void RoomOwners::publish_message(Room& room, const rooms::Message& message) {
  room.time = message.time;
  published_.add();
  if (room.audience.empty()) return;
  std::string json;
  json.reserve(message.text.size() + 256);
  protocol::message(json, room.name.view(), room.epoch().view(), view(message));
  SharedBytes brief;
  if (json.size() > protocol::kLeastMaxMessage) { // for clients that take no message of this length
    auto without_text = view(message);
    without_text.too_large = true;
    std::string shorter;
    protocol::message(shorter, room.name.view(), room.epoch().view(), without_text);
    brief = text_frame(shorter);
  }
  const SharedBytes frame = text_frame(json);
  room.audience.for_each_loop([&](std::uint8_t loop) {
    port_.publish(loop,
        {.room = room.name,
            .frame = frame,
            .offset = message.offset,
            .except = {},
            .brief = brief,
            .bytes = json.size()});
  });
}

// While the room's allowance is used up those go on who have said little since: a room that one user
// fills is not closed to the others.
std::optional<Refusal> RoomOwners::crowded(Room& room, const UserId& user) {
  static const protocol::Allowance kQuiet(2, 10);
  constexpr std::size_t kQuietUsers = 1'000;
  const MonoTime now = loop_.now();
  const Millis wait = room.heard.take(allowed_messages_, now);
  if (wait.count() == 0) return std::nullopt;
  if (room.quiet.size() >= kQuietUsers)
    std::erase_if(room.quiet, [&](const auto& entry) { return entry.second.whole(now); });
  if (room.quiet.size() < kQuietUsers || room.quiet.contains(user))
    if (room.quiet[user].take(kQuiet, now).count() == 0) return std::nullopt;
  messages_refused_.add();
  std::string evidence = "room_messages_per_s=" + std::to_string(policy_.messages_per_s);
  return Refusal{.cause = Cause::RATE_LIMITED, .evidence = std::move(evidence), .retry_after = wait, .field = "room"};
}

void RoomOwners::chat(Speaker speaker, MessageId id, RoomName name, std::string text, std::string key) {
  with_room(name, speaker, rooms::Act::write, Load::made,
      [this, speaker, id, text = std::move(text), key = std::move(key)](Result<Room*> opened) mutable {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::write))
      return port_.refuse(speaker.connection, id, std::move(*refusal));
    if (auto refusal = crowded(room, speaker.user)) return port_.refuse(speaker.connection, id, std::move(*refusal));
    const WallTime time = loop_.wall();
    rooms::Message message{.offset = 0,
        .from = {speaker.user, speaker.name},
        .text = std::move(text),
        .time = time,
        .key = std::move(key)};
    const auto finish = [this, id](
                            Room& r, const ReplyTo connection, rooms::Message& m, Result<rooms::Appended> appended) {
      if (!appended) return port_.refuse(connection, id, std::move(appended).error());
      m.offset = appended->offset;
      m.time = appended->time;
      stored(r, connection, id, m, *appended);
    };
    if (room.ephemeral)
      return finish(room, speaker.connection, message,
          room.ephemeral->append({room.name, message.from, message.text, message.key, time}, loop_.now()));
    rooms::AppendRequest question{.room = room.name,
        .from = message.from,
        .text = message.text,
        .key = message.key,
        .time = time,
        .known = {room.epoch(), room.stream.stored()}};
    log_->append(std::move(question),
        on_loop<rooms::Appended>(room,
            [finish, connection = speaker.connection, message = std::move(message)](Room& r,
                Result<rooms::Appended> appended) mutable { finish(r, connection, message, std::move(appended)); }));
  });
}

void RoomOwners::erase(Speaker speaker, MessageId id, RoomName name, Offset offset) {
  with_room(name, speaker, rooms::Act::erase, Load::existing, [this, speaker, id, offset](Result<Room*> opened) {
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::erase))
      return port_.refuse(speaker.connection, id, std::move(*refusal));
    const auto finish = [this, id](Room& r, const ReplyTo to, bool numbered, Result<rooms::Erased> erased) {
      if (!erased) return port_.refuse(to, id, std::move(erased).error());
      changed(r, {.number = erased->change, .kind = rooms::ChangeKind::deleted, .offset = erased->offset});
      std::string answered;
      protocol::changed(
          answered, id, r.name.view(), {.number = numbered ? erased->change : 0, .offset = erased->offset});
      port_.answer(to, text_frame(answered));
    };
    const bool any = rooms::may_erase_any(speaker.permissions);
    const bool numbered = speaker.terms.features.has(protocol::Feature::changes);
    if (room.ephemeral)
      return finish(room, speaker.connection, numbered, room.ephemeral->erase(offset, speaker.user, any));
    log_->erase(room.name, offset, speaker.user, any,
        on_loop<rooms::Erased>(
            room, [finish, to = speaker.connection, numbered](Room& r, Result<rooms::Erased> erased) {
      finish(r, to, numbered, std::move(erased));
    }));
  });
}

void RoomOwners::changed(Room& room, const rooms::Change& change) {
  room.change = std::max(room.change, change.number);
  if (room.in_store > 0 && room.fresh_changes.size() < kFreshChanges) room.fresh_changes.push_back(change);
  const bool of_author = change.kind == rooms::ChangeKind::author_detached; // of any message so far
  auto event = std::make_shared<const rooms::Event>(rooms::Event{.epoch = room.epoch(),
      .offset = of_author ? room.stream.stored() : change.offset,
      .delivery = rooms::Delivery::about_history,
      .body = change});
  act(room, room.stream.arrived(std::move(event), loop_.now()));
}

void RoomOwners::publish_change(Room& room, const rooms::Change& change) {
  if (room.audience.empty()) return;
  protocol::ChangeView plain = view(change);
  std::string numbered, json;
  protocol::changed(numbered, std::nullopt, room.name.view(), plain);
  plain.number = 0;
  // Clients that do not name the feature know deletions alone.
  if (change.kind == rooms::ChangeKind::deleted) protocol::changed(json, std::nullopt, room.name.view(), plain);
  const SharedBytes frame = json.empty() ? SharedBytes{} : text_frame(json);
  const SharedBytes featured = text_frame(numbered);
  room.audience.for_each_loop([&](std::uint8_t loop) {
    port_.publish(loop,
        {.room = room.name,
            .frame = frame,
            .of_message = true,
            .except = {},
            .feature = protocol::Feature::changes,
            .featured = featured});
  });
}

void RoomOwners::apply_fresh(const Room& room, rooms::HistoryPage& page) {
  for (const rooms::Change& change : room.fresh_changes)
    for (rooms::Message& m : page.messages) {
      if (change.kind == rooms::ChangeKind::deleted && m.offset == change.offset) m.text.clear(), m.deleted = true;
      if (change.kind == rooms::ChangeKind::author_detached && m.from.id == change.user)
        m.from.name = rooms::kDetachedName;
    }
}

void RoomOwners::author_detached(const UserId& user, const std::vector<rooms::Detached::Room>& where) {
  for (const auto& place : where) {
    Room* room = find(place.room);
    if (room == nullptr) continue;
    room->members.erase(user);
    if (place.change > 0 && !room->ephemeral)
      changed(*room, {.number = place.change, .kind = rooms::ChangeKind::author_detached, .user = user});
  }
  for (auto& [name, room] : rooms_) {
    if (!room->ephemeral) continue;
    if (const auto number = room->ephemeral->detach_author(user))
      changed(*room, {.number = *number, .kind = rooms::ChangeKind::author_detached, .user = user});
  }
}

void RoomOwners::history(Speaker speaker, MessageId id, RoomName name, HistoryPart part) {
  with_room(
      name, speaker, rooms::Act::read, Load::existing, [this, speaker, id, name, part](Result<Room*> opened) mutable {
    if (!opened && opened.error().cause == Cause::NOT_FOUND && !part.serial) { // nothing was said in it
      std::string json;
      protocol::history(json, id, name.view(), {}, {}, false);
      return answer(speaker, json);
    }
    if (!opened) return history_page(speaker, id, name, nullptr, part, 0, std::unexpected(std::move(opened).error()));
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::read))
      return history_page(speaker, id, name, nullptr, part, 0, std::unexpected(std::move(*refusal)));
    rooms::HistoryRequest question{.room = room.name,
        .by = speaker.user,
        .after = part.after,
        .before = part.before,
        .up_to = room.offset(),
        .limit = std::min(part.limit, policy_.history_limit),
        .bytes = speaker.terms.answer_bytes()};
    const Offset up_to = room.offset();
    if (room.ephemeral) return history_page(speaker, id, name, &room, part, up_to, room.ephemeral->history(question));
    log_->history(std::move(question),
        on_loop<rooms::HistoryPage>(
            room, [this, speaker = std::move(speaker), id, part, up_to](Room& r, Result<rooms::HistoryPage> page) {
      history_page(speaker, id, r.name, &r, part, up_to, std::move(page));
    }));
  });
}

// `room` is null where the page is a refusal before anything was read.
void RoomOwners::history_page(const Speaker& speaker, MessageId id, const RoomName& name, Room* room,
    const HistoryPart& part, Offset up_to, Result<rooms::HistoryPage> page) {
  if (page && room != nullptr) // the right to read may have ended while the store was asked
    if (auto refusal = check(*room, speaker, rooms::Act::read)) page = std::unexpected(std::move(*refusal));
  JoinTicket ticket{.connection = speaker.connection,
      .user = speaker.user,
      .room = name,
      .id = id,
      .again = true,
      .serial = part.serial.value_or(0),
      .recovered = true};
  if (!page) {
    if (part.serial) return port_.join_refused(std::move(ticket), std::move(page).error());
    return port_.refuse(speaker.connection, id, std::move(page).error());
  }
  apply_fresh(*room, *page);
  const Epoch& epoch = room->ephemeral ? room->epoch() : page->epoch;
  const auto keep = part.after ? protocol::Keep::oldest : protocol::Keep::newest;
  const auto fitted =
      protocol::fit_messages(name.view(), epoch.view(), views(page->messages), keep, bytes_for_messages(speaker.terms));
  const bool more = page->more || !fitted.all;
  std::string json;
  protocol::history(json, id, name.view(), epoch.view(), fitted.json, more);
  if (!part.serial) return port_.answer(speaker.connection, text_frame(json));
  ticket.more = more;
  port_.joined(std::move(ticket), up_to, text_frame(json));
}

void RoomOwners::message(Speaker speaker, RoomName name, Offset offset, Completion<std::string> done) {
  with_room(name, speaker, rooms::Act::read, Load::existing,
      [this, speaker, offset, done = std::move(done)](Result<Room*> opened) mutable {
    if (!opened) return done(std::unexpected(std::move(opened).error()));
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::read)) return done(std::unexpected(std::move(*refusal)));
    if (offset == 0 || offset > room.offset()) return done(refuse_field(Cause::NOT_FOUND, "offset"));
    const auto finish = [this](Room& r, const Speaker& to, Result<rooms::HistoryPage> page) -> Result<std::string> {
      if (!page) return std::unexpected(std::move(page).error());
      if (auto refusal = check(r, to, rooms::Act::read)) return std::unexpected(std::move(*refusal));
      if (page->messages.empty()) return refuse_field(Cause::NOT_FOUND, "offset");
      apply_fresh(r, *page);
      std::string json;
      protocol::message(
          json, r.name.view(), (r.ephemeral ? r.epoch() : page->epoch).view(), view(page->messages.front()));
      return json;
    };
    const rooms::HistoryRequest question{
        .room = room.name, .by = speaker.user, .after = offset - 1, .up_to = offset, .limit = 1};
    if (room.ephemeral) return done(finish(room, speaker, room.ephemeral->history(question)));
    log_->history(question,
        on_loop<rooms::HistoryPage>(room,
            [finish, speaker = std::move(speaker), done = std::move(done)](
                Room& r, Result<rooms::HistoryPage> page) mutable { done(finish(r, speaker, std::move(page))); }));
  });
}

} // namespace foyer::gateway
