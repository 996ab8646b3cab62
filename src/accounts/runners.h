// Where the service's work runs: its own state on the control plane, in order; hashing on the hashing queue;
// answers back on the control plane.
#pragma once

#include <functional>

#include "base/executor.h"
#include "exec/work_queue.h"

namespace foyer::accounts {

struct Runners {
  Executor& control;
  std::function<bool(exec::Work)> hashing; // any thread; false: full, the work is dropped
};

// Both must outlive the work.
[[nodiscard]] inline Runners run_on(Executor& control, exec::WorkQueue& hashing) {
  return {.control = control, .hashing = [&hashing](exec::Work work) { return hashing.submit(std::move(work)); }};
}

} // namespace foyer::accounts
