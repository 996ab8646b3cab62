// Rate limits: an allowance, and how much of it was taken. Pure; time is passed in.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace foyer {

// A rate and a burst. Shared by everybody who has the same limit.
class Allowance {
 public:
  Allowance(std::uint64_t per_second, std::uint64_t burst) : Allowance(std::chrono::seconds{1}, per_second, burst) {}
  Allowance(std::chrono::nanoseconds period, std::uint64_t in_a_period, std::uint64_t burst)
      : period_(period),
        in_a_period_(std::max<std::uint64_t>(1, in_a_period)),
        burst_(time_of(burst)) {}

  [[nodiscard]] std::chrono::nanoseconds time_of(std::uint64_t units) const {
    return std::chrono::nanoseconds{
        static_cast<std::int64_t>(units * static_cast<std::uint64_t>(period_.count()) / in_a_period_)};
  }
  [[nodiscard]] std::chrono::nanoseconds burst() const { return burst_; } // the time it takes to pay for a full burst

 private:
  std::chrono::nanoseconds period_;
  std::uint64_t in_a_period_;
  std::chrono::nanoseconds burst_;
};

// How much of an allowance was taken, as the moment at which all of it is
// paid for; a burst is how far that may lie ahead of now. (The generic cell rate
// algorithm: a token bucket in one word, without a timer.)
//
//   100 a second, 400 at once: each takes 10 ms; the 401st within the first
//   instant would be paid for 4.01 s ahead, which is 10 ms too far.
class Meter {
 public:
  // Zero: taken. Otherwise nothing was taken, and this is how long to wait.
  [[nodiscard]] Millis take(const Allowance& allowance, MonoTime now, std::uint64_t units = 1) {
    const MonoTime before = paid_;
    charge(allowance, now, units);
    const Millis wait = overdrawn(allowance, now);
    if (wait.count() > 0) paid_ = before;
    return wait;
  }
  // Takes it without asking: it has arrived already.
  void charge(const Allowance& allowance, MonoTime now, std::uint64_t units) {
    paid_ = std::max(paid_, now) + allowance.time_of(units);
  }
  // How long until the charges are within the allowance again; zero: they are.
  [[nodiscard]] Millis overdrawn(const Allowance& allowance, MonoTime now) const {
    const auto over = paid_ - now - allowance.burst();
    return over.count() > 0 ? std::chrono::ceil<Millis>(over) : Millis{0};
  }
  // The full burst is available again.
  [[nodiscard]] bool whole(MonoTime now) const { return paid_ <= now; }
  // About when it was charged last: too late by the time that the last charge takes to be paid, but never after now.
  [[nodiscard]] MonoTime charged(MonoTime now) const { return std::min(paid_, now); }
  // Over the limit by more than another burst.
  [[nodiscard]] bool flooded(const Allowance& allowance, MonoTime now) const {
    return paid_ - now > 2 * allowance.burst();
  }

 private:
  MonoTime paid_{};
};

// A Meter that several threads share, without a lock.
class SharedMeter {
 public:
  [[nodiscard]] Millis take(const Allowance& allowance, MonoTime now, std::uint64_t units = 1) {
    const std::int64_t t = now.time_since_epoch().count();
    std::int64_t before = paid_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t after = std::max(before, t) + allowance.time_of(units).count();
      if (const auto over = std::chrono::nanoseconds{after - t} - allowance.burst(); over.count() > 0)
        return std::chrono::ceil<Millis>(over);
      if (paid_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return Millis{0};
    }
  }
  // Returns what was taken and not used.
  void give_back(const Allowance& allowance, std::uint64_t units = 1) {
    paid_.fetch_sub(allowance.time_of(units).count(), std::memory_order_relaxed);
  }
  // The full burst is available again.
  [[nodiscard]] bool whole(MonoTime now) const {
    return paid_.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
  }

 private:
  std::atomic<std::int64_t> paid_{0};
};

} // namespace foyer
