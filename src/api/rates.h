// How many requests each application may send. A batch, a broadcast, or any number of lines is one request.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/caller.h"
#include "base/allowance.h"
#include "base/metrics.h"

namespace foyer::api {

// Thread safe.
class Rates {
 public:
  static constexpr std::size_t kRows = 10'000; // applications; those that sent nothing for a while are forgotten first

  Rates(std::uint64_t per_s, std::uint64_t burst, Metrics& metrics);
  // API_RATE_LIMIT, with the time to wait; taken otherwise.
  [[nodiscard]] std::optional<Refusal> take(const Caller& caller, MonoTime now);

 private:
  [[nodiscard]] std::shared_ptr<SharedMeter> meter_of(const Caller& caller, MonoTime now);

  const std::uint64_t per_s_;
  const Allowance allowance_;
  Counter& refused_;
  std::mutex mutex_; // of the table only
  std::unordered_map<std::string, std::shared_ptr<SharedMeter>> meters_;
};

} // namespace foyer::api
