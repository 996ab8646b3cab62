// An executor driven by its owner, on the owner's thread and in the time of its clock: for tests in virtual time,
// and for tools that do one thing after another.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"

namespace foyer {

class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(const Clock& clock) : clock_(clock) {}
  ManualExecutor(const ManualExecutor&) = delete;
  ManualExecutor& operator=(const ManualExecutor&) = delete;

  void post(Task task) override { posted_.push_back(std::move(task)); }
  TimerId after(Millis delay, Task task) override;
  TimerId every(Millis interval, Task task) override;
  void cancel(TimerId id) override;

  // Each is false when there was nothing to run.
  bool run_next();          // the oldest posted task
  bool run_timer();         // one timer that is due
  bool run_repeated();      // every repeated task that is due, once
  void run_posted();        // until none is left
  void run_due();           // posted tasks and timers that are due, until none is left
  void repeat_everything(); // every repeated task once, due or not
  void forget_posted() { posted_.clear(); }
  void forget_repeated() { repeated_.clear(); }

  [[nodiscard]] bool idle() const { return posted_.empty(); }
  [[nodiscard]] std::optional<MonoTime> next_timer() const;
  [[nodiscard]] std::size_t timers() const { return timers_.size(); }

 private:
  struct Repeated {
    TimerId id;
    Millis interval;
    MonoTime next;
    std::shared_ptr<Task> task; // shared: it may cancel itself while it runs
  };

  const Clock& clock_;
  TimerId last_id_ = 0;
  std::deque<Task> posted_;
  std::map<std::pair<MonoTime, TimerId>, Task> timers_; // by time, then in the order of creation
  std::vector<Repeated> repeated_;
};

// Lets time pass; tasks that become due run at their time.
void pass(ManualClock& clock, ManualExecutor& executor, Millis time);

} // namespace foyer
