// How long to wait before the next attempt: doubled from the first to the most, and of that a random part of at least
// half, so that many nodes that lost one server do not return at one moment. Pure.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace foyer::redis {

class Backoff {
 public:
  Backoff(Millis first, Millis most) : first_(first), most_(most) {}

  [[nodiscard]] Millis next(Entropy& entropy) {
    wait_ = std::min(most_, wait_ == Millis{0} ? first_ : wait_ * 2);
    const auto half = wait_.count() / 2;
    return Millis{half + static_cast<Millis::rep>(entropy.below(static_cast<std::uint64_t>(wait_.count() - half) + 1))};
  }
  void reset() { wait_ = Millis{0}; }

 private:
  Millis first_, most_, wait_{0};
};

} // namespace foyer::redis
