// The users of this node in a room, as the room's home sees them. A user is present from the first subscription until
// `grace` after the last one ended, so that a reconnect is neither a leave nor a join. Pure; time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace foyer::rooms {

struct Member {
  UserId id;
  std::string name;
};

class Presence {
 public:
  explicit Presence(Millis grace) : grace_(grace) {}

  // Adds a connection of a user; true if the user was not present before.
  bool arrive(const UserId& user) {
    auto [it, first] = users_.try_emplace(user);
    if (++it->second.connections == 1) ++connected_;
    return first;
  }

  // Removes a connection; the last one starts the grace period.
  void depart(const UserId& user, MonoTime now) {
    const auto it = users_.find(user);
    if (it == users_.end() || it->second.connections == 0) return;
    if (--it->second.connections > 0) return;
    --connected_;
    it->second.gone_at = now + grace_;
    leaving_.emplace_back(it->second.gone_at, user);
  }

  // Removes a user with all connections at once, without grace. False: the user was not present.
  bool expel(const UserId& user) {
    const auto it = users_.find(user);
    if (it == users_.end()) return false;
    if (it->second.connections > 0) --connected_;
    users_.erase(it);
    return true;
  }

  // Removes the users whose grace period is over, and returns them.
  [[nodiscard]] std::vector<UserId> lapse(MonoTime now) {
    std::vector<UserId> gone;
    while (!leaving_.empty() && leaving_.front().first <= now) {
      const auto it = users_.find(leaving_.front().second);
      // A user who returned and left again has a later entry.
      if (it != users_.end() && it->second.connections == 0 && it->second.gone_at == leaving_.front().first) {
        users_.erase(it);
        gone.push_back(std::move(leaving_.front().second));
      }
      leaving_.pop_front();
    }
    return gone;
  }

  // When lapse() must be called next, if at all.
  [[nodiscard]] std::optional<MonoTime> next_deadline() const {
    if (leaving_.empty()) return std::nullopt;
    return leaving_.front().first;
  }
  [[nodiscard]] std::size_t count() const { return users_.size(); }
  [[nodiscard]] std::size_t connected() const { return connected_; } // users who have a connection now
  [[nodiscard]] bool contains(const UserId& user) const { return users_.contains(user); }

 private:
  struct Entry {
    std::uint32_t connections = 0;
    MonoTime gone_at{};
  };
  Millis grace_;
  std::unordered_map<UserId, Entry> users_;
  std::size_t connected_ = 0;
  std::deque<std::pair<MonoTime, UserId>> leaving_; // in order, since the grace period is the same for all
};

} // namespace foyer::rooms
