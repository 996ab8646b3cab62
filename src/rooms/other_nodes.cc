// What other nodes do to the rooms of this home. Their events arrive as hints; what the store shows is the truth.
#include <algorithm>
#include <utility>
#include <vector>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr Millis kLookAgain{500};                 // after a read that failed
constexpr Millis kPresenceOrder{60'000};          // an event is not later than that
constexpr std::size_t kMostPresenceOrder = 1'000; // users; more: those of older events are forgotten

} // namespace

// Receives the events of the home's rooms from the fan-out between nodes.
class RoomHome::FromNodes final : public engine::FanoutListener {
 public:
  FromNodes(RoomHome& home, std::shared_ptr<bool> alive) : home_(home), loop_(home.loop_), alive_(std::move(alive)) {}

  void post(PublicationPtr publication) override {
    loop_.post([home = &home_, alive = alive_, publication = std::move(publication)] {
      if (*alive) home->heard(publication->event_ptr(), false);
    });
  }
  void arrived(Publication& publication) override { home_.heard(publication.event_ptr(), true); }

 private:
  RoomHome& home_;
  io::Loop& loop_;
  std::shared_ptr<bool> alive_; // read only on the loop
};

bool RoomHome::is_shared(const Room& room) const { return outlets_.between != nullptr && room.log != &memory_; }

bool RoomHome::in_shared_log(const Room& room) const {
  return outlets_.shared_log != nullptr && room.log == outlets_.shared_log;
}

std::shared_ptr<engine::FanoutListener> RoomHome::listener_to_nodes() {
  if (!outlets_.between) return nullptr;
  return std::make_shared<FromNodes>(*this, alive_);
}

void RoomHome::follow_on_nodes(Room& room) {
  // What was published before the answer is found by its position.
  if (is_shared(room)) outlets_.between->subscribe(room.name, from_nodes_, [](const Result<bool>&) {});
}

// An event that this node has made.
void RoomHome::announce(Room& room, EventPtr event) {
  if (is_shared(room))
    outlets_.between->publish(std::make_shared<Publication>(std::move(event)), from_nodes_.get());
  else
    act(room, room.stream.arrived(std::move(event), loop_.now()));
}

void RoomHome::heard(const EventPtr& event, bool own) {
  Room* const room = find(event->room);
  if (room == nullptr || !is_shared(*room)) return;
  if (std::holds_alternative<RoomReset>(event->body)) { // deleted by another node, which has no row of it
    if (!own) destroyed_elsewhere(*room);
    return;
  }
  if (!note_presence(*room, *event, own)) return;
  if (const auto* change = std::get_if<Change>(&event->body); change != nullptr && event->epoch == room->epoch()) {
    if (change->number <= room->change) return;
    if (change->number > room->change + 1) return look(*room); // others come first
    note_change(*room, *change);
  }
  act(*room, room->stream.arrived(event, loop_.now()));
  schedule(*room);
}

bool RoomHome::note_presence(Room& room, const Event& event, bool own) {
  const auto* joined = std::get_if<MemberJoined>(&event.body);
  const auto* left = std::get_if<MemberLeft>(&event.body);
  if (const auto* changed = std::get_if<MembersChanged>(&event.body)) room.present = changed->count;
  if (joined == nullptr && left == nullptr) return true;
  const UserId& user = joined != nullptr ? joined->member.id : left->member.id;
  const MonoTime now = loop_.now();
  if (event.offset != 0) {
    Room::Ordered& last = room.presence_order[user];
    if (event.offset < last.order && now - last.at < kPresenceOrder) return false;
    last = {.order = event.offset, .at = now};
    if (room.presence_order.size() > kMostPresenceOrder)
      std::erase_if(room.presence_order, [&](const auto& entry) { return now - entry.second.at >= kPresenceOrder; });
  }
  if (own) return true; // counted by the store's answer
  if (joined != nullptr) ++room.present;
  if (left != nullptr && room.present > 0) --room.present;
  return true;
}

void RoomHome::moved(const engine::ChangedRoom& position) {
  if (const auto loading = loading_.find(position.room); loading != loading_.end()) loading->second->moved = true;
  Room* const room = find(position.room);
  if (room == nullptr || !is_shared(*room)) return;
  const bool changes = position.epoch == room->epoch() && position.change > room->change;
  act(*room, room->stream.announced(position.epoch, position.head, loop_.now()));
  if (changes) look(*room);
  schedule(*room);
}

void RoomHome::may_have_missed(const RoomName& name) {
  Room* const room = find(name);
  if (room == nullptr || !in_shared_log(*room)) return; // where others stand is read all the time (moved())
  look(*room);
  schedule(*room);
}

// Rows say what was the case once; the store says what is.
void RoomHome::taken(const engine::ControlRow& row) {
  if (row.what == engine::TakenAway::account) {
    for (auto& [name, loading] : loading_) loading->taken = true;
    std::vector<RoomName> of_user;
    for (const auto& [name, room] : rooms_)
      if (room->members.contains(row.user)) of_user.push_back(name);
    for (const RoomName& name : of_user) doubt_members(rooms_.at(name).operator*());
    return;
  }
  if (const auto loading = loading_.find(row.room); loading != loading_.end()) loading->second->taken = true;
  Room* const room = find(row.room);
  if (room == nullptr || !is_shared(*room)) return;
  if (row.what == engine::TakenAway::room) return destroyed_elsewhere(*room);
  doubt_members(*room);
}

void RoomHome::look_at_shared_log() {
  for (const auto& [name, room] : rooms_)
    if (in_shared_log(*room) && !room->audience.empty() && !room->unconfirmed) look(*room);
}

// Of a room whose log does not know them.
void RoomHome::read_members(Room& room) {
  directory_->open(
      {.room = room.name}, on_loop<RoomRow>(room, [this, doubts = room.doubts](Room& r, Result<RoomRow> row) {
    if (doubts != r.doubts) return read_members(r); // it may be from before
    const bool gone = !row && (row.error().cause == Cause::NOT_FOUND || row.error().cause == Cause::NOT_A_MEMBER);
    if (!row && !gone) {
      r.confirm_at = loop_.now() + kLookAgain; // which begins again
      return;
    }
    r.members_unread = false;
    members_confirmed(r, row ? std::move(row->members) : std::vector<UserId>{});
  }));
}

void RoomHome::doubt_members(Room& room) {
  ++room.doubts;
  room.members_unread = in_shared_log(room) && has_members(room.kind, room.settings);
  confirm(room);
}

// Perhaps long ago, and perhaps by this node: only another epoch proves it.
void RoomHome::destroyed_elsewhere(Room& room) {
  room.destroyed = true;
  if (!is_idle(room)) return doubt_members(room);
  drop(RoomName{room.name}); // confirming would create it again
}

void RoomHome::if_allowed(Room& room, const Actor& actor, Act act, Operation then) {
  auto refusal = check(room, actor, act);
  if (!refusal) return then(&room);
  const bool perhaps_new =
      is_shared(room) && has_members(room.kind, room.settings) && !actor.user.empty() && !is_member(room, actor.user);
  if (!perhaps_new) return then(std::unexpected(std::move(*refusal)));
  read_membership(room, actor.user, [this, actor, act, then = std::move(then)](Result<Room*> read) mutable {
    if (!read) return then(std::move(read));
    if (auto still = check(**read, actor, act)) return then(std::unexpected(std::move(*still)));
    then(std::move(read));
  });
}

void RoomHome::read_membership(Room& room, const UserId& user, Operation then) {
  directory_->open({.room = room.name, .by = user},
      on_loop<RoomRow>(
          room, [this, user, doubts = room.doubts, then = std::move(then)](Room& r, Result<RoomRow> row) mutable {
    if (!row && row.error().cause == Cause::NOT_FOUND) row = refuse(Cause::NOT_A_MEMBER);
    if (!row) return then(std::unexpected(std::move(row).error()));
    if (doubts != r.doubts) return read_membership(r, user, std::move(then)); // it may be from before
    if (std::ranges::find(row->members, user) != row->members.end()) r.members.insert(user);
    then(&r);
  }));
}

// Reads where the room stands, and the changes that are not shown yet. Then come those who wait for it.
void RoomHome::look(Room& room) {
  if (room.looking) {
    room.look_again = true;
    return;
  }
  room.looking = true;
  room.look_at.reset();
  auto asked = std::exchange(room.readers, {});
  HistoryRequest where{.room = room.name, .limit = 0, .changes_after = room.change, .hidden_too = true};
  room.log->history(std::move(where),
      from_log<HistoryPage>(room, [this, asked = std::move(asked)](Room& r, Result<HistoryPage> page) mutable {
    r.looking = false;
    const bool again = std::exchange(r.look_again, false) || !r.readers.empty();
    if (page)
      seen(r, *page, std::move(asked));
    else
      not_seen(r, page.error(), std::move(asked));
    if (again) look(r);
  }));
}

void RoomHome::not_seen(Room& room, const Refusal& why, std::vector<Operation> asked) {
  room.look_at = loop_.now() + kLookAgain;
  for (auto& operation : asked) operation(std::unexpected(why));
}

void RoomHome::seen(Room& room, const HistoryPage& page, std::vector<Operation> asked) {
  const Offset head = page.epoch == room.epoch() ? page.head : 0;
  act(room, room.stream.announced(page.epoch, page.head, loop_.now())); // first, so that changes concern all of it
  if (page.epoch == room.epoch()) show_changes(room, page);
  for (auto& operation : asked) room.behind.push_back({.head = head, .operation = std::move(operation)});
  caught_up(room);
}

void RoomHome::show_changes(Room& room, const HistoryPage& page) {
  if (page.change <= room.change) return;
  if (!page.changes_whole) { // more than are kept
    room.change = page.change;
    return lost(room,
        {.reason = LossReason::not_kept,
            .why = "changes of messages were deleted before they were delivered",
            .delivered = room.offset()});
  }
  for (const Change& change : page.changes) {
    if (change.number != room.change + 1) continue;
    note_change(room, change);
    act(room, room.stream.arrived(event_of(room, change), loop_.now()));
  }
}

void RoomHome::when_current(Room& room, Operation operation) {
  if (!is_shared(room)) return operation(&room);
  room.readers.push_back(std::move(operation));
  look(room);
}

// Those who waited for messages that are delivered now, or that belong to another epoch.
void RoomHome::caught_up(Room& room) {
  if (room.behind.empty()) return;
  std::vector<Operation> now;
  std::erase_if(room.behind, [&](Room::Behind& one) {
    if (room.offset() < one.head && !room.unconfirmed) return false;
    now.push_back(std::move(one.operation));
    return true;
  });
  for (auto& operation : now) {
    if (room.unconfirmed)
      room.waiting.push_back(std::move(operation));
    else
      operation(&room);
  }
}

} // namespace foyer::rooms
