// Limits the requests of one address to one endpoint: a bucket that refills steadily, per
// (endpoint, address). An IPv6 address counts by its /64, which is what one
// household or one server gets. Pure; takes `now`; bounded.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::accounts {

struct Rate {
  double burst = 0;      // requests at once
  double per_second = 0; // refilled
};

// "203.0.113.7" unchanged, "2001:db8:1:2:3:4:5:6" and its neighbours as "2001:db8:1:2::/64".
[[nodiscard]] std::string address_key(std::string_view address);

class RateLimits {
 public:
  explicit RateLimits(std::size_t max_buckets = 65'536) : max_buckets_(max_buckets) {}

  struct Overrun {
    Refusal refusal;    // ADDRESS_RATE_LIMIT with retry_after
    bool first = false; // the first since the bucket was last not empty: worth an audit row
  };
  [[nodiscard]] std::expected<bool, Overrun> take(
      std::string_view endpoint, std::string_view address, const Rate& rate, MonoTime now);

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }
  [[nodiscard]] std::size_t max_size() const { return max_buckets_; }

 private:
  struct Bucket {
    double level = 0;
    bool refused = false;
    MonoTime filled{};
    std::list<std::string>::iterator age;
  };
  std::size_t max_buckets_;
  std::unordered_map<std::string, Bucket, TransparentStringHash, std::equal_to<>> buckets_;
  std::list<std::string> by_age_; // front: least recently used
};

} // namespace foyer::accounts
