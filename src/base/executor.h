// Runs tasks later or on another thread: one at a time, in the order of posting.
//
//   executor.post([] { … });                       // from any thread
//   const auto id = executor.after(Millis{500}, [] { … });
//
// exec::ControlPlane is one on a thread of its own; ManualExecutor (manual_executor.h) is driven by its owner.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"

namespace foyer {

using Task = std::move_only_function<void()>;
using TimerId = std::uint64_t; // never 0

class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
  virtual TimerId after(Millis delay, Task task) = 0;
  // Runs `task` every `interval` until it is cancelled; the first time after one interval.
  virtual TimerId every(Millis interval, Task task) = 0;
  virtual void cancel(TimerId id) = 0; // no effect if it fired already
};

} // namespace foyer
