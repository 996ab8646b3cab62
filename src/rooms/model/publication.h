// An event on its way to the listeners of one process, with its encoded forms, which they share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "rooms/model/event.h"

namespace foyer::rooms {

class Publication {
 public:
  static constexpr std::size_t kEncodings = 6; // each encoder defines which numbers it uses

  explicit Publication(EventPtr event) : event_(std::move(event)) {}
  [[nodiscard]] const Event& event() const { return *event_; }
  [[nodiscard]] const EventPtr& event_ptr() const { return event_; }
  // The result of `encode`, which runs once, for the first caller; others wait for it. Any thread.
  template <class Encode>
  [[nodiscard]] const SharedBytes& encoding(std::size_t which, Encode encode) {
    Slot& slot = slots_[which];
    if (!slot.done.load(std::memory_order_acquire)) { // not call_once, which costs a system call in glibc
      const std::lock_guard held(mutex_);
      if (!slot.done.load(std::memory_order_relaxed)) {
        slot.bytes = encode();
        slot.done.store(true, std::memory_order_release);
      }
    }
    return slot.bytes;
  }

 private:
  struct Slot {
    std::atomic<bool> done{false};
    SharedBytes bytes;
  };
  EventPtr event_;
  std::mutex mutex_; // of slots that are not done
  std::array<Slot, kEncodings> slots_;
};
using PublicationPtr = std::shared_ptr<Publication>;

} // namespace foyer::rooms
