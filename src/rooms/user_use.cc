#include "rooms/user_use.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limit_metrics.h"

namespace foyer::rooms {
namespace {

constexpr Millis kLoadedRetry{30'000}; // an unused room is unloaded after this time
constexpr std::size_t kLookedAt = 4;   // rows checked for removal when a row is added
constexpr std::size_t kLookedAtWhenFull = 64;

} // namespace

UserAllowances::UserAllowances(const UserPolicy& p, Metrics& metrics)
    : policy(p),
      commands(p.messages_per_s, p.messages_burst),
      new_rooms(std::chrono::hours{1}, p.new_rooms_per_h, p.new_rooms_per_h),
      commands_refused(limit_refusals(metrics, "user_messages_per_s")),
      new_rooms_refused(limit_refusals(metrics, "new_rooms_per_h")),
      rooms_loaded_refused(limit_refusals(metrics, "rooms_loaded_per_user")) {}

Millis UserUse::command(MonoTime now, std::uint64_t cost) {
  if (allowances_ == nullptr) return Millis{0};
  const Millis wait =
      commands_.take(allowances_->commands, now, std::min<std::uint64_t>(cost, allowances_->policy.messages_burst));
  if (wait.count() > 0) allowances_->commands_refused.add();
  return wait;
}

std::optional<Refusal> UserUse::new_room(MonoTime now) {
  if (allowances_ == nullptr) return std::nullopt;
  const Millis wait = new_rooms_.take(allowances_->new_rooms, now);
  if (wait.count() == 0) return std::nullopt;
  allowances_->new_rooms_refused.add();
  return Refusal{.cause = Cause::RATE_LIMITED,
      .evidence = fmt::format("new_rooms_per_h={}", allowances_->policy.new_rooms_per_h),
      .retry_after = wait};
}

Result<admission::Permit> UserUse::load_room(std::shared_ptr<UserUse> use) {
  if (use->allowances_ == nullptr) return admission::Permit{};
  const UserAllowances& allowances = *use->allowances_;
  if (use->loaded_.fetch_add(1, std::memory_order_relaxed) < allowances.policy.rooms_loaded)
    return admission::Permit([use = std::move(use)] { use->loaded_.fetch_sub(1, std::memory_order_relaxed); });
  use->loaded_.fetch_sub(1, std::memory_order_relaxed);
  allowances.rooms_loaded_refused.add();
  std::string evidence = fmt::format("rooms_loaded_per_user={}", allowances.policy.rooms_loaded);
  return std::unexpected(
      Refusal{.cause = Cause::RATE_LIMITED, .evidence = std::move(evidence), .retry_after = kLoadedRetry});
}

UserUses::UserUses(const UserPolicy& policy, Metrics& metrics)
    : allowances_(policy, metrics),
      rows_(limit_gauge(metrics, "user_table", static_cast<double>(kRows))) {}

std::shared_ptr<UserUse> UserUses::of(const UserId& user, MonoTime now) {
  Shard& shard = shards_[std::hash<UserId>{}(user) % kShards];
  const std::scoped_lock held(shard.mutex);
  if (const auto* found = shard.uses.find(user.view())) return *found;
  forget_some(shard, now);
  auto& use = *shard.uses.add(user.view()).first;
  use = std::make_shared<UserUse>(allowances_);
  shard.order.push_back(&use);
  rows_.add(1);
  return use;
}

// Removes rows of users who have no connection and whose allowances are restored; in a full table also others without a
// connection.
void UserUses::forget_some(Shard& shard, MonoTime now) {
  const bool full = shard.uses.size() >= kRows / kShards;
  bool forgotten = false;
  for (std::size_t n = std::min(full ? kLookedAtWhenFull : kLookedAt, shard.order.size());
      n > 0 && !(full && forgotten); --n) {
    const std::shared_ptr<UserUse>* use = shard.order.front();
    shard.order.pop_front();
    if (use->use_count() == 1 && (full || (*use)->whole(now))) {
      shard.uses.erase(*use);
      rows_.add(-1);
      forgotten = true;
    } else {
      shard.order.push_back(use);
    }
  }
}

} // namespace foyer::rooms
