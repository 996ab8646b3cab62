#include "auth/retry.h"

#include <algorithm>

namespace foyer::auth {

Millis backoff(const RetryPolicy& policy, std::uint32_t number, Entropy& entropy) {
  Millis bound = policy.first_backoff;
  for (std::uint32_t i = 2; i < number && bound < policy.longest_backoff; ++i) bound *= 2;
  bound = std::min(bound, policy.longest_backoff);
  return Millis{static_cast<std::int64_t>(entropy.below(static_cast<std::uint64_t>(bound.count()) + 1))};
}

void RetryBudget::refill(MonoTime now) {
  const auto passed = std::chrono::floor<Millis>(now - refilled_);
  if (passed <= Millis{0}) return;
  refilled_ += passed;
  balance_ = std::min(kReserve, balance_ + std::min<std::int64_t>(kReserve, passed.count() * kEarnedByMillisecond));
}

void RetryBudget::question(MonoTime now) {
  refill(now);
  balance_ = std::min(kReserve, balance_ + kEarnedByQuestion);
}

bool RetryBudget::take(MonoTime now) {
  refill(now);
  if (balance_ < kRetry) return false;
  balance_ -= kRetry;
  return true;
}

} // namespace foyer::auth
