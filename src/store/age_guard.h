// May rows be deleted because of their age? Only while the wall clock can be trusted.
// A clock that is wrong for five seconds after a boot must not cost a month of messages.
//
// The clock is in doubt when
//  - at startup it is more than 2 days past the newest time in the store,
//    or behind it;
//  - while running it drifts from the monotonic clock (it was set, or the machine
//    was suspended);
//  - the database server has a different time.
//
// Deletion then waits until an hour of steady clock has passed (the wall clock moves as
// the monotonic one does, and agrees with the server), or until an operator says that
// the clock is right. What only hides or refuses rows may follow the clock at once: it
// is undone when the clock is right again.
//
// Pure; takes the readings. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace foyer::store {

enum class ClockDoubt : std::uint8_t {
  none,
  ahead,  // more than `most_ahead` past the newest stored time
  behind, // stored times lie in the future
  jumped, // it moved apart from the monotonic clock
  server, // the database's server says another time
};
[[nodiscard]] std::string_view to_string(ClockDoubt doubt);

struct AgeGuardPolicy {
  Millis most_ahead = std::chrono::days{2};
  Millis step =
      std::chrono::seconds{30}; // apart from the monotonic clock, or behind: less is slewing, and what tokens tolerate
  Millis apart = std::chrono::minutes{2}; // from the server's clock
  Millis steady = std::chrono::hours{1};
};

class AgeGuard {
 public:
  struct Reading {
    WallTime wall{};
    MonoTime mono{};
    std::optional<WallTime> server = {}; // of the database, if it has a clock of its own
  };
  explicit AgeGuard(AgeGuardPolicy policy = {}) : policy_(policy) {}

  // The first reading. `believed`: the time up to which an earlier process believed the clock, which
  // counts before `newest`, the newest row: rows may have been written while the clock was wrong.
  void begin(const Reading& now, std::optional<WallTime> believed, std::optional<WallTime> newest);
  // Before each piece of deletion. True: it changed whether it waits, or why.
  bool observe(const Reading& now);
  // An operator says that the clock is right.
  void believe(const Reading& now);

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] bool waiting() const { return doubt_ != ClockDoubt::none; }
  [[nodiscard]] ClockDoubt doubt() const { return doubt_; }
  [[nodiscard]] Millis off() const { return off_; }               // by how much, forward positive; of the last doubt
  [[nodiscard]] WallTime reference() const { return reference_; } // what it was compared with
  [[nodiscard]] Millis left(MonoTime now) const;                  // until an hour will have been steady

 private:
  void wait(ClockDoubt why, Millis off, WallTime reference, MonoTime now);
  [[nodiscard]] bool server_differs(const Reading& now);

  AgeGuardPolicy policy_;
  bool begun_ = false;
  bool overruled_ = false; // the server's clock, by the operator
  Reading last_{};
  ClockDoubt doubt_ = ClockDoubt::none;
  Millis off_{0};
  WallTime reference_{};
  MonoTime steady_since_{};
};

} // namespace foyer::store
