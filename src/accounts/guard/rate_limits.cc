#include "accounts/guard/rate_limits.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/ip_address.h"

namespace foyer::accounts {

std::string address_key(std::string_view address) {
  auto ip = parse_ip(address);
  if (!ip || ip->written_as_v4) return std::string{address};
  auto& raw = ip->bytes;
  if (ip->is_v4()) return fmt::format("{}.{}.{}.{}", raw[12], raw[13], raw[14], raw[15]);
  std::fill(raw.begin() + 8, raw.end(), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(AF_INET6, raw.data(), out.data(), out.size());
  return fmt::format("{}/64", out.data());
}

std::expected<bool, RateLimits::Overrun> RateLimits::take(
    std::string_view endpoint, std::string_view address, const Rate& rate, MonoTime now) {
  std::string key = address_key(address);
  key += '\n';
  key += endpoint;
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    while (buckets_.size() >= std::max<std::size_t>(max_buckets_, 1)) {
      buckets_.erase(by_age_.back());
      by_age_.pop_back();
    }
    by_age_.push_front(key);
    found = buckets_.emplace(std::move(key), Bucket{}).first;
    found->second = {.level = rate.burst, .refused = false, .filled = now, .age = by_age_.begin()};
  } else {
    by_age_.splice(by_age_.begin(), by_age_, found->second.age);
  }
  Bucket& bucket = found->second;
  const double elapsed = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.level = std::min(rate.burst, bucket.level + std::max(0.0, elapsed) * rate.per_second);
  bucket.filled = now;
  if (bucket.level >= 1) {
    bucket.level -= 1;
    bucket.refused = false;
    return true;
  }
  const double wait_s = rate.per_second > 0 ? (1 - bucket.level) / rate.per_second : 60.0;
  const bool first = !std::exchange(bucket.refused, true);
  Refusal refusal{.cause = Cause::ADDRESS_RATE_LIMIT,
      .evidence =
          fmt::format("more than {:g} requests to {} at once, {:g} a second", rate.burst, endpoint, rate.per_second),
      .retry_after = Millis{static_cast<std::int64_t>(std::ceil(wait_s * 1000))}};
  return std::unexpected(Overrun{.refusal = std::move(refusal), .first = first});
}

} // namespace foyer::accounts
