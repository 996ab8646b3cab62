// How much one connection may say: allowances for commands and for bytes, and a
// window for bad messages. Pure; time is handed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace foyer::protocol {

// So many in the long run, and so many at once. One for all connections.
class Allowance {
 public:
  Allowance(std::uint64_t per_second, std::uint64_t burst) : per_second_(std::max<std::uint64_t>(1, per_second)), burst_(time_of(burst)) {}

  [[nodiscard]] std::chrono::nanoseconds time_of(std::uint64_t units) const { return std::chrono::nanoseconds{static_cast<std::int64_t>(units * 1'000'000'000ULL / per_second_)}; }
  [[nodiscard]] std::chrono::nanoseconds burst() const { return burst_; } // the time of as many as may come at once

 private:
  std::uint64_t per_second_;
  std::chrono::nanoseconds burst_;
};

// Whoever sends too fast is refused, and stays; refused so many bursts on end it is
// no misfortune, but a flood.
inline constexpr std::uint64_t kRefusalsToBurst = 25;

// What a connection took of an allowance, as the one moment at which all of it will
// be paid for; a burst is how far that may lie ahead of now. (The generic cell rate
// algorithm: a token bucket in one word, without a timer.)
//
//   100 a second, 400 at once: each takes 10 ms; the 401st within the first
//   instant would be paid for 4.01 s ahead, which is 10 ms too far.
class Meter {
 public:
  // Zero: taken. Else nothing is, and this is how long to wait.
  [[nodiscard]] Millis take(const Allowance& allowance, MonoTime now, std::uint64_t units = 1) {
    const MonoTime before = paid_;
    charge(allowance, now, units);
    const Millis wait = overdrawn(allowance, now);
    if (wait.count() > 0) paid_ = before;
    return wait;
  }
  // Takes what has come already.
  void charge(const Allowance& allowance, MonoTime now, std::uint64_t units) { paid_ = std::max(paid_, now) + allowance.time_of(units); }
  // How long until what was charged is within the allowance again; zero: it is.
  [[nodiscard]] Millis overdrawn(const Allowance& allowance, MonoTime now) const {
    const auto over = paid_ - now - allowance.burst();
    return over.count() > 0 ? std::chrono::ceil<Millis>(over) : Millis{0};
  }
  // By more than another burst: no misfortune, a flood.
  [[nodiscard]] bool flooded(const Allowance& allowance, MonoTime now) const { return paid_ - now > 2 * allowance.burst(); }

 private:
  MonoTime paid_{};
};

// Bad messages within 10 s: one more than the limit ends a connection (TOO_MANY_BAD_MESSAGES).
class BadMessageWindow {
 public:
  static constexpr std::chrono::seconds kWindow{10};

  [[nodiscard]] bool one_more_is_too_many(MonoTime now, std::uint32_t limit) {
    if (count_ == 0 || now - start_ >= kWindow) start_ = now, count_ = 0;
    return ++count_ > limit;
  }

 private:
  MonoTime start_{};
  std::uint32_t count_ = 0;
};

} // namespace foyer::protocol
