// Fan-out within one process. Nothing is lost: an event is a pointer, posted to each listener's thread.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/fanout.h"

namespace foyer::engine {

class LocalFanout final : public Fanout {
 public:
  void publish(const RoomName& room, rooms::EventPtr event) override;
  // Answers before it returns.
  void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) override;
  void unsubscribe(const RoomName& room, const FanoutListener& listener) override;
  [[nodiscard]] bool may_lose() const override { return false; }

  [[nodiscard]] std::size_t rooms() const; // that somebody listens to

 private:
  using Listeners = std::vector<std::weak_ptr<FanoutListener>>;
  // The lock is not held while anything is posted: a listener may be called at once, and call back.
  mutable std::mutex mutex_;
  std::unordered_map<RoomName, Listeners> rooms_;
};

} // namespace foyer::engine
