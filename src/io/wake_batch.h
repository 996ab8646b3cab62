// Wakes sleeping loops once for many posts of this thread.
//
//   WakeBatch batch;
//   for (auto& answer : answers) answer();   // each posts to some loop
//
// A loop that is woken by the first of many posts often runs at once, in place of the thread that posts, handles that
// one and sleeps again. At the end of the batch it finds all of them, and what other threads posted meanwhile. Loops
// that are awake are not delayed.
#pragma once

#include <utility>
#include <vector>

#include "io/poll/poller.h"

namespace foyer::io {

class WakeBatch {
 public:
  WakeBatch() : outer_(std::exchange(current, this)) {}
  ~WakeBatch() {
    current = outer_;
    for (Poller* poller : sleeping_) poller->wake();
  }
  WakeBatch(const WakeBatch&) = delete;
  WakeBatch& operator=(const WakeBatch&) = delete;

  // Now, or at the end of this thread's batch, until which the poller must live.
  static void wake(Poller& poller) {
    if (current == nullptr) return poller.wake();
    current->sleeping_.push_back(&poller);
  }

 private:
  static inline thread_local WakeBatch* current = nullptr;

  WakeBatch* const outer_;
  std::vector<Poller*> sleeping_;
};

} // namespace foyer::io
