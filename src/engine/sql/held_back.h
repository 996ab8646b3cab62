// Notices a transaction that stays open on the server and so makes every node read the same rows again (commit_tail.h).
// Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"

namespace foyer::engine {

inline constexpr Millis kHeldOpen{5'000};

class HeldBack {
 public:
  // The lowest number that is still running, or the next one if none is (`running`).
  void saw(std::string lowest, bool running, MonoTime now) {
    if (!running || lowest != lowest_) since_ = now;
    lowest_ = std::move(lowest);
  }
  // How long the lowest one has been running, if that is too long.
  [[nodiscard]] std::optional<Millis> held(MonoTime now) const {
    const Millis age = std::chrono::duration_cast<Millis>(now - since_);
    if (lowest_.empty() || age < kHeldOpen) return std::nullopt;
    return age;
  }
  void forget() { lowest_.clear(); }

 private:
  std::string lowest_; // an xid8
  MonoTime since_{};
};

} // namespace foyer::engine
