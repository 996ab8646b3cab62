// Whether and when to retry. Two rules: a retry waits a random time (full jitter:
// between zero and a bound that doubles), so that clients that failed together do not
// return together; and retries have a budget, so that they cannot become the outage.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace foyer::auth {

struct RetryPolicy {
  std::uint32_t attempts = 3; // of one question at most
  Millis deadline{2'000};     // of the whole question
  Millis attempt_timeout{600};
  Millis connect_timeout{300};
  Millis first_backoff{50}; // bound of the first wait, then doubled
  Millis longest_backoff{200};
  Millis least_attempt{50}; // an attempt with less time than this is not begun
};

// The wait before attempt `number` (2, 3, …).
[[nodiscard]] Millis backoff(const RetryPolicy& policy, std::uint32_t number, Entropy& entropy);

// 20 % of the questions may be retries. A quiet system asks too little to have earned
// one, so a reserve of 10 comes back at one a second; it is full at start. Within any
// time t in s with q questions there are at most 10 + t + q / 5 retries.
class RetryBudget {
 public:
  void question(MonoTime now);           // each question once
  [[nodiscard]] bool take(MonoTime now); // a retry, if there is one left

 private:
  static constexpr std::int64_t kRetry = 1'000;
  static constexpr std::int64_t kEarnedByQuestion = 200;
  static constexpr std::int64_t kEarnedByMillisecond = 1;
  static constexpr std::int64_t kReserve = 10 * kRetry;
  void refill(MonoTime now);

  std::int64_t balance_ = kReserve;
  MonoTime refilled_{};
};

} // namespace foyer::auth
