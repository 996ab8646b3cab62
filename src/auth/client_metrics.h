// The metrics of the client of the auth service.
#pragma once

#include <array>
#include <map>

#include "auth/breaker.h"
#include "base/metrics.h"

namespace foyer::auth {

class ClientMetrics {
 public:
  enum class Kind : std::uint8_t { ticket, cookie };
  enum class Outcome : std::uint8_t { valid, refused, unanswered };

  explicit ClientMetrics(Metrics& metrics);
  void question(Kind kind, Outcome outcome, MonoTime::duration took);
  void attempt_answered() { answered_.add(); }
  void attempt_failed(Cause cause);
  void breaker(BreakerStatus::State state) { breaker_.set(static_cast<std::int64_t>(state)); }

 private:
  Metrics& metrics_;
  std::array<std::array<Counter*, 3>, 2> questions_{};
  std::array<Histogram*, 2> seconds_{};
  std::map<Cause, Counter*> failed_; // by the catalogue: one per cause
  Counter& answered_;
  Gauge& breaker_;

 public:
  Counter& retries;
  Counter& hits;
  Counter& misses;
  Counter& joined;
};

} // namespace foyer::auth
