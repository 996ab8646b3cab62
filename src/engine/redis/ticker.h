// Runs a task on an executor every so often, until this is destroyed. That may be on any thread, which waits for a run
// in progress; not by the task itself.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/executor.h"

namespace foyer::engine {

class Ticker {
 public:
  // The executor outlives this.
  Ticker(Executor& executor, Millis interval, std::function<void()> task) : executor_(executor) {
    id_ = executor_.every(interval, [state = state_, task = std::move(task)] {
      const std::lock_guard held(state->running);
      if (!state->ended) task();
    });
  }
  ~Ticker() {
    executor_.cancel(id_);
    const std::lock_guard held(state_->running);
    state_->ended = true;
  }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  struct State {
    std::mutex running;
    bool ended = false;
  };
  Executor& executor_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  TimerId id_ = 0;
};

} // namespace foyer::engine
