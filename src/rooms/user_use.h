// One user's use of the server over all connections and loops: commands, new rooms,
// and rooms in memory for that user. protocol/budget.h limits a single
// connection; this limits a user who opens many.
//
// A connection looks up its user's row once and keeps it; counting in it is
// lock-free. It outlives the connection until everything taken is restored, so that
// reconnecting does not reset it. Every name and default is in docs/limits.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "admission/permit.h"
#include "base/allowance.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/refusal.h"
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
  UserUse() = default; // of an application: no limit of a user holds for it
  explicit UserUse(const UserAllowances& allowances) : allowances_(&allowances) {}

  // Zero: taken. Otherwise how long to wait.
  [[nodiscard]] Millis command(MonoTime now, std::uint64_t cost);
  // RATE_LIMITED; taken otherwise.
  [[nodiscard]] std::optional<Refusal> new_room(MonoTime now);
  void no_new_room() { // it existed, or could not be created
    if (allowances_ != nullptr) new_rooms_.give_back(allowances_->new_rooms);
  }
  // A place for a room that is loaded. RATE_LIMITED. The permit keeps `use`.
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
    std::unordered_map<UserId, std::shared_ptr<UserUse>> uses;
    std::deque<const UserId*> order; // each key of `uses` once; the least recently checked first
  };
  void forget_some(Shard& shard, MonoTime now);

  UserAllowances allowances_;
  Gauge& rows_;
  std::array<Shard, kShards> shards_;
};

} // namespace foyer::rooms
