// How long a consumer of tasks waits for more of them before it takes a batch.
//
// Clients whose requests were answered by one commit send their next ones soon after it. The first of those to arrive
// would get a commit of its own, and all others the next one, so that every second commit serves one request. So after
// a batch of several tasks the consumer waits until as many are queued again: as long as more keep coming, and at most
// half of the time that a batch takes. A task that comes alone is delayed by an eighth of that, and only once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace foyer::store {

class Gathering {
 public:
  using Time = std::chrono::nanoseconds;

  struct Wait {
    std::size_t tasks = 1; // take them as soon as this many are queued,
    Time quiet{0};         // or after this long without another one,
    Time limit{0};         // or after this long
  };

  // A batch of so many tasks has taken so long.
  void consumed(std::size_t tasks, Time took) {
    if (tasks == 0) return; // upkeep
    tasks_ = tasks;
    took_ = took;
  }
  [[nodiscard]] Wait wait() const {
    if (tasks_ < 2 || took_ < kWorthIt) return {};
    const Time limit = std::min(took_ / 2, kMost);
    return {.tasks = tasks_, .quiet = limit / 4, .limit = limit};
  }

 private:
  static constexpr Time kWorthIt = std::chrono::microseconds{400}; // below, sleeping costs as much as a batch
  static constexpr Time kMost = std::chrono::milliseconds{2};

  std::size_t tasks_ = 0;
  Time took_{0};
};

} // namespace foyer::store
