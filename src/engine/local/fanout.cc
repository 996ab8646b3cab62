#include "engine/local/fanout.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {
namespace {

bool is(const std::weak_ptr<FanoutListener>& known, const FanoutListener* listener) {
  return known.lock().get() == listener;
}

} // namespace

void LocalFanout::publish(const RoomName& room, rooms::EventPtr event) {
  std::vector<std::shared_ptr<FanoutListener>> listeners;
  {
    const std::lock_guard held(mutex_);
    const auto found = rooms_.find(room);
    if (found == rooms_.end()) return;
    std::erase_if(found->second, [&](const std::weak_ptr<FanoutListener>& known) {
      auto listener = known.lock();
      if (!listener) return true;
      listeners.push_back(std::move(listener));
      return false;
    });
    if (found->second.empty()) rooms_.erase(found);
  }
  for (const auto& listener : listeners)
    listener->post([known = std::weak_ptr(listener), room, event] {
      if (const auto there = known.lock()) there->arrived(room, event);
    });
}

void LocalFanout::subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) {
  const bool added = [&] {
    const std::lock_guard held(mutex_);
    Listeners& listeners = rooms_[room];
    if (std::ranges::any_of(listeners, [&](const auto& known) { return is(known, listener.get()); })) return false;
    listeners.push_back(listener);
    return true;
  }();
  done(added);
}

void LocalFanout::unsubscribe(const RoomName& room, const FanoutListener& listener) {
  const std::lock_guard held(mutex_);
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return;
  std::erase_if(found->second, [&](const auto& known) { return known.expired() || is(known, &listener); });
  if (found->second.empty()) rooms_.erase(found);
}

std::size_t LocalFanout::rooms() const {
  const std::lock_guard held(mutex_);
  return rooms_.size();
}

} // namespace foyer::engine
