// What one user consumes over all connections and loops: commands, new rooms, and rooms in memory for that user.
// protocol/budget.h limits a single connection; this limits a user who opens many.
//
// A connection looks up its user's row once and keeps it; counting in it is lock-free. The row outlives the connection
// until its allowances are restored, so that reconnecting does not reset them. Names and defaults: docs/limits.md.
// There is a row for each user, so it is one allocation: the count of its holders and the user's id lie in it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "admission/permit.h"
#include "base/allowance.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/refusal.h"
#include "base/row_index.h"
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

class UserUse;

// Keeps a row. Never null, except where it was moved from.
class UserUsePtr {
 public:
  UserUsePtr() : UserUsePtr(unlimited()) {} // for applications and the server itself
  explicit UserUsePtr(UserUse& use);        // one more holder
  UserUsePtr(const UserUsePtr& other) : UserUsePtr(*other.use_) {}
  UserUsePtr(UserUsePtr&& other) noexcept : use_(std::exchange(other.use_, nullptr)) {}
  UserUsePtr& operator=(UserUsePtr other) noexcept {
    std::swap(use_, other.use_);
    return *this;
  }
  ~UserUsePtr();
  [[nodiscard]] UserUse* operator->() const { return use_; }
  [[nodiscard]] UserUse& operator*() const { return *use_; }
  friend bool operator==(const UserUsePtr&, const UserUsePtr&) = default;

 private:
  [[nodiscard]] static UserUse& unlimited();
  UserUse* use_;
};

class UserUse {
 public:
  UserUse(const UserUse&) = delete;
  UserUse& operator=(const UserUse&) = delete;

  // Charges a command. Zero: charged; otherwise not charged, and how long to wait.
  [[nodiscard]] Millis command(MonoTime now, std::uint64_t cost);
  // Charges a new room. RATE_LIMITED: not charged.
  [[nodiscard]] std::optional<Refusal> new_room(MonoTime now);
  void no_new_room() { // gives new_room() back: the room existed, or could not be created
    if (allowances_ != nullptr) new_rooms_.give_back(allowances_->new_rooms);
  }
  // A permit for one loaded room, which keeps `use`. RATE_LIMITED.
  [[nodiscard]] static Result<admission::Permit> load_room(UserUsePtr use);

  [[nodiscard]] bool whole(MonoTime now) const { return loaded_ == 0 && commands_.whole(now) && new_rooms_.whole(now); }

 private:
  friend class UserUsePtr;
  friend class UserUses;
  UserUse() : holders_(1) {} // unlimited, and its own holder
  UserUse(const UserAllowances& allowances, std::string_view user);
  [[nodiscard]] static UserUse* make(const UserAllowances& allowances, const UserId& user); // with one holder
  static void let_go(UserUse& use); // one holder less; without any it is deleted
  [[nodiscard]] std::string_view user() const { return {reinterpret_cast<const char*>(this + 1), user_}; }

  const UserAllowances* allowances_ = nullptr;
  SharedMeter commands_, new_rooms_;
  std::atomic<std::uint32_t> loaded_{0};
  std::atomic<std::uint32_t> holders_;
  std::size_t user_ = 0; // the length of the user's id, which follows
};

// Thread safe.
class UserUses {
 public:
  static constexpr std::size_t kRows = 200'000;

  UserUses(const UserPolicy& policy, Metrics& metrics);
  ~UserUses(); // rows that are held stay until they are not
  UserUses(const UserUses&) = delete;
  UserUses& operator=(const UserUses&) = delete;
  [[nodiscard]] UserUsePtr of(const UserId& user, MonoTime now);

 private:
  static constexpr std::size_t kShards = 16;
  struct UserOf {
    [[nodiscard]] std::string_view operator()(const UserUse& use) const { return use.user(); }
  };
  struct Shard {
    std::mutex mutex;
    RowIndex<UserUse, UserOf> uses; // each has the table as a holder
    std::size_t next = 0;           // the slot that forget_some() looks at next
  };
  void forget_some(Shard& shard, MonoTime now);

  UserAllowances allowances_;
  Gauge& rows_;
  std::array<Shard, kShards> shards_;
};

} // namespace foyer::rooms
