#include "engine/local/control_bus.h"

namespace foyer::engine {

bool LocalControlBus::send(ControlMessage message, Route route) {
  if (route.to && *route.to != node_) return false;
  std::vector<std::shared_ptr<ControlListener>> listeners;
  {
    const std::lock_guard held(mutex_);
    std::erase_if(listeners_, [&](const std::weak_ptr<ControlListener>& known) {
      auto listener = known.lock();
      if (!listener) return true;
      listeners.push_back(std::move(listener));
      return false;
    });
  }
  const auto shared = std::make_shared<const ControlMessage>(std::move(message));
  ControlListener* here = nullptr;
  for (const auto& listener : listeners) {
    if (listener.get() == route.here)
      here = listener.get();
    else
      listener->post(shared);
  }
  if (here != nullptr) here->received(*shared);
  return true;
}

void LocalControlBus::listen(std::shared_ptr<ControlListener> listener) {
  const std::lock_guard held(mutex_);
  listeners_.push_back(std::move(listener));
}

} // namespace foyer::engine
