#include "admission/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/limit_metrics.h"

namespace foyer::admission {
namespace {

constexpr Millis kCapacityRetry{5'000};
constexpr Millis kBusyRetry{1'000};
constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds{1};

Refusal with_wait(Cause cause, std::string evidence, Millis wait) {
  return Refusal{.cause = cause, .evidence = std::move(evidence), .retry_after = wait};
}

Result<Permit> or_refuse(CountingLimit& limit, Cause cause, Millis wait) {
  if (auto pass = limit.take()) return std::move(*pass);
  return std::unexpected(with_wait(cause, limit.text(), wait));
}

} // namespace

UserConnections::Shard& UserConnections::shard_of(const UserId& user) const {
  return shards_[std::hash<UserId>{}(user) % kShards];
}

void UserConnections::watch(const std::function<void(const UserId&, bool)>& watch) {
  for (Shard& shard : shards_) shard.watch = watch;
}

void UserConnections::count_with(OtherConnections& others) {
  for (Shard& shard : shards_) shard.others = &others;
}

void UserConnections::report_to(Metrics& metrics) { refused_ = &limit_refusals(metrics, "user_connections"); }

Result<Permit> UserConnections::connect(const UserId& user) {
  Shard& shard = shard_of(user);
  const std::scoped_lock lock(shard.mutex);
  std::uint32_t& open = *shard.open.add(user.view()).first; // it stays in its place
  const std::uint32_t elsewhere = shard.others == nullptr ? 0 : shard.others->open(user);
  if (open >= limit_ || elsewhere >= limit_ - open) {
    if (refused_ != nullptr) refused_->add();
    if (open == 0) shard.open.erase(open);
    std::string evidence = fmt::format("user_connections={}", limit_);
    if (elsewhere > 0) evidence += fmt::format(", {} of them at other nodes", elsewhere);
    return std::unexpected(with_wait(Cause::USER_CONNECTION_LIMIT, std::move(evidence), kCapacityRetry));
  }
  if (++open == 1 && shard.watch) shard.watch(user, true);
  if (shard.others != nullptr) shard.others->changed(user, open);
  return Permit([&shard, &open] {
    const std::scoped_lock again(shard.mutex);
    --open;
    if (shard.others != nullptr) shard.others->changed(UserId{shard.open.key_of(open)}, open);
    if (open > 0) return;
    if (shard.watch) shard.watch(UserId{shard.open.key_of(open)}, false);
    shard.open.erase(open);
  });
}

std::uint32_t UserConnections::open(const UserId& user) const {
  const Shard& shard = shard_of(user);
  const std::scoped_lock lock(shard.mutex);
  const std::uint32_t* const open = shard.open.find(user.view());
  return open == nullptr ? 0 : *open;
}

std::size_t UserConnections::users() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    sum += shard.open.size();
  }
  return sum;
}

std::vector<UserId> UserConnections::with(std::uint32_t least) const {
  std::vector<UserId> out;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    shard.open.each([&](std::string_view user, std::uint32_t open) {
      if (open >= least) out.emplace_back(user);
      return true;
    });
  }
  return out;
}

std::optional<Permit> CountingLimit::take() {
  std::uint32_t now = taken_->load(std::memory_order_relaxed);
  do {
    if (now >= limit_) {
      if (refused_ != nullptr) refused_->add();
      return std::nullopt;
    }
  } while (!taken_->compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
  return Permit([taken = taken_] { taken->fetch_sub(1, std::memory_order_relaxed); });
}

std::string CountingLimit::text() const { return fmt::format("{}={}", name_, limit_); }

void CountingLimit::report_to(Metrics& metrics) {
  report_limit(metrics, name_, limit_, [this] { return taken(); });
  refused_ = &limit_refusals(metrics, name_);
}

ConnectionLimits::ConnectionLimits(const ConnectionPolicy& policy)
    : connections_("connection_limit", policy.connections),
      arrivals_("handshake_limit", policy.handshakes),
      refused_sockets_("refused_sockets", policy.refused_sockets),
      pending_("pending_limit", policy.pending),
      refusal_upgrades_("refusal_upgrades", policy.refusal_upgrades),
      requests_("request_queue", policy.requests),
      interval_(kSecond / std::max<std::uint32_t>(1, policy.connects_per_s)) {}

void ConnectionLimits::report_to(Metrics& metrics) {
  for (CountingLimit* limit : {&connections_, &arrivals_, &refused_sockets_, &pending_, &refusal_upgrades_, &requests_})
    limit->report_to(metrics);
  rate_refused_ = &limit_refusals(metrics, "connect_rate");
}

std::optional<Refusal> ConnectionLimits::handshake(MonoTime now) {
  const std::int64_t t = now.time_since_epoch().count();
  std::int64_t due = next_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t following = std::max(due, t) + interval_.count();
    if (const std::int64_t ahead = following - t - kSecond.count(); ahead > 0) {
      if (rate_refused_ != nullptr) rate_refused_->add();
      return with_wait(Cause::CONNECT_RATE_LIMIT, fmt::format("connect_rate={} per s", kSecond / interval_),
          Millis{ahead / 1'000'000 + 1});
    }
    if (next_.compare_exchange_weak(due, following, std::memory_order_relaxed)) return std::nullopt;
  }
}

Result<Permit> ConnectionLimits::connection() {
  return or_refuse(connections_, Cause::CONNECTION_LIMIT, kCapacityRetry);
}

Result<Permit> ConnectionLimits::arrival() { return or_refuse(arrivals_, Cause::HANDSHAKE_LIMIT, kBusyRetry); }

std::optional<Permit> ConnectionLimits::refused_socket() { return refused_sockets_.take(); }

Result<Permit> ConnectionLimits::pending() { return or_refuse(pending_, Cause::PENDING_LIMIT, kCapacityRetry); }

std::optional<Permit> ConnectionLimits::refusal_upgrade() { return refusal_upgrades_.take(); }

Result<Permit> ConnectionLimits::request() { return or_refuse(requests_, Cause::BUSY, kBusyRetry); }

} // namespace foyer::admission
