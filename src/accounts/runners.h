// Where the service's work runs: its own state on the control plane's thread, in
// order; what hashes on the hashing queue; answers back on the control plane.
// As functions, so that a test runs everything in one thread and in its own time.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "exec/control.h"
#include "exec/work_queue.h"

namespace foyer::accounts {

struct Runners {
  std::function<void(exec::Task)> control;                  // any thread; in order
  std::function<bool(exec::Work)> hashing;                  // any thread; false: full, the work is gone
  std::function<void(Millis, std::function<void()>)> every; // repeats on the control plane until it stops
};

// Both must outlive what runs on them.
[[nodiscard]] inline Runners run_on(exec::ControlPlane& control, exec::WorkQueue& hashing) {
  return {.control = [&control](exec::Task task) { control.post(std::move(task)); },
      .hashing = [&hashing](exec::Work work) { return hashing.submit(std::move(work)); },
      .every = [&control](Millis interval, std::function<void()> task) { control.every(interval, std::move(task)); }};
}

} // namespace foyer::accounts
