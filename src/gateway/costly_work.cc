#include "gateway/costly_work.h"

namespace foyer::gateway {

void CostlyWork::spend(std::chrono::nanoseconds time) {
  spent_ = spent() + time;
  turn_ = loop_.now();
}

void CostlyWork::later(std::move_only_function<void()> work) {
  postponed_.add();
  waiting_.push_back(std::move(work));
  if (waiting_.size() == 1) loop_.after_turn([this] { go_on(); });
}

void CostlyWork::go_on() {
  while (!waiting_.empty() && spent() < kPerTurn) {
    // It stays in the queue meanwhile: what it brings about has to wait behind the others.
    const auto begun = clock_.mono();
    waiting_.front()();
    waiting_.pop_front();
    spend(clock_.mono() - begun);
  }
  if (!waiting_.empty()) loop_.after_turn([this] { go_on(); });
}

} // namespace foyer::gateway
