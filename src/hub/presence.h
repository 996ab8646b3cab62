// Who is in a room, as its owner sees it. A user is a member from the first
// connection in until `grace` after the last one out, so that a reconnect is
// neither a departure nor an arrival. Pure; time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace foyer::hub {

struct Member {
  UserId id;
  std::string name;
};

class Presence {
 public:
  explicit Presence(Millis grace) : grace_(grace) {}

  // One more connection of a user; true if the user was not a member before.
  bool arrive(const UserId& user, std::string_view name) {
    auto [it, first] = members_.try_emplace(user);
    Entry& entry = it->second;
    if (first) entry.name = name;
    if (!first && entry.connections == 0) --leaving_;
    ++entry.connections;
    return first;
  }

  // One connection less; the last one starts the grace.
  void depart(const UserId& user, MonoTime now) {
    const auto it = members_.find(user);
    if (it == members_.end() || it->second.connections == 0) return;
    if (--it->second.connections == 0) it->second.gone_at = now + grace_, ++leaving_;
  }

  // At once, whatever is open: the user lost the right to be here. True if it was a member.
  bool expel(const UserId& user) {
    const auto it = members_.find(user);
    if (it == members_.end()) return false;
    if (it->second.connections == 0) --leaving_;
    members_.erase(it);
    return true;
  }

  // Those whose grace is over.
  [[nodiscard]] std::vector<Member> lapse(MonoTime now) {
    std::vector<Member> gone;
    if (leaving_ == 0) return gone;
    for (auto it = members_.begin(); it != members_.end();) {
      if (it->second.connections == 0 && it->second.gone_at <= now) {
        gone.push_back({it->first, std::move(it->second.name)});
        it = members_.erase(it);
        --leaving_;
      } else {
        ++it;
      }
    }
    return gone;
  }

  [[nodiscard]] bool anyone_leaving() const { return leaving_ > 0; }
  [[nodiscard]] std::size_t count() const { return members_.size(); }
  [[nodiscard]] bool contains(const UserId& user) const { return members_.contains(user); }

  // At most `limit`, in no order.
  [[nodiscard]] std::vector<Member> members(std::size_t limit) const {
    std::vector<Member> list;
    list.reserve(std::min(limit, members_.size()));
    for (const auto& [id, entry] : members_) {
      if (list.size() == limit) break;
      list.push_back({id, entry.name});
    }
    return list;
  }

 private:
  struct Entry {
    std::string name;
    std::uint32_t connections = 0;
    MonoTime gone_at{};
  };
  Millis grace_;
  std::unordered_map<UserId, Entry> members_;
  std::size_t leaving_ = 0;
};

} // namespace foyer::hub
