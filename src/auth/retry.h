// When to retry. Two rules: a retry waits a random time (full jitter:
// between zero and a bound that doubles), so that clients that failed together do not
// return together; and retries have a budget, so that they cannot prolong an outage.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace foyer::auth {

struct RetryPolicy {
  std::uint32_t attempts = 3; // of one call at most
  Millis deadline{2'000};     // of the whole call
  Millis attempt_timeout{600};
  Millis connect_timeout{300};
  Millis first_backoff{50}; // bound of the first wait, then doubled
  Millis longest_backoff{200};
  Millis least_attempt{50}; // no attempt is started with less time than this
};

// The wait before attempt `number` (2, 3, …).
[[nodiscard]] Millis backoff(const RetryPolicy& policy, std::uint32_t number, Entropy& entropy);

// 20 % of the calls may be retried. A quiet system makes too few calls to earn
// a retry, so a reserve of 10 refills at one a second; it is full at start. Within any
// time t in s with q calls there are at most 10 + t + q / 5 retries.
class RetryBudget {
 public:
  void question(MonoTime now);           // once per call
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
