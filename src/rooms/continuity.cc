// Keeps rooms consistent with the store: carries out the StreamFollower's actions, confirms positions after the store
// was reopened, and resets rooms whose history went back.
#include <algorithm>
#include <iterator>
#include <utility>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kConfirmAtOnce = 64; // rooms of one home
constexpr Millis kConfirmAgain{500};
constexpr std::string_view kWentBack = "the history of the room returned to an earlier state";
constexpr std::string_view kDestroyed = "the room was deleted";

std::string why(const Refusal& refusal) {
  return refusal.evidence.empty() ? std::string(refusal.code()) : refusal.evidence;
}

EventPtr message_of(const RoomName& room, Epoch epoch, Message message) {
  const Offset offset = message.offset;
  return std::make_shared<const Event>(Event{.room = room,
      .epoch = std::move(epoch),
      .offset = offset,
      .delivery = Delivery::history,
      .body = std::move(message)});
}

} // namespace

// Messages in the order of their offsets

void RoomHome::act(Room& room, const Actions& actions) {
  for (const Action& action : actions) {
    if (const auto* deliver = std::get_if<Deliver>(&action)) {
      broadcast(room, deliver->event);
    } else if (const auto* read = std::get_if<ReadHistory>(&action)) {
      read_missing(room, *read);
    } else if (const auto* gone = std::get_if<Lost>(&action)) {
      lost(room, *gone);
    } else {
      confirm(room);
    }
  }
  caught_up(room);
}

void RoomHome::read_missing(Room& room, const ReadHistory& read) {
  const HistoryRequest missing{.room = room.name,
      .after = read.after,
      .up_to = read.to,
      .limit = read.limit,
      .changes_after = room.change,
      .hidden_too = true};
  room.log->history(missing, from_log<HistoryPage>(room, [this, number = read.read](Room& r, Result<HistoryPage> page) {
    if (!page) return act(r, r.stream.read_failed(number, why(page.error()), loop_.now()));
    Page shown{.read = number, .epoch = std::move(page->epoch), .head = page->head, .change = page->change};
    for (Message& m : page->messages) shown.events.push_back(message_of(r.name, shown.epoch, std::move(m)));
    act(r, r.stream.page(shown, loop_.now()));
  }));
}

void RoomHome::lost(Room& room, const Lost& lost) {
  const auto* last = lost.last ? std::get_if<Message>(&lost.last->body) : nullptr;
  room.time = last == nullptr ? WallTime{} : last->time;
  if (lost.reason == LossReason::epoch_changed || lost.reason == LossReason::went_back)
    return reset(room, lost.epoch, lost.offset);
  const Refusal refusal{.cause = Cause::HISTORY_UNREADABLE,
      .evidence = "room " + room.name.str() + " after offset " + std::to_string(lost.delivered) + ": " + lost.why};
  if (room.audience.empty()) return;
  // Sent to the loops of this process only: other nodes read the history themselves.
  outlets_.bus->send(
      engine::CloseSubscribers{room.name, refusal}, {.to = outlets_.bus->node(), .here = outlets_.here.get()});
}

void RoomHome::stored(Room& room, Message message, Appended appended, Completion<Published> done) {
  const auto published = [offset = appended.offset, time = appended.time, duplicate = appended.duplicate](
                             const Room& r) {
    return Published{.room = r.name, .epoch = r.epoch(), .offset = offset, .time = time, .duplicate = duplicate};
  };
  const bool other = appended.epoch != room.epoch();
  if (other && !appended.duplicate) { // the writer answers in order, so this is the room's current position
    act(room,
        room.stream.position(
            {.epoch = appended.epoch, .head = appended.offset, .asked = room.stream.standpoint()}, loop_.now()));
    room.time = appended.time;
  } else if (!other && appended.offset <= room.offset() && is_shared(room)) { // other nodes' reports came first
    return done(published(room));
  } else if (other || (!appended.duplicate && appended.offset <= room.offset())) {
    // Stored while the history went back: the answer waits until the epoch that contains the message is known.
    room.waiting.push_back([published, done = std::move(done)](Result<Room*> opened) mutable {
      if (opened)
        done(published(**opened));
      else
        done(std::unexpected(std::move(opened).error()));
    });
    return confirm(room);
  }
  // Also for a duplicate: the first message may not have been delivered.
  if (other) appended.epoch = room.epoch();
  announce(room, message_of(room.name, std::move(appended.epoch), std::move(message)));
  done(published(room));
}

// After the store was reopened

void RoomHome::store_opened_again() {
  ++openings_;
  opened_again(log_);
}

void RoomHome::shared_log_opened_again() { opened_again(outlets_.shared_log); }

void RoomHome::opened_again(const engine::RoomLog* log) {
  std::erase_if(to_confirm_, [&](const RoomName& name) {
    const Room* room = find(name);
    return room == nullptr || room->log == log;
  });
  std::vector<RoomName> unused;
  for (auto& [name, room] : rooms_) {
    if (room->log != log) continue;
    room->unconfirmed = true;
    room->stream.await_position();
    if (!is_idle(*room))
      to_confirm_.push_back(name);
    else
      unused.push_back(name);
  }
  for (const RoomName& name : unused) drop(name); // loaded again when needed
  confirm_more();
}

void RoomHome::confirm_more() {
  while (confirming_ < kConfirmAtOnce && !to_confirm_.empty()) {
    const RoomName name = std::move(to_confirm_.front());
    to_confirm_.pop_front();
    if (Room* room = find(name); room != nullptr && room->unconfirmed && !room->confirming) confirm(*room);
  }
}

void RoomHome::confirm(Room& room) {
  room.unconfirmed = true;
  if (room.confirming) return;
  room.confirming = true;
  room.confirm_at.reset();
  ++confirming_;
  Standpoint asked = room.stream.standpoint();
  Known known{.epoch = asked.epoch, .offset = asked.stored};
  room.log->confirm(room.name, std::move(known),
      from_log<RoomRow>(room,
          [this, opening = openings_, doubts = room.doubts, asked = std::move(asked)](
              Room& r, Result<RoomRow> row) mutable {
    r.confirming = false;
    if (confirming_ > 0) --confirming_;
    if (opening != openings_ || doubts != r.doubts)
      confirm(r); // the answer is from before the store was reopened, or a right was taken away
    else
      confirmed(r, std::move(asked), std::move(row));
    confirm_more();
  }));
}

void RoomHome::confirmed(Room& room, Standpoint asked, Result<RoomRow> row) {
  auto waiting = std::exchange(room.waiting, {});
  if (!row && row.error().cause != Cause::NOT_A_MEMBER) {
    room.confirm_at = loop_.now() + kConfirmAgain;
    act(room, room.stream.position_failed(why(row.error()), loop_.now()));
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  room.unconfirmed = false;
  if (!row) { // the room no longer exists
    members_confirmed(room, {});
    room.stream.follow(Epoch{room.epoch()}, 0);
    room.time = {};
    reset(room, room.epoch(), 0);
    for (auto& operation : waiting) operation(std::unexpected(row.error()));
    return;
  }
  if (room.durable) members_confirmed(room, std::move(row->members)); // other logs do not keep members
  if (room.members_unread) read_members(room);
  if (room.epoch().empty()) { // of the shared log, read for the first time
    room.stream.follow(Epoch{row->epoch}, row->offset);
    room.change = row->change;
    asked = room.stream.standpoint();
  }
  const StreamPosition position{.epoch = row->epoch, .head = row->offset, .asked = std::move(asked)};
  const bool same_epoch = room.epoch() == row->epoch;
  act(room, room.stream.position(position, loop_.now()));
  if (!same_epoch) room.change = row->change; // of another history, or of another room with this name
  if (is_shared(room) && row->change > room.change) look(room);
  if (room.epoch() == row->epoch) {
    room.doubted = row->doubted;
    if (room.offset() == row->offset && row->time != WallTime{}) room.time = row->time;
  }
  if (room.unconfirmed) { // requested again
    std::ranges::move(room.waiting, std::back_inserter(waiting));
    room.waiting = std::move(waiting);
    return;
  }
  for (auto& operation : waiting) operation(&room);
  caught_up(room);
}

// Removes users who are not members any more: another process removed them, or the history with their membership is
// gone.
void RoomHome::members_confirmed(Room& room, std::vector<UserId> members) {
  if (!has_members(room.kind, room.settings)) return;
  std::unordered_set<UserId> now{members.begin(), members.end()};
  for (const UserId& user : room.members) {
    if (now.contains(user)) continue;
    removed_from(room, user, is_shared(room) ? Where::here : Where::everywhere); // other nodes read it, too
  }
  room.members = std::move(now);
}

void RoomHome::reset(Room& room, const Epoch& epoch, Offset offset) {
  room.doubted.reset();
  broadcast(room,
      std::make_shared<const Event>(Event{.room = room.name,
          .epoch = epoch,
          .offset = offset,
          .delivery = Delivery::ephemeral,
          .body = RoomReset{std::string(std::exchange(room.destroyed, false) ? kDestroyed : kWentBack)}}));
}

} // namespace foyer::rooms
