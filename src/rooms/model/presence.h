// Who is in a room, as its home sees it. A user is a member from the first
// connection in until `grace` after the last one out, so that a reconnect is
// neither a departure nor an arrival. Pure; time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
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

  // One more connection of a user; true if the user was not a member before.
  bool arrive(const UserId& user, std::string_view name) {
    auto [it, first] = members_.try_emplace(user);
    Entry& entry = it->second;
    if (first) entry.name = name;
    ++entry.connections;
    return first;
  }

  // One connection less; the last one starts the grace.
  void depart(const UserId& user, MonoTime now) {
    const auto it = members_.find(user);
    if (it == members_.end() || it->second.connections == 0) return;
    if (--it->second.connections > 0) return;
    it->second.gone_at = now + grace_;
    leaving_.emplace_back(it->second.gone_at, user);
  }

  // At once, whatever is open: the user lost the right to be here. nullopt: was no member.
  std::optional<Member> expel(const UserId& user) {
    auto node = members_.extract(user);
    if (node.empty()) return std::nullopt;
    return Member{node.key(), std::move(node.mapped().name)};
  }

  // Those whose grace is over.
  [[nodiscard]] std::vector<Member> lapse(MonoTime now) {
    std::vector<Member> gone;
    while (!leaving_.empty() && leaving_.front().first <= now) {
      const auto it = members_.find(leaving_.front().second);
      // Who came back, and left again later, has another entry further behind.
      if (it != members_.end() && it->second.connections == 0 && it->second.gone_at == leaving_.front().first) {
        gone.push_back({it->first, std::move(it->second.name)});
        members_.erase(it);
      }
      leaving_.pop_front();
    }
    return gone;
  }

  // When lapse() has to be asked next, if at all.
  [[nodiscard]] std::optional<MonoTime> next_deadline() const {
    if (leaving_.empty()) return std::nullopt;
    return leaving_.front().first;
  }
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
  std::deque<std::pair<MonoTime, UserId>> leaving_; // in order, since the grace is the same for all
};

} // namespace foyer::rooms
