// How much one connection may say: a token bucket for messages, and a window for
// bad ones. Pure; time is handed in.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace foyer::protocol {

// Fills with `per_second` up to `burst`; each message takes one.
class MessageBudget {
 public:
  MessageBudget(std::uint32_t per_second, std::uint32_t burst) : per_second_(per_second), milli_(burst * 1000ULL), burst_milli_(burst * 1000ULL) {}

  // Zero: taken. Else how long to wait for the next one.
  [[nodiscard]] Millis take(MonoTime now) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_).count();
    if (elapsed > 0) {
      milli_ = static_cast<std::uint64_t>(elapsed) > burst_milli_ ? burst_milli_ : std::min<std::uint64_t>(burst_milli_, milli_ + static_cast<std::uint64_t>(elapsed) * per_second_);
      last_ = now;
    }
    if (milli_ >= 1000) {
      milli_ -= 1000;
      return Millis{0};
    }
    return Millis{1 + static_cast<std::int64_t>((1000 - milli_) / std::max(1U, per_second_))};
  }

 private:
  std::uint32_t per_second_;
  std::uint64_t milli_;       // thousandths of a message
  std::uint64_t burst_milli_;
  MonoTime last_{};
};

// More than 10 bad messages in 10 s end a connection (TOO_MANY_BAD_MESSAGES).
class BadMessageWindow {
 public:
  static constexpr std::uint16_t kLimit = 10;
  static constexpr std::chrono::seconds kWindow{10};

  [[nodiscard]] bool one_more_is_too_many(MonoTime now) {
    if (count_ == 0 || now - start_ >= kWindow) start_ = now, count_ = 0;
    return ++count_ > kLimit;
  }

 private:
  MonoTime start_{};
  std::uint16_t count_ = 0;
};

} // namespace foyer::protocol
