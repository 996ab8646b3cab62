// Subscriptions, presence, and timers of a room.
#include "base/limit_metrics.h"
#include "rooms/room.h"

namespace foyer::rooms {
RoomHome::RoomHome(io::Loop& loop, engine::RoomLog* log, engine::RoomDirectory* directory, Outlets outlets,
    const Homes& homes, const RoomPolicy& policy, Entropy& entropy, Metrics& metrics)
    : loop_(loop),
      log_(log),
      directory_(directory),
      outlets_(std::move(outlets)),
      homes_(homes),
      policy_(policy),
      published_(metrics.counter("foyer_messages_published_total", "Messages published in rooms, after their commit.")),
      rooms_refused_(limit_refusals(metrics, "rooms_loaded")),
      memory_([&loop] { return loop.now(); }, entropy,
          {.room = policy.ephemeral, .bytes = policy.memory_bytes, .rules = policy.rules},
          &limit_refusals(metrics, "memory_bytes")),
      allowed_messages_(policy.messages_per_s, policy.messages_burst),
      messages_refused_(limit_refusals(metrics, "room_messages_per_s")),
      alive_(std::make_shared<bool>(true)) {
  from_nodes_ = listener_to_nodes();
}

RoomHome::~RoomHome() { *alive_ = false; }

RoomHome::Room* RoomHome::find(const RoomName& name) {
  const auto it = rooms_.find(name);
  return it == rooms_.end() ? nullptr : it->second.get();
}

void RoomHome::fill(Room& room, RoomRow row) {
  room.kind = row.kind;
  room.members = {row.members.begin(), row.members.end()};
  room.creator = std::move(row.creator);
  room.settings = policy_.rules.of(room.name.view());
  room.durable = room.settings.durable;
  room.log = room.durable ? log_ : outlets_.shared_log != nullptr ? outlets_.shared_log : &memory_;
  if (room.log == &memory_)
    memory_.confirm(room.name, {}, [&row](Result<RoomRow> own) { row = std::move(own).value(); });
  if (in_shared_log(room)) { // where it stands has to be read there
    room.unconfirmed = true;
    row = {};
  }
  room.stream.follow(std::move(row.epoch), row.offset);
  room.time = row.time;
  room.doubted = row.doubted;
  room.change = row.change;
}

bool RoomHome::is_member(const Room& room, const UserId& user) const {
  switch (room.kind) {
    case RoomKind::public_: return !has_members(room.kind, room.settings) || room.members.contains(user);
    case RoomKind::own: return room.name.view().substr(5) == user.view(); // after "user:"
    case RoomKind::private_:
    case RoomKind::direct: return room.members.contains(user);
  }
  return false;
}

std::optional<Refusal> RoomHome::check(const Room& room, const Actor& actor, Act act) const {
  const Standing standing{.member = is_member(room, actor.user),
      .token = actor.has_token,
      .app_let_in = actor.app_let_in,
      .app_lets_write = actor.app_lets_write,
      .application = actor.is_application() || (actor.let_in && act == Act::read && room.kind == RoomKind::public_)};
  auto allowed = may(act, room.kind, room.settings, standing, actor.permissions);
  if (allowed) return std::nullopt;
  return std::move(allowed).error();
}

// Subscriptions

void RoomHome::listen(Room& room, ListenerId listener, Completion<bool> done) {
  if (room.audience.empty()) {
    ++occupied_;
    if (outlets_.occupancy) outlets_.occupancy(room.name, true);
  }
  room.audience.add(listener);
  outlets_.fanout->subscribe(room.name, homes_.at(listener).listener(), std::move(done));
}

void RoomHome::listen_no_more(Room& room, ListenerId listener) {
  if (!room.audience.remove(listener)) return;
  if (room.audience.empty()) {
    --occupied_;
    if (outlets_.occupancy) outlets_.occupancy(room.name, false);
  }
  outlets_.fanout->unsubscribe(room.name, *homes_.at(listener).listener());
}

// Presence

void RoomHome::shown_members(Room& room, const AnswerLimit& limit, MembersShown done) {
  outlets_.presence->members(room.name, limit.members.value_or(policy_.members_shown),
      from_presence<engine::PresentMembers>(
          room, [limit, done = std::move(done)](Room& r, Result<engine::PresentMembers> present) mutable {
    if (present && limit.measure != nullptr)
      present->members.resize(limit.measure->members_that_fit(present->members, limit.bytes / 4));
    done(r, std::move(present));
  }));
}

void RoomHome::member_came(Room& room, const Actor& actor) {
  if (!room.presence.arrive(actor.user)) return;
  Member member{actor.user, actor.name};
  outlets_.presence->touch(room.name, member,
      from_presence<engine::PresenceChange>(
          room, [this, member](Room& r, const Result<engine::PresenceChange>& change) {
    if (!change) return;
    r.present = change->count;
    if (!change->changed || !r.settings.join_events) return;
    if (r.present > policy_.presence_events_limit)
      r.changed = true;
    else
      publish_now(r, MemberJoined{member}, member.id, change->order);
  }));
}

void RoomHome::member_went(Room& room, const UserId& user, std::size_t before) {
  outlets_.presence->leave(room.name, user,
      from_presence<engine::PresenceChange>(room, [this, user, before](Room& r, Result<engine::PresenceChange> change) {
    if (!change) return;
    r.present = change->count;
    if (!change->changed || !r.settings.join_events) return;
    if (before > policy_.presence_events_limit)
      r.changed = true;
    else
      publish_now(r, MemberLeft{{user, std::move(change->name)}}, {}, change->order);
  }));
}

void RoomHome::leave(ListenerId listener, const UserId& user, const RoomName& name, bool evicted) {
  Room* room = find(name);
  if (room == nullptr) return; // a room with subscribers is never unloaded
  listen_no_more(*room, listener);
  if (!evicted) room->presence.depart(user, loop_.now());
  schedule(*room);
}

void RoomHome::presence(const Actor& actor, const RoomName& name, AnswerLimit limit, Completion<PresenceNow> done) {
  with_room(name, actor, Act::read, Load::existing,
      [this, name, actor, limit, done = std::move(done)](Result<Room*> opened) mutable {
    if (!opened && opened.error().cause == Cause::NOT_FOUND) // a room that does not exist is empty
      return done(PresenceNow{.room = std::move(name)});
    if (!opened) return done(std::unexpected(std::move(opened).error()));
    if_allowed(**opened, actor, Act::read, [this, actor, limit, done = std::move(done)](Result<Room*> allowed) mutable {
      if (!allowed) return done(std::unexpected(std::move(allowed).error()));
      show_presence(**allowed, actor, limit, std::move(done));
    });
  });
}

void RoomHome::show_presence(Room& room, const Actor& actor, AnswerLimit limit, Completion<PresenceNow> done) {
  if (!room.settings.presence && !actor.is_application()) return done(std::unexpected(turned_off("presence")));
  shown_members(room, limit,
      [name = room.name, subscribers = room.audience.total(), connected = room.presence.connected(),
          done = std::move(done)](Room&, Result<engine::PresentMembers> present) mutable {
    if (!present) return done(std::unexpected(std::move(present).error()));
    done(PresenceNow{.room = std::move(name),
        .members = std::move(present->members),
        .count = present->count,
        .subscribers = subscribers,
        .connected = connected});
  });
}

void RoomHome::typing(const Actor& actor, const RoomName& name, bool on) {
  Room* room = find(name); // the session has joined, so the room is loaded
  if (room == nullptr || !room->settings.typing || check(*room, actor, Act::write)) return;
  if (!room->typing.set(actor.user, actor.name, on, loop_.now()) || crowded(*room, actor.user)) return;
  publish_now(*room, TypingChanged{{actor.user, actor.name}, on}, actor.user);
  schedule(*room);
}

// Time

bool RoomHome::is_idle(const Room& room) {
  return room.audience.empty() && room.presence.count() == 0 && room.in_store == 0 && room.waiting.empty() &&
      room.readers.empty() && room.behind.empty();
}

void RoomHome::schedule(Room& room) {
  if (room.in_store == 0) room.fresh_changes.clear();
  std::optional<MonoTime> due = room.presence.next_deadline();
  const auto sooner = [&](MonoTime t) { due = due ? std::min(*due, t) : t; };
  if (const auto typing = room.typing.next_deadline()) sooner(*typing);
  if (const auto read = room.stream.due()) sooner(*read);
  if (room.confirm_at) sooner(*room.confirm_at);
  if (room.look_at) sooner(*room.look_at);
  if (room.changed) sooner(room.changed_sent + std::chrono::seconds{1});
  const bool idle = is_idle(room);
  if (idle && room.idle_since == MonoTime{}) room.idle_since = loop_.now();
  if (!idle) room.idle_since = MonoTime{};
  if (idle) sooner(room.idle_since + unload_after(room));
  if (!due) return loop_.disarm(room);
  const auto wait = std::chrono::ceil<Millis>(*due - loop_.now());
  loop_.arm(room, std::max(Millis{0}, wait));
}

void RoomHome::on_timer(Room& room) {
  const MonoTime now = loop_.now();
  for (const auto& member : room.typing.lapse(now)) publish_now(room, TypingChanged{member, false}, member.id);
  // The count before they left decides: many users who leave at once are reported as one number.
  const std::size_t before = room.present;
  for (const UserId& user : room.presence.lapse(now)) member_went(room, user, before);
  act(room, room.stream.tick(now));
  if (room.confirm_at && *room.confirm_at <= now) {
    room.confirm_at.reset();
    confirm(room);
  }
  if (room.look_at && *room.look_at <= now) look(room);
  if (room.changed && now - room.changed_sent >= std::chrono::seconds{1}) {
    room.changed = false;
    room.changed_sent = now;
    publish_now(room, MembersChanged{room.present});
  }
  const bool idle = is_idle(room);
  if (idle && room.idle_since != MonoTime{} && now - room.idle_since >= unload_after(room)) {
    return unload(RoomName{room.name});
  }
  schedule(room);
}

// The history of a room in memory exists only here, so the room stays loaded longer.
Millis RoomHome::unload_after(const Room& room) const {
  return room.log == &memory_ && room.offset() > 0 ? policy_.idle_forget : policy_.idle_unload;
}

} // namespace foyer::rooms
