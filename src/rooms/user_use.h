// What one user consumes over all connections and loops: commands, new rooms, and rooms in memory for that user.
// protocol/budget.h limits a single connection; this limits a user who opens many.
//
// A connection looks up its user's row once and keeps it; counting in it is lock-free. The row outlives the connection
// until its allowances are restored, so that reconnecting does not reset them. Names and defaults: docs/limits.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "admission/permit.h"
#include "base/allowance.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/refusal.h"
#include "base/text_table.h"
#include "rooms/policy.h"

namespace foyer::rooms {

// Shared by all users.
struct UserAllowances {
  UserAllowances(const UserPolicy& policy, Metrics& metrics);

  const UserPolicy policy;
  const Allowance commands;
  const Allowance new_rooms;
  Counter& commands_refused;
  Counter& new_rooms_refused;
  Counter& rooms_loaded_refused;
};

class UserUse {
 public:
  UserUse() = default; // for an application: unlimited
  explicit UserUse(const UserAllowances& allowances) : allowances_(&allowances) {}

  // Charges a command. Zero: charged; otherwise not charged, and how long to wait.
  [[nodiscard]] Millis command(MonoTime now, std::uint64_t cost);
  // Charges a new room. RATE_LIMITED: not charged.
  [[nodiscard]] std::optional<Refusal> new_room(MonoTime now);
  void no_new_room() { // gives new_room() back: the room existed, or could not be created
    if (allowances_ != nullptr) new_rooms_.give_back(allowances_->new_rooms);
  }
  // A permit for one loaded room, which keeps `use` alive. RATE_LIMITED.
  [[nodiscard]] static Result<admission::Permit> load_room(std::shared_ptr<UserUse> use);

  [[nodiscard]] bool whole(MonoTime now) const { return loaded_ == 0 && commands_.whole(now) && new_rooms_.whole(now); }

 private:
  const UserAllowances* allowances_ = nullptr;
  SharedMeter commands_, new_rooms_;
  std::atomic<std::uint32_t> loaded_{0};
};

// Thread safe.
class UserUses {
 public:
  static constexpr std::size_t kRows = 200'000;

  UserUses(const UserPolicy& policy, Metrics& metrics);
  [[nodiscard]] std::shared_ptr<UserUse> of(const UserId& user, MonoTime now);

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;
    TextTable<std::shared_ptr<UserUse>> uses;          // by user
    std::deque<const std::shared_ptr<UserUse>*> order; // each value of `uses` once, the least recently checked first
  };
  void forget_some(Shard& shard, MonoTime now);

  UserAllowances allowances_;
  Gauge& rows_;
  std::array<Shard, kShards> shards_;
};

} // namespace foyer::rooms
