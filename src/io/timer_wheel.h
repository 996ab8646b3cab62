// Many coarse timers at almost no cost: arming and disarming are a list insertion
// and a list removal, nothing is allocated, and an idle timer costs nothing.
//
// Four wheels of 64 slots. A slot of the first is one tick of 50 ms, a slot of the
// next is 64 slots of the one before. A timer lies in the slot of the coarsest
// wheel that distinguishes its time from now and moves down when that slot comes up, so it
// is touched at most four times. A timer longer than nine days fires after nine days.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "io/transport.h"

namespace foyer::io {

// One thread. Time never comes from the system: it is the value last passed to advance().
class TimerWheel {
 public:
  static constexpr Millis kTick{50};

  explicit TimerWheel(MonoTime start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel(); // disarms all

  // Fires at the first advance() to at or after now + `after`, rounded up to a
  // tick; never before the next tick, so a timer that re-arms itself with zero
  // does not hold the turn. Re-arms if armed, also from another wheel.
  void arm(Timer& timer, Millis after);
  void disarm(Timer& timer);
  // Fires what is due, in order of ticks, but no more than `at_most`: the next call
  // continues. Returns how many fired. on_timer may arm, disarm and
  // destroy any timer.
  std::size_t advance(MonoTime now, std::size_t at_most = static_cast<std::size_t>(-1));
  // arm() counts from `now`; fires nothing.
  void set_now(MonoTime now) { now_ = std::max(now_, now); }
  [[nodiscard]] MonoTime now() const { return now_; }
  [[nodiscard]] std::size_t armed() const { return armed_; }
  // How long nothing can be due. May be shorter than the time to the next timer,
  // never longer; nullopt when none is armed.
  [[nodiscard]] std::optional<Millis> quiet_for() const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kLevels = 4;
  struct Head final : Timer {
    void on_timer() override {}
  };

  void place(Timer& timer);
  std::size_t fire(std::size_t at_most); // of due_
  void next_tick();                      // its timers become due_
  void cascade(unsigned level);
  static void splice(Head& from, Head& to);
  static void link(Head& head, Timer& timer);
  static void unlink(Timer& timer);
  static void make_empty(Head& head);
  static void let_go(Head& head);

  std::array<std::array<Head, kSlots>, kLevels> slots_;
  Head due_;                                      // of tick_, not yet fired
  std::array<std::uint64_t, kLevels> occupied_{}; // a bit may stay set after the slot was emptied
  MonoTime start_;
  MonoTime now_;
  std::uint64_t tick_ = 0; // the last that was run
  std::size_t armed_ = 0;
};

} // namespace foyer::io
