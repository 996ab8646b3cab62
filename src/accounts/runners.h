// Where the service's work runs: its own state on the control plane's thread, in
// order; what hashes on the hashing queue; answers back on the control plane.
// As functions, so that a test runs everything in one thread and in its own time.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "net/control.h"
#include "net/work_queue.h"

namespace foyer::accounts {

struct Runners {
  std::function<void(net::Task)> control;                   // any thread; in order
  std::function<bool(net::Work)> hashing;                   // any thread; false: full, the work is gone
  std::function<void(Millis, std::function<void()>)> every; // repeats on the control plane until it stops
};

// Both must outlive what runs on them.
[[nodiscard]] inline Runners run_on(net::ControlPlane& control, net::WorkQueue& hashing) {
  return {.control = [&control](net::Task task) { control.post(std::move(task)); },
      .hashing = [&hashing](net::Work work) { return hashing.submit(std::move(work)); },
      .every = [&control](Millis interval, std::function<void()> task) { control.every(interval, std::move(task)); }};
}

} // namespace foyer::accounts
