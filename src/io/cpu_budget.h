// Work of a loop that takes long: signatures to check and to make. Checking one takes
// from half a microsecond (HS256) to more than a tenth of a millisecond (Ed25519), a
// handshake of TLS up to one, and in a storm of connects there are thousands. A turn
// begins none after it has spent kPerTurn on them; what is left waits in order and goes
// on after the turn, when what others are sent has left. So nobody's message waits for
// more than about one of them. Where turns are long anyhow, a quarter of each is theirs,
// so that those who come get in under any load.
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

  // `postponed` counts what had to wait.
  CpuBudget(Loop& loop, const Clock& clock, LoopCounter& postponed)
      : loop_(loop),
        clock_(clock),
        postponed_(postponed) {}

  // This turn has time left, and nobody who came before waits.
  [[nodiscard]] bool has_time() const { return waiting_.empty() && time_left(); }
  // Does it now, on this turn's time. It may itself do some of it.
  template <class Work>
  decltype(auto) now(Work&& work) {
    const Spending spending(*this);
    return std::forward<Work>(work)();
  }
  // Does it when a turn has time. How much may wait is the caller's to limit.
  void later(std::move_only_function<void()> work);
  void forget(); // what waits: the loop comes to its end

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
  MonoTime turn_{}; // whose time spent_ is
  std::chrono::nanoseconds spent_{0};
};

} // namespace foyer::io
