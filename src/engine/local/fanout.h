// Fan-out within one process. Nothing is lost: a publication is a pointer, posted to each listener's thread. The
// publications of a thread and its own posts to a listener's thread arrive there in the order of the calls.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/fanout.h"

namespace foyer::engine {

class LocalFanout final : public Fanout {
 public:
  void publish(rooms::PublicationPtr publication, const FanoutListener* here = nullptr) override;
  // Answers before it returns.
  void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) override;
  void unsubscribe(const RoomName& room, const FanoutListener& listener) override;
  [[nodiscard]] bool may_lose() const override { return false; }

  [[nodiscard]] std::size_t rooms() const;                // with listeners
  [[nodiscard]] bool listens(const RoomName& room) const; // somebody does, as far as is known without a publication

 private:
  using Listeners = std::vector<std::weak_ptr<FanoutListener>>;
  // Some of the rooms, by the hash that gives a room its home: homes on 2, 4, 8, … loops never contend. The
  // lock is not held while a listener is called, which may call back; a list is replaced and never changed, so that a
  // publisher reads it without the lock and without a copy.
  struct Part {
    mutable std::mutex mutex;
    std::unordered_map<RoomName, std::shared_ptr<const Listeners>> rooms;
    // Under the lock: without `listener`, and without destroyed ones.
    void remove(const RoomName& room, const FanoutListener* listener);
  };
  static constexpr std::size_t kParts = 64;
  [[nodiscard]] Part& part_of(const RoomName& room);
  [[nodiscard]] const Part& part_of(const RoomName& room) const;

  std::array<Part, kParts> parts_;
};

} // namespace foyer::engine
