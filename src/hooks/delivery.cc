#include "hooks/delivery.h"

#include <algorithm>
#include <utility>

namespace foyer::hooks {

using engine::HookEvent;

void Delivery::read(const Page& page, std::vector<HookEvent> events) {
  reading_ = false;
  const bool whole = events.size() < page.limit;
  if (page.room) {
    Room& room = rooms_[*page.room];
    // What is behind read_to_ comes with the pages of all rooms.
    const auto end = std::ranges::find_if(events, [this](const HookEvent& e) { return e.number > read_to_; });
    room.more = !whole && end == events.end();
    events.erase(end, events.end());
    for (HookEvent& event : events) take(std::move(event), true);
    if (events.empty() && !room.more) rooms_.erase(*page.room);
    return;
  }
  for (HookEvent& event : events) take(std::move(event), false);
  behind_ = behind_ || !whole;
}

void Delivery::read_failed(const Page& page) {
  reading_ = false;
  if (page.room)
    unread_.push_back(*page.room);
  else
    behind_ = true;
}

void Delivery::take(HookEvent event, bool of_its_room) {
  if (!of_its_room) read_to_ = event.number;
  const std::string name = event.room;
  Room& room = rooms_[name];
  if (!of_its_room) {
    if (room.more) return;
    if (room.failures > 0 || room.events.size() >= policy_.of_a_room) {
      room.more = true;
      return;
    }
  }
  room.last = event.number;
  room.events.push_back(std::move(event));
  ++in_memory_;
  if (room.events.size() == 1) due(name, room);
}

void Delivery::due(const std::string& name, const Room& room) {
  if (!room.events.empty() && !room.sending) due_.push_back(name);
}

// The room goes on with its next event, or is forgotten.
void Delivery::drop_first(const std::string& name, Room& room) {
  room.events.pop_front();
  --in_memory_;
  room.tries = 0;
  if (!room.events.empty()) return;
  if (room.more)
    unread_.push_back(name);
  else
    rooms_.erase(name);
}

void Delivery::bury_first(const std::string& name, Room& room, std::string why) {
  done_.bury.push_back({.number = room.events.front().number, .tries = room.tries, .why = std::move(why)});
  drop_first(name, room);
}

Millis Delivery::pause(const Room& room, const Outcome& outcome) {
  Millis whole = policy_.first_pause;
  for (std::uint32_t i = 1; i < room.failures && whole < policy_.longest_pause; ++i) whole *= 2;
  whole = std::min(whole, policy_.longest_pause);
  // The second half is random, so that rooms do not return together.
  const auto half = static_cast<std::uint64_t>(whole.count() / 2);
  const Millis own = whole / 2 + Millis{static_cast<std::int64_t>(entropy_.below(half + 1))};
  return std::max(own, std::min(outcome.retry_after.value_or(Millis{0}), policy_.longest_pause));
}

void Delivery::answered(std::uint64_t number, const Outcome& outcome, MonoTime now, WallTime wall) {
  const auto sending = in_flight_.find(number);
  if (sending == in_flight_.end()) return;
  const std::string name = std::move(sending->second);
  in_flight_.erase(sending);
  Room& room = rooms_.at(name);
  room.sending = false;
  ++room.tries;
  if (outcome.kind == Outcome::Kind::sent) {
    room.failures = 0;
    done_.sent.push_back(number);
    drop_first(name, room);
    if (const auto left = rooms_.find(name); left != rooms_.end()) due(name, left->second);
    return;
  }
  std::string why = std::string(code_of(outcome.cause)) + ": " + outcome.evidence;
  if (outcome.kind == Outcome::Kind::gone) {
    ended_ = true;
    done_.disable = std::move(why);
    return;
  }
  if (outcome.kind == Outcome::Kind::refused && room.tries >= policy_.tries_refused) {
    room.failures = 0; // the receiver works, and does not want this one
    bury_first(name, room, std::move(why));
    if (const auto left = rooms_.find(name); left != rooms_.end()) due(name, left->second);
    return;
  }
  ++room.failures;
  const Millis wait = pause(room, outcome);
  room.why = why;
  if (wall - room.events.front().queued >= policy_.give_up) {
    bury_first(name, room, std::move(why));
    const auto left = rooms_.find(name);
    if (left == rooms_.end() || left->second.events.empty()) return;
  }
  later_.emplace(now + wait, name);
}

void Delivery::start_due(MonoTime now, WallTime wall, Todo& todo) {
  while (!later_.empty() && later_.begin()->first <= now) {
    due_.push_back(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  while (!due_.empty() && in_flight_.size() < policy_.concurrency) {
    const std::string name = std::move(due_.front());
    due_.pop_front();
    const auto found = rooms_.find(name);
    if (found == rooms_.end() || found->second.events.empty() || found->second.sending) continue;
    Room& room = found->second;
    // Too old, behind one that failed for as long: given up with it.
    if (room.failures > 0 && room.tries == 0 && wall - room.events.front().queued >= policy_.give_up) {
      bury_first(name, room, std::string(room.why));
      due_.push_front(name);
      continue;
    }
    room.sending = true;
    in_flight_.emplace(room.events.front().number, name);
    todo.send.push_back(room.events.front());
  }
}

std::optional<Delivery::Page> Delivery::page() {
  if (reading_) return std::nullopt;
  while (!unread_.empty()) {
    const std::string name = std::move(unread_.front());
    unread_.pop_front();
    const auto found = rooms_.find(name);
    if (found == rooms_.end() || !found->second.events.empty() || !found->second.more) continue;
    reading_ = true;
    return Page{.room = name, .after = found->second.last, .limit = policy_.of_a_room};
  }
  if (!behind_ || in_memory_ >= policy_.in_memory) return std::nullopt;
  reading_ = true;
  behind_ = false;
  return Page{.room = std::nullopt, .after = read_to_, .limit = policy_.page};
}

Delivery::Todo Delivery::next(MonoTime now, WallTime wall) {
  Todo todo;
  if (!ended_) start_due(now, wall, todo);
  todo.sent = std::exchange(done_.sent, {});
  todo.bury = std::exchange(done_.bury, {});
  todo.disable = std::exchange(done_.disable, std::nullopt);
  if (!ended_) todo.read = page();
  return todo;
}

std::optional<MonoTime> Delivery::wakes() const {
  if (ended_ || later_.empty() || in_flight_.size() >= policy_.concurrency) return std::nullopt;
  return later_.begin()->first;
}

std::optional<WallTime> Delivery::oldest() const {
  std::optional<WallTime> out;
  for (const auto& [name, room] : rooms_)
    if (!room.events.empty()) out = std::min(out.value_or(room.events.front().queued), room.events.front().queued);
  return out;
}

} // namespace foyer::hooks
