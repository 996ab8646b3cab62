// When the users who have no connection on a loop any more were last heard from there. Kept in memory, for the users
// who left most recently. Pure.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"

namespace foyer::gateway {

class LastSeen {
 public:
  static constexpr std::size_t kUsers = 20'000; // per loop

  explicit LastSeen(std::size_t most = kUsers) : most_(most) {}

  // The user's last connection has ended. Beyond the limit, the user who left first is forgotten.
  void left(UserId user, WallTime heard) {
    came(user);
    if (order_.size() >= most_) forget(order_.begin());
    order_.emplace_back(std::move(user), heard);
    users_.emplace(order_.back().first.view(), std::prev(order_.end()));
  }
  // The user is connected again: its entry is removed.
  void came(const UserId& user) {
    if (const auto known = users_.find(user.view()); known != users_.end()) forget(known->second);
  }
  [[nodiscard]] std::optional<WallTime> of(const UserId& user) const {
    const auto known = users_.find(user.view());
    if (known == users_.end()) return std::nullopt;
    return known->second->second;
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  using Order = std::list<std::pair<UserId, WallTime>>;
  void forget(Order::iterator which) {
    users_.erase(which->first.view());
    order_.erase(which);
  }

  std::size_t most_;
  Order order_;                                                 // the one who left first is first
  std::unordered_map<std::string_view, Order::iterator> users_; // the keys are in order_
};

} // namespace foyer::gateway
