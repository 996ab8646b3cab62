// Limits look-ups of unknown people: at most kPerUser per user and hour, so that nobody can probe which accounts exist.
// A look-up in progress counts until the person is found. Thread safe.
#pragma once

#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limit_metrics.h"
#include "base/refusal.h"

namespace foyer::gateway {

class UnknownPeople {
 public:
  static constexpr std::size_t kPerUser = 30;
  static constexpr Millis kWindow = std::chrono::hours{1};
  static constexpr std::size_t kUsers = 10'000; // remembered; beyond, an earlier one is forgotten

  explicit UnknownPeople(Metrics& metrics) : meter_(metrics, "unknown_people", kUsers) {}

  // Call before a look-up. RATE_LIMITED: it must not be made. nullopt: make it, then call end().
  [[nodiscard]] std::optional<Refusal> begin(const UserId& user, MonoTime now);
  void end(const UserId& user, bool unknown, MonoTime now);

 private:
  struct Of {
    std::vector<MonoTime> unknown; // ascending
    std::size_t under_way = 0;
  };
  static void lapse(Of& of, MonoTime now);
  void make_room(MonoTime now);

  std::mutex mutex_;
  std::unordered_map<UserId, Of> users_;
  LimitMeter meter_;
};

} // namespace foyer::gateway
