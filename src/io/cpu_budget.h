// Schedules expensive work of a loop: verifying and making signatures. Verifying one takes
// from half a microsecond (HS256) to more than a tenth of a millisecond (Ed25519), a
// TLS handshake up to one, and a storm of connects brings thousands. A turn
// starts no further work after it has spent kPerTurn; the rest waits in order and goes
// on after the turn, when the turn's messages have been sent. So a message waits for
// little more than one such piece of work. If turns are long anyway, a quarter of each is
// available, so that new clients get in under any load.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "io/stats.h"
#include "io/transport.h"

namespace foyer::io {

class CpuBudget {
 public:
  static constexpr std::chrono::microseconds kPerTurn{100};

  // `postponed` counts work that had to wait.
  CpuBudget(Loop& loop, const Clock& clock, LoopCounter& postponed)
      : loop_(loop),
        clock_(clock),
        postponed_(postponed) {}

  // This turn has time left, and no earlier work waits.
  [[nodiscard]] bool has_time() const { return waiting_.empty() && time_left(); }
  // Runs the work now, on this turn's time. The work may run other work.
  template <class Work>
  decltype(auto) now(Work&& work) {
    const Spending spending(*this);
    return std::forward<Work>(work)();
  }
  // Runs the work when a turn has time. The caller limits how much may wait.
  void later(std::move_only_function<void()> work);
  void forget(); // drops all waiting work: the loop ends

 private:
  struct Spending {
    explicit Spending(CpuBudget& w) : work(w), begun(w.clock_.mono()), before(w.spent()) {}
    Spending(const Spending&) = delete;
    Spending& operator=(const Spending&) = delete;
    ~Spending() {
      work.spent_ = before + (work.clock_.mono() - begun);
      work.turn_ = work.loop_.now();
    }
    CpuBudget& work;
    const MonoTime begun;
    const std::chrono::nanoseconds before;
  };
  [[nodiscard]] std::chrono::nanoseconds spent() const {
    return turn_ == loop_.now() ? spent_ : std::chrono::nanoseconds{0};
  }
  [[nodiscard]] bool time_left() const {
    return spent() < std::max<std::chrono::nanoseconds>(kPerTurn, (clock_.mono() - loop_.now()) / 4);
  }
  void go_on();

  Loop& loop_;
  const Clock& clock_;
  LoopCounter& postponed_;
  std::deque<std::move_only_function<void()>> waiting_;
  MonoTime turn_{}; // the turn that spent_ counts
  std::chrono::nanoseconds spent_{0};
};

} // namespace foyer::io
