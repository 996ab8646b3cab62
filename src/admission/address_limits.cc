#include "admission/address_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/ip_address.h"
#include "base/limit_metrics.h"

namespace foyer::admission {
namespace {

constexpr Millis kTableFullRetry{5'000};
constexpr std::uint64_t kIpv4 = 0x0000'FFFF'0000'0000ull;

// Refusals that are not the client's fault: our own overload, or limits on numbers.
bool counts_against_client(Cause cause) {
  switch (info(cause).step) {
    case Step::readiness:
    case Step::auth_service:
    case Step::service_identity:
    case Step::capacity: return false;
    default: return info(cause).http < 500;
  }
}

// An IPv4 /24, an IPv6 /48.
std::uint64_t network_of(std::uint64_t key) { return (key & 0xFFFF'FFFF'0000'0000ull) == kIpv4 ? key >> 8 : key >> 16; }

// Every bit of the result depends on every bit of both inputs (the finaliser of SplitMix64).
std::uint64_t mixed(std::uint64_t value, std::uint64_t seed) {
  std::uint64_t x = value + 0x9E37'79B9'7F4A'7C15ull;
  for (int i = 0; i < 2; ++i) {
    x ^= seed;
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EBull;
    x ^= x >> 31;
  }
  return x;
}

} // namespace

std::uint64_t address_key(std::string_view address) {
  const auto ip = parse_ip(address);
  if (!ip) return std::hash<std::string_view>{}(address);
  if (ip->is_v4()) return kIpv4 | ip->v4();
  std::uint64_t prefix = 0;
  for (int i = 0; i < 8; ++i) prefix = prefix << 8 | ip->bytes[static_cast<std::size_t>(i)];
  return prefix;
}

AddressLimits::AddressLimits(AddressPolicy policy)
    : policy_(policy),
      rows_per_shard_(std::max<std::size_t>(1, policy.table_size / kShards)),
      shards_(std::make_unique<std::array<Shard, kShards>>()) {}

void AddressLimits::report_to(Metrics& metrics, std::string_view table_name) {
  report_limit(metrics, table_name, static_cast<double>(rows_per_shard_ * kShards),
      [this] { return static_cast<double>(rows()); });
  strangers_ = &limit_refusals(metrics, table_name);
  const std::string_view names[kLimited] = {
      policy_.handshakes_limit, "address_refusals", "address_connections", "address_arriving"};
  for (std::size_t i = 0; i < kLimited; ++i) refused_[i] = &limit_refusals(metrics, names[i]);
}

void AddressLimits::report_handshakes_to(Metrics& metrics) {
  refused_[kHandshakes] = &limit_refusals(metrics, policy_.handshakes_limit);
}

void AddressLimits::count_refusal(Limited which) const {
  if (refused_[which] != nullptr) refused_[which]->add();
}

// By network: a client with many addresses of one network fills one shard only.
AddressLimits::Place AddressLimits::place_of(std::string_view address) {
  const std::uint64_t key = address_key(address);
  const std::uint64_t hash = mixed(network_of(key), policy_.seed);
  return {.shard = (*shards_)[hash % kShards], .key = key, .network = hash / kShards % (kNetworks / kShards)};
}

void AddressLimits::roll(Rate& rate, MonoTime now) const {
  const std::int64_t window = now.time_since_epoch() / policy_.window;
  if (window == rate.window) return;
  rate.previous = window == rate.window + 1 ? rate.current : 0;
  rate.current = 0;
  rate.window = window;
}

AddressLimits::Row& AddressLimits::row(const Place& place, MonoTime now) {
  Shard& shard = place.shard;
  if (const auto found = shard.rows.find(place.key); found != shard.rows.end()) return found->second;
  if (shard.rows.size() >= rows_per_shard_ && now - shard.swept >= std::chrono::seconds{1}) {
    shard.swept = now;
    std::erase_if(shard.rows, [&](const auto& entry) {
      Row r = entry.second;
      roll(r.handshakes, now);
      roll(r.refusals, now);
      return r.open == 0 && r.arriving == 0 &&
          r.handshakes.current + r.handshakes.previous + r.refusals.current + r.refusals.previous == 0;
    });
  }
  Row& network = shard.networks[place.network];
  if (shard.rows.size() >= rows_per_shard_) {
    if (strangers_ != nullptr) strangers_->add();
    return network;
  }
  Row& fresh = shard.rows[place.key];
  fresh.network = &network;
  return fresh;
}

// How long until one more fits; nullopt: one fits now.
std::optional<Millis> AddressLimits::wait(Rate& rate, std::uint64_t limit, MonoTime now) const {
  roll(rate, now);
  const auto most = static_cast<double>(limit);
  const auto width = std::chrono::nanoseconds(policy_.window).count();
  const auto into = now.time_since_epoch().count() % width;
  const double share = 1.0 - static_cast<double>(into) / static_cast<double>(width);
  if (static_cast<double>(rate.previous) * share + rate.current < most) return std::nullopt;
  // Room appears when enough of the previous window has expired; when this
  // window alone is full, that begins with the next one.
  double ns = static_cast<double>(width - into);
  if (rate.current < limit && rate.previous > 0) {
    ns = static_cast<double>(width) * (1.0 - (most - rate.current) / rate.previous) - static_cast<double>(into);
  } else if (rate.current > 0) {
    ns += static_cast<double>(width) * (1.0 - most / rate.current);
  }
  return Millis{static_cast<std::int64_t>(std::floor(ns / 1e6)) + 1};
}

std::optional<Refusal> AddressLimits::over_rate(
    Row& first, Rate Row::* rate, std::uint32_t limit, std::string_view name, MonoTime now) const {
  for (Row* r = &first; r != nullptr; r = r->network) {
    const auto w = wait(r->*rate, share(*r, first, limit), now);
    if (!w) continue;
    return Refusal{.cause = Cause::ADDRESS_RATE_LIMIT,
        .evidence = fmt::format("{} {} per {} s{}", name, share(*r, first, limit), policy_.window.count() / 1000,
            r->network == nullptr ? ", of the network around the address" : ""),
        .retry_after = *w};
  }
  return std::nullopt;
}

std::optional<Refusal> AddressLimits::handshake(std::string_view address, MonoTime now) {
  const Place place = place_of(address);
  const std::scoped_lock lock(place.shard.mutex);
  Row& first = row(place, now);
  if (auto refusal = over_rate(first, &Row::handshakes, policy_.handshakes, policy_.handshakes_limit, now))
    return count_refusal(kHandshakes), refusal;
  if (auto refusal = over_rate(first, &Row::refusals, policy_.refusals, "address_refusals", now))
    return count_refusal(kRefusals), refusal;
  for (Row* r = &first; r != nullptr; r = r->network) ++r->handshakes.current;
  return std::nullopt;
}

void AddressLimits::refused(std::string_view address, Cause cause, MonoTime now) {
  if (!counts_against_client(cause)) return;
  const Place place = place_of(address);
  const std::scoped_lock lock(place.shard.mutex);
  Row& first = row(place, now);
  for (Row* r = &first; r != nullptr; r = r->network) {
    roll(r->refusals, now);
    if (r->refusals.current < share(*r, first, policy_.refusals)) ++r->refusals.current;
  }
}

Result<Permit> AddressLimits::hold(std::string_view address, Count count, std::uint32_t limit, Cause cause,
    std::string_view name, Limited which, MonoTime now) {
  const Place place = place_of(address);
  const std::scoped_lock lock(place.shard.mutex);
  Row& first = row(place, now);
  for (Row* r = &first; r != nullptr; r = r->network) {
    if (r->*count < share(*r, first, limit)) continue;
    count_refusal(which);
    return std::unexpected(Refusal{.cause = cause,
        .evidence = fmt::format("{} {}{}", name, share(*r, first, limit),
            r->network == nullptr ? ", of the network around the address" : ""),
        .retry_after = kTableFullRetry});
  }
  for (Row* r = &first; r != nullptr; r = r->network) ++(r->*count);
  return count == &Row::open ? held<&Row::open>(place.shard, first) : held<&Row::arriving>(place.shard, first);
}

template <AddressLimits::Count kCount>
Permit AddressLimits::held(Shard& shard, Row& first) {
  return Permit([&shard, &first] {
    const std::scoped_lock again(shard.mutex);
    for (Row* r = &first; r != nullptr; r = r->network) --(r->*kCount);
  });
}

Result<Permit> AddressLimits::arrive(std::string_view address, MonoTime now) {
  return hold(address, &Row::arriving, policy_.arriving, Cause::HANDSHAKE_LIMIT, "address_arriving", kArriving, now);
}

Result<Permit> AddressLimits::connect(std::string_view address, MonoTime now) {
  return hold(address, &Row::open, policy_.connections, Cause::ADDRESS_LIMIT, "address_connections", kConnections, now);
}

std::size_t AddressLimits::rows() const {
  std::size_t n = 0;
  for (const Shard& shard : *shards_) {
    const std::scoped_lock lock(shard.mutex);
    n += shard.rows.size();
  }
  return n;
}

} // namespace foyer::admission
