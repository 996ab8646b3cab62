// How long a caller that must not give up waits before its next attempt.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace foyer::auth {

class BackOff {
 public:
  explicit BackOff(Millis first = Millis{100}, Millis longest = Millis{5'000})
      : first_(first),
        longest_(longest),
        next_(first) {}
  // Doubles each time; its second half is random, so that clients of the same failed server do not return together.
  [[nodiscard]] Millis next(Entropy& entropy) {
    const Millis whole = next_;
    next_ = std::min(longest_, next_ * 2);
    return whole / 2 +
        Millis{static_cast<std::int64_t>(entropy.below(static_cast<std::uint64_t>(whole.count() / 2) + 1))};
  }
  void reset() { next_ = first_; }

 private:
  Millis first_;
  Millis longest_;
  Millis next_;
};

} // namespace foyer::auth
