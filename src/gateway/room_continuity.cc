// Whether what was told of a room is still so: messages that are stored and were not heard of,
// a store that was opened again, a history that went back.
#include <algorithm>
#include <utility>

#include "gateway/room.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kConfirmAtOnce = 64; // rooms of one owner
constexpr Millis kConfirmAgain{500};
constexpr Millis kFirstRetry{100};
constexpr Millis kLongestRetry{2'000};
constexpr std::string_view kWentBack = "the history of the room went back";

} // namespace

// Messages in the order of their offsets

void RoomOwners::published(Room& room, const rooms::Message& message) {
  if (message.offset <= room.offset) return; // a repeat of what everybody has
  if (!room.gap && (room.ephemeral || message.offset == room.offset + 1)) return publish_message(room, message);
  const bool fresh = !room.gap;
  if (fresh) room.gap.emplace(Gap{.since = loop_.now()});
  Gap& gap = *room.gap;
  gap.held.push_back(message);
  gap.bytes += message.text.size();
  if (gap.held.size() > policy_.gap_messages || gap.bytes > policy_.gap_bytes)
    return give_up_gap(room, "more messages wait behind those that cannot be read than may be held back");
  if (fresh) fill_gap(room);
}

// Up to the first message that is known, or to the end that is.
void RoomOwners::fill_gap(Room& room) {
  Gap& gap = *room.gap;
  if (gap.reading) return;
  Offset wanted = gap.known_to;
  if (!gap.held.empty()) wanted = std::ranges::min(gap.held, {}, &rooms::Message::offset).offset - 1;
  if (wanted <= room.offset) return gap_closed(room);
  gap.reading = true;
  const rooms::HistoryRequest missing{
      .room = room.name, .after = room.offset, .up_to = wanted, .limit = rooms::kHistoryLimit};
  store_->history(missing, on_loop<rooms::HistoryPage>(room, [this, wanted](Room& r, Result<rooms::HistoryPage> page) {
    gap_read(r, wanted, std::move(page));
  }));
}

void RoomOwners::gap_read(Room& room, Offset wanted, Result<rooms::HistoryPage> page) {
  if (!room.gap || !room.gap->reading) return; // given up, or the history began anew
  room.gap->reading = false;
  if (room.unconfirmed) return; // confirmed() goes on
  if (!page)
    return gap_failed(room, page.error().evidence.empty() ? std::string(page.error().code()) : page.error().evidence);
  if (page->epoch != room.epoch) {
    gap_failed(room, "the room has another epoch");
    if (room.gap) room.confirm_at = std::exchange(room.gap->retry_at, std::nullopt);
    return schedule(room);
  }
  const Offset before = room.offset;
  for (const auto& m : page->messages)
    if (m.offset == room.offset + 1) publish_message(room, m);
  if (room.offset >= wanted || room.offset > before) return fill_gap(room);
  if (page->head < wanted) return gap_failed(room, "the store shows less than it has committed");
  give_up_gap(room, "messages that nobody was sent are not kept any more");
}

void RoomOwners::gap_closed(Room& room) {
  auto held = std::move(room.gap->held);
  const Offset known_to = room.gap->known_to;
  const MonoTime since = room.gap->since;
  room.gap.reset();
  std::ranges::sort(held, {}, &rooms::Message::offset);
  for (const auto& m : held) published(room, m); // what still has something missing before it opens the gap again
  if (known_to <= room.offset && !room.gap) return;
  if (!room.gap) room.gap.emplace();
  room.gap->since = since;
  room.gap->known_to = std::max(room.gap->known_to, known_to);
  fill_gap(room);
}

void RoomOwners::gap_failed(Room& room, std::string why) {
  Gap& gap = *room.gap;
  const MonoTime now = loop_.now();
  if (now - gap.since >= policy_.gap_patience) return give_up_gap(room, std::move(why));
  gap.wait = gap.wait == Millis{0} ? kFirstRetry : std::min(gap.wait * 2, kLongestRetry);
  gap.retry_at = now + gap.wait;
  schedule(room);
}

// Nobody is sent anything behind what is missing: clients come back and ask from where they are.
void RoomOwners::give_up_gap(Room& room, std::string why) {
  const Gap gap = *std::exchange(room.gap, std::nullopt);
  const Refusal refusal{.cause = Cause::HISTORY_UNREADABLE,
      .evidence = "room " + room.name.str() + " behind offset " + std::to_string(room.offset) + ": " + why};
  room.audience.for_each_loop([&](std::uint8_t loop) { port_.close_all(loop, room.name, refusal); });
  room.offset = std::max(room.offset, gap.known_to);
  room.time = {};
  for (const auto& m : gap.held) {
    if (m.offset < room.offset) continue;
    room.offset = m.offset;
    room.time = m.time;
  }
}

void RoomOwners::stored(
    Room& room, ReplyTo connection, MessageId id, rooms::Message& message, const rooms::Appended& appended) {
  const auto sent = [this, connection, id, offset = appended.offset, time = appended.time,
                        duplicate = appended.duplicate](const Room& r) {
    std::string json;
    protocol::sent(json, id, r.name.view(), r.epoch.view(), offset, time, duplicate);
    port_.answer(connection, text_frame(json));
  };
  if (!room.ephemeral) {
    const bool other = appended.epoch != room.epoch;
    if (other && !appended.duplicate) {
      reset(room, appended.epoch, appended.offset, appended.time, kWentBack);
    } else if (other || (!appended.duplicate && appended.offset <= room.offset)) {
      // Stored while the history was going back: the answer names the epoch that the message is kept in.
      room.waiting.push_back([this, connection, id, sent](Result<Room*> opened) {
        if (opened)
          sent(**opened);
        else
          port_.refuse(connection, id, std::move(opened).error());
      });
      return confirm(room);
    }
  }
  published(room, message); // also a repeat: the first time nobody may have heard of it
  sent(room);
}

// The store may know better

void RoomOwners::store_opened_again() {
  ++openings_;
  to_confirm_.clear();
  std::vector<RoomName> unused;
  for (auto& [name, room] : rooms_) {
    if (room->ephemeral) continue;
    room->unconfirmed = true;
    if (!is_idle(*room))
      to_confirm_.push_back(name);
    else
      unused.push_back(name);
  }
  for (const RoomName& name : unused) rooms_.erase(name); // read again when somebody needs it
  confirm_more();
}

void RoomOwners::confirm_more() {
  while (confirming_ < kConfirmAtOnce && !to_confirm_.empty()) {
    const RoomName name = std::move(to_confirm_.front());
    to_confirm_.pop_front();
    if (Room* room = find(name); room != nullptr && room->unconfirmed && !room->confirming) confirm(*room);
  }
}

void RoomOwners::confirm(Room& room) {
  room.unconfirmed = true;
  if (room.confirming) return;
  room.confirming = true;
  room.confirm_at.reset();
  ++confirming_;
  store_->confirm(room.name, {room.epoch, room.offset},
      on_loop<rooms::RoomRow>(room, [this, opening = openings_](Room& r, Result<rooms::RoomRow> row) {
    r.confirming = false;
    if (confirming_ > 0) --confirming_;
    if (opening != openings_)
      confirm(r); // asked of the connection before
    else
      confirmed(r, std::move(row));
    confirm_more();
  }));
}

void RoomOwners::confirmed(Room& room, Result<rooms::RoomRow> row) {
  auto waiting = std::exchange(room.waiting, {});
  if (!row && row.error().cause != Cause::NOT_A_MEMBER) {
    room.confirm_at = loop_.now() + kConfirmAgain;
    if (room.gap) gap_failed(room, row.error().evidence);
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  room.unconfirmed = false;
  if (!row) { // there is no such room any more
    members_confirmed(room, {});
    reset(room, room.epoch, 0, {}, kWentBack);
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  members_confirmed(room, std::move(row->members));
  if (row->epoch != room.epoch) {
    reset(room, row->epoch, row->offset, row->time, kWentBack);
  } else {
    room.doubted = row->doubted;
    if (row->offset > room.offset) { // stored, and nobody has heard of it
      if (!room.gap) room.gap.emplace(Gap{.since = loop_.now()});
      room.gap->known_to = std::max(room.gap->known_to, row->offset);
    }
  }
  if (room.gap) {
    room.gap->retry_at.reset();
    fill_gap(room);
  }
  for (auto& operation : waiting) operation(&room);
}

// Who is no member any more was removed by another process, or was never one in this history.
void RoomOwners::members_confirmed(Room& room, std::vector<UserId> members) {
  if (room.kind != rooms::RoomKind::private_ && room.kind != rooms::RoomKind::direct) return;
  std::unordered_set<UserId> now{members.begin(), members.end()};
  for (const UserId& user : room.members) {
    if (now.contains(user)) continue;
    room.audience.for_each_loop([&](std::uint8_t loop) { port_.evict(loop, room.name, user); });
    room.typing.set(user, {}, false, loop_.now());
    const std::size_t before = room.presence.count();
    if (const auto gone = room.presence.expel(user)) member_went(room, *gone, before);
    std::string json;
    protocol::room_answer(json, "room_removed", std::nullopt, room.name.view());
    port_.to_user(user, text_frame(json));
  }
  room.members = std::move(now);
}

void RoomOwners::reset(Room& room, Epoch epoch, Offset offset, WallTime time, std::string_view reason) {
  room.epoch = std::move(epoch);
  room.offset = offset;
  room.time = time;
  room.doubted.reset();
  room.gap.reset();
  if (room.audience.empty()) return;
  std::string json;
  protocol::room_reset(json, room.name.view(), room.epoch.view(), room.offset, reason);
  const SharedBytes frame = text_frame(json);
  room.audience.for_each_loop([&](std::uint8_t loop) { port_.reset(loop, room.name, frame); });
}

} // namespace foyer::gateway
