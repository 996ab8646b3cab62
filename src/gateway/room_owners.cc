// Loading and leaving of rooms, subscriptions, presence, and what time does to a room.
#include "gateway/room_owners.h"

#include "base/limit_metrics.h"
#include "gateway/room.h"

namespace foyer::gateway {
namespace {

JoinTicket ticket_of(const JoinRequest& question) {
  return {.connection = question.speaker.connection,
      .user = question.speaker.user,
      .room = question.room,
      .id = question.id,
      .again = question.again,
      .serial = question.serial};
}

} // namespace

RoomOwners::RoomOwners(io::Loop& loop, engine::RoomLog* log, engine::RoomDirectory* directory, RoomPort& port,
    const RoomPolicy& policy, Entropy& entropy, Metrics& metrics)
    : loop_(loop),
      log_(log),
      directory_(directory),
      port_(port),
      policy_(policy),
      entropy_(entropy),
      published_(metrics.counter("foyer_messages_published_total", "Messages published in rooms, after their commit.")),
      rooms_refused_(limit_refusals(metrics, "rooms_loaded")),
      memory_{.limit = policy.memory_bytes, .used = 0, .refused = &limit_refusals(metrics, "memory_bytes")},
      allowed_messages_(policy.messages_per_s, policy.messages_burst),
      messages_refused_(limit_refusals(metrics, "room_messages_per_s")),
      alive_(std::make_shared<bool>(true)) {}

RoomOwners::~RoomOwners() { *alive_ = false; }

RoomOwners::Room* RoomOwners::find(const RoomName& name) {
  const auto it = rooms_.find(name);
  return it == rooms_.end() ? nullptr : it->second.get();
}

void RoomOwners::fill(Room& room, rooms::RoomRow row) {
  room.kind = row.kind;
  room.members = {row.members.begin(), row.members.end()};
  room.creator = std::move(row.creator);
  if (policy_.durability.durable(room.name.view())) {
    room.stream.follow(std::move(row.epoch), row.offset);
    room.time = row.time;
    room.doubted = row.doubted;
    room.change = row.change;
  } else if (!room.ephemeral) {
    room.ephemeral = std::make_unique<rooms::EphemeralHistory>(Epoch{entropy_.short_id()}, policy_.ephemeral, &memory_);
    room.stream.follow(room.ephemeral->epoch(), 0);
    room.time = {};
    room.doubted.reset();
    room.change = 0;
  }
}

bool RoomOwners::is_member(const Room& room, const UserId& user) const {
  switch (room.kind) {
    case rooms::RoomKind::public_: return true;
    case rooms::RoomKind::own: return room.name.view().substr(5) == user.view(); // after "user:"
    case rooms::RoomKind::private_:
    case rooms::RoomKind::direct: return room.members.contains(user);
  }
  return false;
}

std::optional<Refusal> RoomOwners::check(const Room& room, const Speaker& speaker, rooms::Act act) const {
  auto allowed = rooms::may(act, room.kind, is_member(room, speaker.user), speaker.permissions);
  if (allowed) return std::nullopt;
  return std::move(allowed).error();
}

void RoomOwners::answer(const Speaker& speaker, std::string_view json) {
  port_.answer(speaker.connection, text_frame(json));
}

// Subscriptions and presence

void RoomOwners::join(JoinRequest question) {
  const RoomName name = question.room;
  const Speaker speaker = question.speaker;
  with_room(name, speaker, rooms::Act::read, Load::made,
      [this, question = std::move(question)](Result<Room*> opened) mutable {
    if (!opened) return join_failed(question, nullptr, std::move(opened).error());
    Room& room = **opened;
    const std::uint8_t loop = unpack(question.speaker.connection).loop;
    if (auto refusal = check(room, question.speaker, rooms::Act::read))
      return join_failed(question, nullptr, std::move(*refusal));
    if (!question.again) {
      room.audience.add(loop);
      member_came(room, question.speaker);
    }
    read_for_join(std::move(question), room, 1);
  });
}

void RoomOwners::joined(JoinRequest& question, Room& room, const JoinedPage& page) {
  const auto members = room.presence.members(policy_.members_shown);
  const auto refs = shown(members, question.speaker.terms);
  std::string json;
  protocol::joined(json, question.id,
      {.room = {room.name.view(), rooms::to_string(room.kind), room.epoch().view(), page.up_to},
          .durable = room.ephemeral == nullptr,
          .recovered = page.recovered,
          .more = page.more,
          .messages = page.messages.json,
          .members = refs,
          .member_count = room.presence.count(),
          .time = page.time,
          .change = page.change,
          .changes = page.changes});
  JoinTicket ticket = ticket_of(question);
  ticket.recovered = page.recovered;
  ticket.more = page.recovered && page.more;
  port_.joined(std::move(ticket), page.up_to, text_frame(json));
}

void RoomOwners::join_failed(JoinRequest& question, Room* room, Refusal refusal) {
  if (room != nullptr && !question.again) {
    room->audience.remove(unpack(question.speaker.connection).loop);
    room->presence.depart(question.speaker.user, loop_.now());
  }
  port_.join_refused(ticket_of(question), std::move(refusal));
}

void RoomOwners::member_came(Room& room, const Speaker& speaker) {
  if (!room.presence.arrive(speaker.user, speaker.name)) return;
  if (room.presence.count() > policy_.presence_events_limit) {
    room.changed = true;
    return;
  }
  std::string json;
  protocol::member_event(json, "member_joined", room.name.view(), {speaker.user.view(), speaker.name});
  publish(room, json, 0, speaker.user);
}

void RoomOwners::member_went(Room& room, const rooms::Member& member, std::size_t before) {
  if (before > policy_.presence_events_limit) {
    room.changed = true;
    return;
  }
  std::string json;
  protocol::member_event(json, "member_left", room.name.view(), {member.id.view(), member.name});
  publish(room, json, 0);
}

void RoomOwners::leave(ConnectionId connection, const UserId& user, const RoomName& name, bool evicted) {
  Room* room = find(name);
  if (room == nullptr) return; // a room with subscribers is never unloaded
  room->audience.remove(unpack(connection).loop);
  if (!evicted) room->presence.depart(user, loop_.now());
  schedule(*room);
}

void RoomOwners::presence(Speaker speaker, MessageId id, RoomName name) {
  with_room(name, speaker, rooms::Act::read, Load::existing, [this, name, speaker, id](Result<Room*> opened) {
    if (!opened && opened.error().cause == Cause::NOT_FOUND) { // nobody can be in it
      std::string json;
      protocol::presence(json, id, name.view(), {}, 0);
      return answer(speaker, json);
    }
    if (!opened) return port_.refuse(speaker.connection, id, std::move(opened).error());
    Room& room = **opened;
    if (auto refusal = check(room, speaker, rooms::Act::read))
      return port_.refuse(speaker.connection, id, std::move(*refusal));
    const auto members = room.presence.members(policy_.members_shown);
    std::string json;
    protocol::presence(json, id, room.name.view(), shown(members, speaker.terms), room.presence.count());
    answer(speaker, json);
  });
}

void RoomOwners::typing(Speaker speaker, RoomName name, bool on) {
  Room* room = find(name); // the connection has joined, so the room is loaded
  if (room == nullptr || check(*room, speaker, rooms::Act::write)) return;
  if (!room->typing.set(speaker.user, speaker.name, on, loop_.now()) || crowded(*room, speaker.user)) return;
  std::string json;
  protocol::typing(json, room->name.view(), {speaker.user.view(), speaker.name}, on);
  publish(*room, json, 0, speaker.user);
  schedule(*room);
}

// Time

bool RoomOwners::is_idle(const Room& room) {
  return room.audience.empty() && room.presence.count() == 0 && room.in_store == 0 && room.waiting.empty();
}

void RoomOwners::schedule(Room& room) {
  if (room.in_store == 0) room.fresh_changes.clear();
  std::optional<MonoTime> due = room.presence.next_deadline();
  const auto sooner = [&](MonoTime t) { due = due ? std::min(*due, t) : t; };
  if (const auto typing = room.typing.next_deadline()) sooner(*typing);
  if (const auto read = room.stream.due()) sooner(*read);
  if (room.confirm_at) sooner(*room.confirm_at);
  if (room.changed) sooner(room.changed_sent + std::chrono::seconds{1});
  const bool idle = is_idle(room);
  if (idle && room.idle_since == MonoTime{}) room.idle_since = loop_.now();
  if (!idle) room.idle_since = MonoTime{};
  if (idle) sooner(room.idle_since + unload_after(room));
  if (!due) return loop_.disarm(room);
  const auto wait = std::chrono::ceil<Millis>(*due - loop_.now());
  loop_.arm(room, std::max(Millis{0}, wait));
}

void RoomOwners::on_timer(Room& room) {
  const MonoTime now = loop_.now();
  for (const auto& member : room.typing.lapse(now)) {
    std::string json;
    protocol::typing(json, room.name.view(), {member.id.view(), member.name}, false);
    publish(room, json, 0, member.id);
  }
  // As many as there were when they went: a crowd that goes at once is told as one number.
  const std::size_t before = room.presence.count();
  for (const auto& member : room.presence.lapse(now)) member_went(room, member, before);
  act(room, room.stream.tick(now));
  if (room.confirm_at && *room.confirm_at <= now) {
    room.confirm_at.reset();
    confirm(room);
  }
  if (room.changed && now - room.changed_sent >= std::chrono::seconds{1}) {
    room.changed = false;
    room.changed_sent = now;
    std::string json;
    protocol::members_changed(json, room.name.view(), room.presence.count());
    publish(room, json, 0);
  }
  const bool idle = is_idle(room);
  if (idle && room.idle_since != MonoTime{} && now - room.idle_since >= unload_after(room)) {
    return unload(RoomName{room.name});
  }
  schedule(room);
}

// The history of a room that is not durable lives here and nowhere else.
Millis RoomOwners::unload_after(const Room& room) const {
  return room.ephemeral && room.ephemeral->offset() > 0 ? policy_.idle_forget : policy_.idle_unload;
}

} // namespace foyer::gateway
