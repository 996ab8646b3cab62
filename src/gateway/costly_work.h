// Work of a loop that takes long: signatures to check. A check takes from half a
// microsecond (HS256) to more than a tenth of a millisecond (Ed25519), and in a storm
// of connects there are thousands. A turn begins none after it has spent kPerTurn on
// them; what is left waits in order and goes on after the turn, when what others are
// sent has left. So nobody's message waits for more than about one of them.
#pragma once

#include <deque>
#include <functional>

#include "base/clock.h"
#include "base/metrics.h"
#include "loop/transport.h"

namespace foyer::gateway {

class CostlyWork {
 public:
  static constexpr std::chrono::microseconds kPerTurn{100};

  // `postponed` counts what had to wait.
  CostlyWork(loop::Loop& loop, const Clock& clock, Counter& postponed) : loop_(loop), clock_(clock), postponed_(postponed) {}

  // This turn has time left, and nobody who came before waits.
  [[nodiscard]] bool has_time() const { return waiting_.empty() && spent() < kPerTurn; }
  // Does it now, on this turn's time.
  template <class Work>
  auto now(Work&& work) {
    const auto begun = clock_.mono();
    auto result = std::forward<Work>(work)();
    spend(clock_.mono() - begun);
    return result;
  }
  // Does it when a turn has time. How much may wait is the caller's to limit.
  void later(std::move_only_function<void()> work);

 private:
  [[nodiscard]] std::chrono::nanoseconds spent() const { return turn_ == loop_.now() ? spent_ : std::chrono::nanoseconds{0}; }
  void spend(std::chrono::nanoseconds time);
  void go_on();

  loop::Loop& loop_;
  const Clock& clock_;
  Counter& postponed_;
  std::deque<std::move_only_function<void()>> waiting_;
  MonoTime turn_{}; // whose time spent_ is
  std::chrono::nanoseconds spent_{0};
};

} // namespace foyer::gateway
