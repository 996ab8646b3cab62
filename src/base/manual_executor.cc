#include "base/manual_executor.h"

#include <algorithm>

namespace foyer {

TimerId ManualExecutor::after(Millis delay, Task task) {
  const TimerId id = ++last_id_;
  timers_.emplace(std::pair{clock_.mono() + std::max(delay, Millis{0}), id}, std::move(task));
  return id;
}

TimerId ManualExecutor::every(Millis interval, Task task) {
  const TimerId id = ++last_id_;
  repeated_.push_back({id, interval, clock_.mono() + interval, std::make_shared<Task>(std::move(task))});
  return id;
}

void ManualExecutor::cancel(TimerId id) {
  std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  std::erase_if(repeated_, [id](const Repeated& repeated) { return repeated.id == id; });
}

bool ManualExecutor::run_next() {
  if (posted_.empty()) return false;
  auto task = std::move(posted_.front());
  posted_.pop_front();
  task();
  return true;
}

bool ManualExecutor::run_timer() {
  if (timers_.empty() || timers_.begin()->first.first > clock_.mono()) return false;
  auto task = std::move(timers_.begin()->second);
  timers_.erase(timers_.begin());
  task();
  return true;
}

bool ManualExecutor::run_repeated() {
  const MonoTime now = clock_.mono();
  bool did = false;
  for (std::size_t i = 0; i < repeated_.size(); ++i) {
    if (repeated_[i].next > now) continue;
    repeated_[i].next = now + repeated_[i].interval;
    const auto task = repeated_[i].task;
    (*task)();
    did = true;
  }
  return did;
}

void ManualExecutor::run_posted() {
  while (run_next()) {}
}

void ManualExecutor::run_due() {
  while (run_next() || run_timer()) {}
}

void ManualExecutor::repeat_everything() {
  for (std::size_t i = 0; i < repeated_.size(); ++i) {
    const auto task = repeated_[i].task;
    (*task)();
  }
}

std::optional<MonoTime> ManualExecutor::next_timer() const {
  return timers_.empty() ? std::nullopt : std::optional{timers_.begin()->first.first};
}

void pass(ManualClock& clock, ManualExecutor& executor, Millis time) {
  const MonoTime end = clock.mono() + time;
  executor.run_due();
  for (auto next = executor.next_timer(); next && *next <= end; next = executor.next_timer()) {
    clock.advance(std::chrono::ceil<Millis>(*next - clock.mono()));
    executor.run_due();
  }
  clock.advance(std::chrono::ceil<Millis>(end - clock.mono()));
  executor.run_due();
}

} // namespace foyer
