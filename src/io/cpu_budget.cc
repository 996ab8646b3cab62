#include "io/cpu_budget.h"

namespace foyer::io {

void CpuBudget::later(std::move_only_function<void()> work) {
  postponed_.add();
  waiting_.push_back(std::move(work));
  if (waiting_.size() == 1) loop_.after_turn([this] { go_on(); });
}

void CpuBudget::go_on() {
  while (!waiting_.empty() && time_left()) {
    // It stays in the queue meanwhile: work that it causes must wait behind the others.
    now(waiting_.front());
    waiting_.pop_front();
  }
  if (!waiting_.empty()) loop_.after_turn([this] { go_on(); });
}

void CpuBudget::forget() { waiting_.clear(); }

} // namespace foyer::io
