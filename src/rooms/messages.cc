// Messages of a room: publishing, storing, erasing, history.
#include <algorithm>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kFreshChanges = 1'000;

void erase_body(Message& message) {
  message.text.clear();
  message.type = BodyType::text;
  message.deleted = true;
}

} // namespace

void RoomHome::broadcast(Room& room, EventPtr event) {
  if (const auto* message = std::get_if<Message>(&event->body)) {
    room.time = message->time;
    published_.add();
  }
  if (room.audience.empty()) return;
  outlets_.fanout->publish(outlets_.here->publication(std::move(event)), outlets_.here.get());
}

void RoomHome::publish_now(Room& room, decltype(Event::body) body, const UserId& except, std::uint64_t order) {
  if (room.audience.empty() && !is_shared(room)) return;
  announce(room,
      std::make_shared<const Event>(Event{.room = room.name,
          .offset = order,
          .delivery = Delivery::ephemeral,
          .except = except,
          .body = std::move(body)}));
}

// While the room's allowance is used up, users who wrote little recently are still served, so that one user cannot
// close the room to the others.
std::optional<Refusal> RoomHome::crowded(Room& room, const UserId& user) {
  static const Allowance kQuiet(2, 10);
  constexpr std::size_t kQuietUsers = 1'000;
  const MonoTime now = loop_.now();
  const Millis wait = room.spent.take(allowed_messages_, now);
  if (wait.count() == 0) return std::nullopt;
  if (room.quiet.size() >= kQuietUsers)
    std::erase_if(room.quiet, [&](const auto& entry) { return entry.second.whole(now); });
  if (room.quiet.size() < kQuietUsers || room.quiet.contains(user))
    if (room.quiet[user].take(kQuiet, now).count() == 0) return std::nullopt;
  messages_refused_.add();
  std::string evidence = "room_messages_per_s=" + std::to_string(policy_.messages_per_s);
  return Refusal{.cause = Cause::RATE_LIMITED, .evidence = std::move(evidence), .retry_after = wait, .field = "room"};
}

void RoomHome::publish(Actor actor, PublishRequest request, Completion<Published> done) {
  const RoomName name = request.room;
  in_room(name, actor, Act::write, Load::made, std::move(done),
      [this, request = std::move(request)](Room& room, Actor by, Completion<Published> answer) mutable {
    if (!by.is_application())
      if (auto refusal = crowded(room, by.user)) return answer(std::unexpected(std::move(*refusal)));
    Message message{.offset = 0,
        .from = {std::move(by.user), std::move(by.name)},
        .text = std::move(request.text),
        .time = loop_.wall(),
        .key = std::move(request.key),
        .type = request.type};
    AppendRequest append{.room = room.name,
        .from = message.from,
        .text = message.text,
        .key = message.key,
        .time = message.time,
        .known = {room.epoch(), room.stream.stored()},
        .type = message.type,
        .record = std::move(request.record)};
    const auto finish = [this](Room& r, Message m, Completion<Published> reply, Result<Appended> appended) {
      if (!appended) return reply(std::unexpected(std::move(appended).error()));
      m.offset = appended->offset;
      m.time = appended->time;
      stored(r, std::move(m), std::move(*appended), std::move(reply));
    };
    room.log->append(std::move(append),
        from_log<Appended>(room,
            [finish, message = std::move(message), answer = std::move(answer)](
                Room& r, Result<Appended> appended) mutable {
      finish(r, std::move(message), std::move(answer), std::move(appended));
    }));
  });
}

void RoomHome::erase(const Actor& actor, const RoomName& name, Offset offset, Completion<MessageErased> done) {
  in_room(name, actor, Act::erase, Load::existing, std::move(done),
      [this, offset](Room& room, const Actor& by, Completion<MessageErased> answer) {
    const auto finish = [this](Room& r, Completion<MessageErased>& reply, Result<Erased> erased) {
      if (!erased) return reply(std::unexpected(std::move(erased).error()));
      changed(r, {.number = erased->change, .kind = ChangeKind::deleted, .offset = erased->offset});
      reply(MessageErased{.room = r.name, .offset = erased->offset, .change = erased->change});
    };
    const bool any = may_erase_any(by.permissions);
    room.log->erase(room.name, offset, by.user, any,
        from_log<Erased>(room, [finish, answer = std::move(answer)](Room& r, Result<Erased> erased) mutable {
      finish(r, answer, std::move(erased));
    }));
  });
}

void RoomHome::changed(Room& room, const Change& change) {
  if (is_shared(room)) {
    if (in_shared_log(room)) announce(room, event_of(room, change)); // nobody else tells the other nodes
    if (change.of_author()) return look(room);                       // messages of other nodes may come before it
    if (in_shared_log(room)) return;
    return announce(room, event_of(room, change));
  }
  note_change(room, change);
  act(room, room.stream.arrived(event_of(room, change), loop_.now()));
}

void RoomHome::note_change(Room& room, const Change& change) {
  room.change = std::max(room.change, change.number);
  if (room.in_store > 0 && room.fresh_changes.size() < kFreshChanges) room.fresh_changes.push_back(change);
}

EventPtr RoomHome::event_of(const Room& room, const Change& change) {
  return std::make_shared<const Event>(Event{.room = room.name,
      .epoch = room.epoch(),
      .offset = change.of_author() ? room.stream.stored() : change.offset,
      .delivery = Delivery::about_history,
      .body = change});
}

void RoomHome::apply_fresh(const Room& room, HistoryPage& page) {
  for (const Change& change : room.fresh_changes)
    for (Message& m : page.messages) {
      if (change.kind == ChangeKind::deleted && m.offset == change.offset) erase_body(m);
      if (!change.of_author() || m.from.id != change.user) continue;
      m.from.name = kDetachedName;
      if (change.kind == ChangeKind::author_erased) erase_body(m);
    }
}

// The log's own thread posts the result to every loop, as it posts its other answers. Changes of a room are numbered;
// a result sent through this loop could arrive after a later change.
void RoomHome::forget_author(const UserId& user, Forget what, Completion<bool> done) {
  struct There {
    RoomHome* home;
    io::Loop* loop;
    std::shared_ptr<bool> alive; // read only on that loop
  };
  std::vector<There> all;
  for (std::size_t i = 0; i < homes_.count(); ++i) {
    RoomHome& home = homes_.at(i);
    all.push_back({&home, &home.loop_, home.alive_});
  }
  const auto tell = [all = std::move(all), user, what](const std::vector<Detached::Room>& where) {
    for (const There& there : all)
      there.loop->post([there, user, what, where] {
        if (*there.alive) there.home->author_detached(user, what, where);
      });
  };
  log_->detach_author(user, what,
      [tell, user, what, shared = outlets_.shared_log, done = std::move(done)](Result<Detached> detached) mutable {
    if (!detached) return done(std::unexpected(std::move(detached).error()));
    tell(detached->rooms);
    if (shared == nullptr) return done(detached->any);
    shared->detach_author(
        user, what, [tell, any = detached->any, done = std::move(done)](Result<Detached> also) mutable {
      if (!also) return done(std::unexpected(std::move(also).error()));
      tell(also->rooms);
      done(any || also->any);
    });
  });
}

void RoomHome::author_detached(const UserId& user, Forget what, const std::vector<Detached::Room>& where) {
  const auto kind = what == Forget::name ? ChangeKind::author_detached : ChangeKind::author_erased;
  for (const auto& place : where) {
    Room* room = find(place.room);
    if (room == nullptr) continue;
    room->members.erase(user);
    if (place.change > 0 && room->log != &memory_) changed(*room, {.number = place.change, .kind = kind, .user = user});
  }
  memory_.detach_author(user, what, [&](Result<Detached> here) {
    for (const auto& place : here.value().rooms)
      if (Room* room = find(place.room); room != nullptr)
        changed(*room, {.number = place.change, .kind = kind, .user = user});
  });
}

// Reading

bool RoomHome::fit(const RoomName& room, const Epoch& epoch, std::vector<Message>& messages, Keep keep,
    const AnswerLimit& answer, std::size_t beside) {
  if (answer.measure == nullptr) return true;
  const std::size_t fitting =
      answer.measure->messages_that_fit(room, epoch, messages, keep, answer.bytes - std::min(answer.bytes, beside));
  if (fitting == messages.size()) return true;
  const auto beyond = static_cast<std::ptrdiff_t>(messages.size() - fitting);
  if (keep == Keep::oldest)
    messages.resize(fitting);
  else
    messages.erase(messages.begin(), messages.begin() + beyond);
  return false;
}

void RoomHome::history(Actor actor, HistoryQuery query, Completion<HistoryPart> done) {
  const RoomName name = query.room;
  with_room(name, actor, Act::read, Load::existing,
      [this, by = actor, query = std::move(query), answer = std::move(done)](Result<Room*> opened) mutable {
    if (!opened && opened.error().cause == Cause::NOT_FOUND)
      return answer(HistoryPart{
          .room = query.room, .exists = false, .kept = policy_.rules.of(query.room.view()).keeps_history()});
    if (!opened) return answer(std::unexpected(std::move(opened).error()));
    const Actor actor_there = by; // the next one takes the other
    if_allowed(**opened, actor_there, Act::read,
        [this, by = std::move(by), query = std::move(query), answer = std::move(answer)](
            Result<Room*> allowed) mutable {
      if (!allowed) return answer(std::unexpected(std::move(allowed).error()));
      when_current(**allowed,
          [this, by = std::move(by), query = std::move(query), answer = std::move(answer)](
              Result<Room*> current) mutable {
        if (!current) return answer(std::unexpected(std::move(current).error()));
        read_part(**current, std::move(by), std::move(query), std::move(answer));
      });
    });
  });
}

void RoomHome::read_part(Room& room, Actor by, HistoryQuery query, Completion<HistoryPart> done) {
  const Offset up_to = room.offset();
  HistoryRequest read{.room = room.name,
      .by = by.user,
      .after = query.after,
      .before = query.before,
      .up_to = up_to,
      .limit = std::min(query.limit, policy_.history_limit),
      .bytes = query.answer.bytes};
  room.log->history(std::move(read),
      from_log<HistoryPage>(room,
          [this, by = std::move(by), query = std::move(query), up_to, done = std::move(done)](Room& r,
              Result<HistoryPage> page) mutable { done(history_part(r, by, query, up_to, std::move(page))); }));
}

Result<HistoryPart> RoomHome::history_part(
    const Room& room, const Actor& actor, const HistoryQuery& query, Offset up_to, Result<HistoryPage> page) const {
  if (!page) return std::unexpected(std::move(page).error());
  // The right to read may have ended while the store was read.
  if (auto refusal = check(room, actor, Act::read)) return std::unexpected(std::move(*refusal));
  apply_fresh(room, *page);
  HistoryPart part{.room = room.name,
      .kept = room.settings.keeps_history(),
      .epoch = std::move(page->epoch),
      .messages = std::move(page->messages),
      .more = page->more,
      .up_to = up_to};
  const Keep keep = query.after ? Keep::oldest : Keep::newest;
  if (!fit(part.room, part.epoch, part.messages, keep, query.answer, 0)) part.more = true;
  return part;
}

void RoomHome::message(const Actor& actor, const RoomName& name, Offset offset, Completion<MessageFound> done) {
  in_room(name, actor, Act::read, Load::existing, std::move(done),
      [this, offset](Room& room, Actor by, Completion<MessageFound> answer) {
    when_current(room, [this, offset, by = std::move(by), answer = std::move(answer)](Result<Room*> current) mutable {
      if (!current) return answer(std::unexpected(std::move(current).error()));
      read_message(**current, std::move(by), offset, std::move(answer));
    });
  });
}

void RoomHome::read_message(Room& room, Actor by, Offset offset, Completion<MessageFound> done) {
  if (offset == 0 || offset > room.offset()) return done(refuse_field(Cause::NOT_FOUND, "offset"));
  HistoryRequest read{.room = room.name, .by = by.user, .after = offset - 1, .up_to = offset, .limit = 1};
  room.log->history(std::move(read),
      from_log<HistoryPage>(
          room, [this, by = std::move(by), done = std::move(done)](Room& r, Result<HistoryPage> page) mutable {
    done(message_found(r, by, std::move(page)));
  }));
}

Result<MessageFound> RoomHome::message_found(const Room& room, const Actor& actor, Result<HistoryPage> page) const {
  if (!page) return std::unexpected(std::move(page).error());
  if (auto refusal = check(room, actor, Act::read)) return std::unexpected(std::move(*refusal));
  if (page->messages.empty()) return refuse_field(Cause::NOT_FOUND, "offset");
  apply_fresh(room, *page);
  return MessageFound{.room = room.name, .epoch = std::move(page->epoch), .message = std::move(page->messages.front())};
}

} // namespace foyer::rooms
