// Limits how many lines of one kind are logged per second; omitted lines are counted
// and reported with the next line. For one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace foyer {

class LogBudget {
 public:
  explicit LogBudget(std::uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

  // The number of lines omitted since the last one; nothing: omit this one, too.
  [[nodiscard]] std::optional<std::uint64_t> take(MonoTime now) {
    if (!begun_ || now - since_ >= Millis{1'000}) {
      begun_ = true;
      since_ = now;
      lines_ = 0;
    }
    if (lines_ == lines_per_second_) {
      ++left_out_;
      return std::nullopt;
    }
    ++lines_;
    return std::exchange(left_out_, 0);
  }

 private:
  std::uint32_t lines_per_second_;
  std::uint32_t lines_ = 0;
  std::uint64_t left_out_ = 0;
  MonoTime since_{};
  bool begun_ = false;
};

} // namespace foyer
