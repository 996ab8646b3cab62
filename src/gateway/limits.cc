#include "gateway/limits.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

namespace foyer::gateway {
namespace {

constexpr Millis kCapacityRetry{5'000};
constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds{1};

// Refusals that say nothing about the client: ours, or a matter of numbers.
bool counts_against_client(Cause cause) {
  switch (info(cause).step) {
    case Step::readiness:
    case Step::auth_service:
    case Step::service_identity:
    case Step::capacity: return false;
    default: return info(cause).http < 500;
  }
}

Refusal with_wait(Cause cause, std::string evidence, Millis wait) {
  return Refusal{.cause = cause, .evidence = std::move(evidence), .retry_after = wait};
}

// Addresses of one network differ in few bits; a multiplication spreads them over the shards.
std::size_t spread(std::uint64_t key) { return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> 32); }

} // namespace

std::uint64_t address_key(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return 0x0000'FFFF'0000'0000ull | ntohl(v4.s_addr);
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      std::uint32_t last = 0;
      std::memcpy(&last, v6.s6_addr + 12, sizeof last);
      return 0x0000'FFFF'0000'0000ull | ntohl(last);
    }
    std::uint64_t prefix = 0;
    for (int i = 0; i < 8; ++i) prefix = prefix << 8 | v6.s6_addr[i];
    return prefix;
  }
  return std::hash<std::string>{}(text);
}

AddressLimits::AddressLimits(AddressPolicy policy)
    : policy_(policy), rows_per_shard_(std::max<std::size_t>(1, policy.table_size / kShards)) {}

AddressLimits::Shard& AddressLimits::shard_of(std::uint64_t key) { return shards_[spread(key) % kShards]; }

void AddressLimits::roll(Rate& rate, MonoTime now) const {
  const std::int64_t window = now.time_since_epoch() / policy_.window;
  if (window == rate.window) return;
  rate.previous = window == rate.window + 1 ? rate.current : 0;
  rate.current = 0;
  rate.window = window;
}

AddressLimits::Row* AddressLimits::row(Shard& shard, std::uint64_t key, MonoTime now) {
  if (const auto found = shard.rows.find(key); found != shard.rows.end()) return &found->second;
  if (shard.rows.size() >= rows_per_shard_ && now - shard.swept >= kSecond) {
    shard.swept = now;
    std::erase_if(shard.rows, [&](const auto& entry) {
      Row r = entry.second;
      roll(r.handshakes, now);
      roll(r.refusals, now);
      return r.open == 0 && r.handshakes.current + r.handshakes.previous + r.refusals.current + r.refusals.previous == 0;
    });
  }
  if (shard.rows.size() >= rows_per_shard_) return nullptr;
  return &shard.rows[key];
}

// How long until one more fits; nullopt: it fits now.
std::optional<Millis> AddressLimits::wait(Rate& rate, std::uint32_t limit, MonoTime now) const {
  roll(rate, now);
  const auto width = std::chrono::nanoseconds(policy_.window).count();
  const auto into = now.time_since_epoch().count() % width;
  const double share = 1.0 - static_cast<double>(into) / static_cast<double>(width);
  if (static_cast<double>(rate.previous) * share + rate.current < limit) return std::nullopt;
  // Room appears when enough of the window before has gone out of sight; when this
  // window alone is full, that begins with the next one.
  double ns = static_cast<double>(width - into);
  if (rate.current < limit && rate.previous > 0) {
    ns = static_cast<double>(width) * (1.0 - static_cast<double>(limit - rate.current) / rate.previous) - static_cast<double>(into);
  } else if (rate.current > 0) {
    ns += static_cast<double>(width) * (1.0 - static_cast<double>(limit) / rate.current);
  }
  return Millis{static_cast<std::int64_t>(std::floor(ns / 1e6)) + 1};
}

std::optional<Refusal> AddressLimits::handshake(std::string_view address, MonoTime now) {
  const std::uint64_t key = address_key(address);
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  Row* r = row(shard, key, now);
  if (r == nullptr) return with_wait(Cause::ADDRESS_RATE_LIMIT, "the table of addresses is full", policy_.window);
  if (const auto w = wait(r->handshakes, policy_.handshakes, now))
    return with_wait(Cause::ADDRESS_RATE_LIMIT, fmt::format("address_handshakes {} per {} s", policy_.handshakes, policy_.window.count() / 1000), *w);
  if (const auto w = wait(r->refusals, policy_.refusals, now))
    return with_wait(Cause::ADDRESS_RATE_LIMIT, fmt::format("address_refusals {} per {} s", policy_.refusals, policy_.window.count() / 1000), *w);
  ++r->handshakes.current;
  return std::nullopt;
}

void AddressLimits::refused(std::string_view address, Cause cause, MonoTime now) {
  if (!counts_against_client(cause)) return;
  const std::uint64_t key = address_key(address);
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  if (Row* r = row(shard, key, now)) {
    roll(r->refusals, now);
    if (r->refusals.current < policy_.refusals) ++r->refusals.current;
  }
}

Result<Pass> AddressLimits::connect(std::string_view address, MonoTime now) {
  const std::uint64_t key = address_key(address);
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  Row* r = row(shard, key, now);
  if (r == nullptr) return std::unexpected(with_wait(Cause::ADDRESS_LIMIT, "the table of addresses is full", policy_.window));
  if (r->open >= policy_.connections)
    return std::unexpected(with_wait(Cause::ADDRESS_LIMIT, fmt::format("address_connections {}", policy_.connections), kCapacityRetry));
  ++r->open;
  return Pass([this, key] { disconnect(key); });
}

void AddressLimits::disconnect(std::uint64_t key) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  --shard.rows.at(key).open; // a row with open sockets is never dropped
}

std::size_t AddressLimits::rows() const {
  std::size_t n = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    n += shard.rows.size();
  }
  return n;
}

UserConnections::Shard& UserConnections::shard_of(const UserId& user) const { return shards_[std::hash<UserId>{}(user) % kShards]; }

Result<Pass> UserConnections::connect(const UserId& user) {
  Shard& shard = shard_of(user);
  const std::scoped_lock lock(shard.mutex);
  std::uint32_t& open = shard.open[user];
  if (open >= limit_)
    return std::unexpected(with_wait(Cause::USER_CONNECTION_LIMIT, fmt::format("user_connections {}", limit_), kCapacityRetry));
  ++open;
  return Pass([&shard, user] {
    const std::scoped_lock again(shard.mutex);
    const auto it = shard.open.find(user);
    if (--it->second == 0) shard.open.erase(it);
  });
}

std::uint32_t UserConnections::open(const UserId& user) const {
  const Shard& shard = shard_of(user);
  const std::scoped_lock lock(shard.mutex);
  const auto it = shard.open.find(user);
  return it == shard.open.end() ? 0 : it->second;
}

std::optional<Pass> CountingLimit::take() {
  std::uint32_t now = taken_.load(std::memory_order_relaxed);
  do {
    if (now >= limit_) return std::nullopt;
  } while (!taken_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
  return Pass([this] { taken_.fetch_sub(1, std::memory_order_relaxed); });
}

ConnectionGauges::ConnectionGauges(const ConnectionPolicy& policy)
    : connections_(policy.connections),
      pending_(policy.pending),
      refusal_upgrades_(policy.refusal_upgrades),
      interval_(kSecond / std::max<std::uint32_t>(1, policy.connects_per_s)) {}

std::optional<Refusal> ConnectionGauges::handshake(MonoTime now) {
  const std::int64_t t = now.time_since_epoch().count();
  std::int64_t due = next_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t following = std::max(due, t) + interval_.count();
    if (const std::int64_t ahead = following - t - kSecond.count(); ahead > 0)
      return with_wait(Cause::CONNECT_RATE_LIMIT, fmt::format("connect_rate {} per s", kSecond / interval_), Millis{ahead / 1'000'000 + 1});
    if (next_.compare_exchange_weak(due, following, std::memory_order_relaxed)) return std::nullopt;
  }
}

Result<Pass> ConnectionGauges::connection() {
  if (auto pass = connections_.take()) return std::move(*pass);
  return std::unexpected(with_wait(Cause::CONNECTION_LIMIT, fmt::format("{} connections are open", connections_.taken()), kCapacityRetry));
}

Result<Pass> ConnectionGauges::pending() {
  if (auto pass = pending_.take()) return std::move(*pass);
  return std::unexpected(with_wait(Cause::PENDING_LIMIT, fmt::format("{} sockets wait to be authenticated", pending_.taken()), kCapacityRetry));
}

std::optional<Pass> ConnectionGauges::refusal_upgrade() { return refusal_upgrades_.take(); }

} // namespace foyer::gateway
