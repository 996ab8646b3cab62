// Whether rows may be deleted because of their age: only while the wall clock can be trusted.
// A clock that is wrong for five seconds after a boot must not cost a month of messages.
//
// The clock is in doubt when
//  - at startup it is more than 2 days past the newest time in the store,
//    or behind it;
//  - while running it drifts from the monotonic clock (it was set, or the machine
//    was suspended);
//  - the database server has a different time.
//
// Deletion then waits until the clock has been steady for an hour (the wall clock moves as
// the monotonic one does, and agrees with the server), or until an operator confirms
// the clock. Code that only hides or refuses rows may follow the clock at once: it
// recovers when the clock is right again.
//
// Pure; the readings are passed in. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace foyer::store {

enum class ClockDoubt : std::uint8_t {
  none,
  ahead,  // more than `most_ahead` past the newest stored time
  behind, // stored times are in the future
  jumped, // it diverged from the monotonic clock
  server, // the database server's time differs
};
[[nodiscard]] std::string_view to_string(ClockDoubt doubt);

struct AgeGuardPolicy {
  Millis most_ahead = std::chrono::days{2};
  Millis step = std::chrono::seconds{30}; // from the monotonic clock, or behind: less is slewing, which tokens tolerate
  Millis apart = std::chrono::minutes{2}; // from the server's clock
  Millis steady = std::chrono::hours{1};
};

class AgeGuard {
 public:
  struct Reading {
    WallTime wall{};
    MonoTime mono{};
    std::optional<WallTime> server = {}; // of the database, if it has its own clock
  };
  explicit AgeGuard(AgeGuardPolicy policy = {}) : policy_(policy) {}

  // The first reading. `believed`: the time up to which an earlier process trusted the clock, which
  // takes precedence over `newest`, the newest row: rows may have been written while the clock was wrong.
  void begin(const Reading& now, std::optional<WallTime> believed, std::optional<WallTime> newest);
  // Before each batch of deletions. True: whether it waits, or why, has changed.
  bool observe(const Reading& now);
  // An operator confirms the clock.
  void believe(const Reading& now);

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] bool waiting() const { return doubt_ != ClockDoubt::none; }
  [[nodiscard]] ClockDoubt doubt() const { return doubt_; }
  [[nodiscard]] Millis off() const { return off_; }               // by how much, forward positive; for the last doubt
  [[nodiscard]] WallTime reference() const { return reference_; } // the time it was compared with
  [[nodiscard]] Millis left(MonoTime now) const;                  // until the clock will have been steady for an hour

 private:
  void wait(ClockDoubt why, Millis off, WallTime reference, MonoTime now);
  [[nodiscard]] bool server_differs(const Reading& now);

  AgeGuardPolicy policy_;
  bool begun_ = false;
  bool overruled_ = false; // the operator overruled the server's clock
  Reading last_{};
  ClockDoubt doubt_ = ClockDoubt::none;
  Millis off_{0};
  WallTime reference_{};
  MonoTime steady_since_{};
};

} // namespace foyer::store
