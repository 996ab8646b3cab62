#include "rooms/user_use.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limit_metrics.h"

namespace foyer::rooms {
namespace {

constexpr Millis kLoadedRetry{30'000}; // an unused room is unloaded after this time
constexpr std::size_t kLookedAt = 8;   // slots checked for a row to remove when a row is added
constexpr std::size_t kLookedAtWhenFull = 128;

} // namespace

UserAllowances::UserAllowances(const UserPolicy& p, Metrics& metrics)
    : policy(p),
      commands(p.messages_per_s, p.messages_burst),
      new_rooms(std::chrono::hours{1}, p.new_rooms_per_h, p.new_rooms_per_h),
      commands_refused(limit_refusals(metrics, "user_messages_per_s")),
      new_rooms_refused(limit_refusals(metrics, "new_rooms_per_h")),
      rooms_loaded_refused(limit_refusals(metrics, "rooms_loaded_per_user")) {}

UserUse& UserUsePtr::unlimited() {
  static UserUse use;
  return use;
}

UserUsePtr::UserUsePtr(UserUse& use) : use_(&use) { use.holders_.fetch_add(1, std::memory_order_relaxed); }

UserUsePtr::~UserUsePtr() {
  if (use_ != nullptr) UserUse::let_go(*use_);
}

UserUse::UserUse(const UserAllowances& allowances, std::string_view user)
    : allowances_(&allowances),
      holders_(1),
      user_(user.size()) {
  std::ranges::copy(user, reinterpret_cast<char*>(this + 1));
}

UserUse* UserUse::make(const UserAllowances& allowances, const UserId& user) {
  void* const place = ::operator new(sizeof(UserUse) + user.view().size());
  return ::new (place) UserUse(allowances, user.view());
}

void UserUse::let_go(UserUse& use) {
  if (use.holders_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  use.~UserUse();
  ::operator delete(&use);
}

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

Result<admission::Permit> UserUse::load_room(UserUsePtr use) {
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

UserUses::~UserUses() {
  for (Shard& shard : shards_)
    for (std::size_t slot = 0; slot < shard.uses.slots(); ++slot)
      if (UserUse* use = shard.uses.in_slot(slot)) UserUse::let_go(*use);
}

UserUsePtr UserUses::of(const UserId& user, MonoTime now) {
  Shard& shard = shards_[std::hash<UserId>{}(user) % kShards];
  const std::scoped_lock held(shard.mutex);
  if (UserUse* found = shard.uses.find(user.view())) return UserUsePtr(*found);
  forget_some(shard, now);
  UserUse* const use = UserUse::make(allowances_, user);
  shard.uses.add(*use);
  rows_.add(1);
  return UserUsePtr(*use);
}

// Removes rows of users who have no connection and whose allowances are restored; in a full table also others without a
// connection.
void UserUses::forget_some(Shard& shard, MonoTime now) {
  const bool full = shard.uses.size() >= kRows / kShards;
  bool forgotten = false;
  for (std::size_t n = std::min(full ? kLookedAtWhenFull : kLookedAt, shard.uses.slots());
      n > 0 && !(full && forgotten); --n) {
    if (shard.next >= shard.uses.slots()) shard.next = 0;
    UserUse* const use = shard.uses.in_slot(shard.next);
    if (use == nullptr || use->holders_ > 1 || (!full && !use->whole(now))) {
      ++shard.next;
      continue;
    }
    shard.uses.erase(*use);
    UserUse::let_go(*use);
    rows_.add(-1);
    forgotten = true;
  }
}

} // namespace foyer::rooms
