#include "engine/local/fanout.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {
namespace {

bool is(const std::weak_ptr<FanoutListener>& known, const FanoutListener* listener) {
  return known.lock().get() == listener;
}

} // namespace

LocalFanout::Part& LocalFanout::part_of(const RoomName& room) { return parts_[std::hash<RoomName>{}(room) % kParts]; }

const LocalFanout::Part& LocalFanout::part_of(const RoomName& room) const {
  return parts_[std::hash<RoomName>{}(room) % kParts];
}

void LocalFanout::publish(rooms::PublicationPtr publication, const FanoutListener* here) {
  const RoomName& room = publication->event().room;
  Part& part = part_of(room);
  std::shared_ptr<const Listeners> listeners;
  {
    const std::lock_guard held(part.mutex);
    const auto found = part.rooms.find(room);
    if (found == part.rooms.end()) return;
    listeners = found->second;
  }
  std::shared_ptr<FanoutListener> listener_here;
  bool gone = false;
  for (const auto& known : *listeners) {
    auto listener = known.lock();
    if (!listener)
      gone = true;
    else if (listener.get() == here)
      listener_here = std::move(listener);
    else
      listener->post(publication);
  }
  if (gone) {
    const std::lock_guard held(part.mutex);
    part.remove(room, nullptr);
  }
  if (listener_here) listener_here->arrived(*publication);
}

void LocalFanout::subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) {
  const bool added = [&] {
    Part& part = part_of(room);
    const std::lock_guard held(part.mutex);
    std::shared_ptr<const Listeners>& listeners = part.rooms[room];
    if (listeners && std::ranges::any_of(*listeners, [&](const auto& known) { return is(known, listener.get()); }))
      return false;
    auto more = listeners ? std::make_shared<Listeners>(*listeners) : std::make_shared<Listeners>();
    more->push_back(listener);
    listeners = std::move(more);
    return true;
  }();
  done(added);
}

void LocalFanout::unsubscribe(const RoomName& room, const FanoutListener& listener) {
  Part& part = part_of(room);
  const std::lock_guard held(part.mutex);
  part.remove(room, &listener);
}

void LocalFanout::Part::remove(const RoomName& room, const FanoutListener* listener) {
  const auto found = rooms.find(room);
  if (found == rooms.end()) return;
  auto fewer = std::make_shared<Listeners>();
  for (const auto& known : *found->second)
    if (!known.expired() && !is(known, listener)) fewer->push_back(known);
  if (fewer->empty())
    rooms.erase(found);
  else
    found->second = std::move(fewer);
}

std::size_t LocalFanout::rooms() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) {
    const std::lock_guard held(part.mutex);
    sum += part.rooms.size();
  }
  return sum;
}

bool LocalFanout::listens(const RoomName& room) const {
  const Part& part = part_of(room);
  const std::lock_guard held(part.mutex);
  return part.rooms.contains(room);
}

} // namespace foyer::engine
