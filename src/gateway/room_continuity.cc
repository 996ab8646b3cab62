// Whether what was told of a room is still so: messages that are stored and were not heard of,
// a store that was opened again, a history that went back.
#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/room.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kConfirmAtOnce = 64; // rooms of one owner
constexpr Millis kConfirmAgain{500};
constexpr std::string_view kWentBack = "the history of the room went back";

std::string why(const Refusal& refusal) {
  return refusal.evidence.empty() ? std::string(refusal.code()) : refusal.evidence;
}

rooms::EventPtr event_of(const Epoch& epoch, rooms::Message message) {
  return std::make_shared<const rooms::Event>(rooms::Event{
      .epoch = epoch, .offset = message.offset, .delivery = rooms::Delivery::history, .body = std::move(message)});
}

} // namespace

// Messages in the order of their offsets

void RoomOwners::act(Room& room, const rooms::Actions& actions) {
  for (const rooms::Action& action : actions) {
    if (const auto* deliver = std::get_if<rooms::Deliver>(&action)) {
      if (const auto* message = std::get_if<rooms::Message>(&deliver->event->body)) publish_message(room, *message);
      if (const auto* change = std::get_if<rooms::Change>(&deliver->event->body)) publish_change(room, *change);
    } else if (const auto* read = std::get_if<rooms::ReadHistory>(&action)) {
      read_missing(room, *read);
    } else if (const auto* gone = std::get_if<rooms::Lost>(&action)) {
      lost(room, *gone);
    } else {
      confirm(room);
    }
  }
}

void RoomOwners::read_missing(Room& room, const rooms::ReadHistory& read) {
  const rooms::HistoryRequest missing{
      .room = room.name, .after = read.after, .up_to = read.to, .limit = read.limit, .changes_after = room.change};
  log_->history(
      missing, on_loop<rooms::HistoryPage>(room, [this, number = read.read](Room& r, Result<rooms::HistoryPage> page) {
    if (!page) return act(r, r.stream.read_failed(number, why(page.error()), loop_.now()));
    rooms::Page shown{.read = number, .epoch = std::move(page->epoch), .head = page->head, .change = page->change};
    for (rooms::Message& m : page->messages) shown.events.push_back(event_of(shown.epoch, std::move(m)));
    act(r, r.stream.page(shown, loop_.now()));
  }));
}

void RoomOwners::lost(Room& room, const rooms::Lost& lost) {
  const auto* last = lost.last ? std::get_if<rooms::Message>(&lost.last->body) : nullptr;
  room.time = last == nullptr ? WallTime{} : last->time;
  if (lost.reason == rooms::LossReason::epoch_changed || lost.reason == rooms::LossReason::went_back)
    return reset(room, lost.epoch, lost.offset);
  const Refusal refusal{.cause = Cause::HISTORY_UNREADABLE,
      .evidence = "room " + room.name.str() + " behind offset " + std::to_string(lost.delivered) + ": " + lost.why};
  room.audience.for_each_loop([&](std::uint8_t loop) { port_.close_all(loop, room.name, refusal); });
}

void RoomOwners::stored(
    Room& room, ReplyTo connection, MessageId id, rooms::Message& message, const rooms::Appended& appended) {
  const auto sent = [this, connection, id, offset = appended.offset, time = appended.time,
                        duplicate = appended.duplicate](const Room& r) {
    std::string json;
    protocol::sent(json, id, r.name.view(), r.epoch().view(), offset, time, duplicate);
    port_.answer(connection, text_frame(json));
  };
  if (!room.ephemeral) {
    const bool other = appended.epoch != room.epoch();
    if (other && !appended.duplicate) { // the writer answers in order: this is where the room stands now
      act(room,
          room.stream.position(
              {.epoch = appended.epoch, .head = appended.offset, .asked = room.stream.standpoint()}, loop_.now()));
      room.time = appended.time;
    } else if (other || (!appended.duplicate && appended.offset <= room.offset())) {
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
  // Also a repeat: the first time nobody may have heard of it.
  act(room, room.stream.arrived(event_of(room.epoch(), std::move(message)), loop_.now()));
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
    room->stream.await_position();
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
  rooms::Standpoint asked = room.stream.standpoint();
  rooms::Known known{.epoch = asked.epoch, .offset = asked.stored};
  log_->confirm(room.name, std::move(known),
      on_loop<rooms::RoomRow>(
          room, [this, opening = openings_, asked = std::move(asked)](Room& r, Result<rooms::RoomRow> row) mutable {
    r.confirming = false;
    if (confirming_ > 0) --confirming_;
    if (opening != openings_)
      confirm(r); // asked of the connection before
    else
      confirmed(r, std::move(asked), std::move(row));
    confirm_more();
  }));
}

void RoomOwners::confirmed(Room& room, rooms::Standpoint asked, Result<rooms::RoomRow> row) {
  auto waiting = std::exchange(room.waiting, {});
  if (!row && row.error().cause != Cause::NOT_A_MEMBER) {
    room.confirm_at = loop_.now() + kConfirmAgain;
    act(room, room.stream.position_failed(why(row.error()), loop_.now()));
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  room.unconfirmed = false;
  if (!row) { // there is no such room any more
    members_confirmed(room, {});
    room.stream.follow(Epoch{room.epoch()}, 0);
    room.time = {};
    reset(room, room.epoch(), 0);
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  members_confirmed(room, std::move(row->members));
  const rooms::StreamPosition position{.epoch = row->epoch, .head = row->offset, .asked = std::move(asked)};
  act(room, room.stream.position(position, loop_.now()));
  if (room.epoch() == row->epoch) {
    room.doubted = row->doubted;
    if (room.offset() == row->offset && row->time != WallTime{}) room.time = row->time;
  }
  if (room.unconfirmed) { // asked once more
    std::ranges::move(room.waiting, std::back_inserter(waiting));
    room.waiting = std::move(waiting);
    return;
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

void RoomOwners::reset(Room& room, const Epoch& epoch, Offset offset) {
  room.doubted.reset();
  if (room.audience.empty()) return;
  std::string json;
  protocol::room_reset(json, room.name.view(), epoch.view(), offset, kWentBack);
  const SharedBytes frame = text_frame(json);
  room.audience.for_each_loop([&](std::uint8_t loop) { port_.reset(loop, room.name, frame); });
}

} // namespace foyer::gateway
