// The users of this node in a room, as the room's home sees them. A user is present from the first subscription until
// `grace` after the last one ended, so that a reconnect is neither a leave nor a join. Pure; time is passed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/text_table.h"

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
    const auto [entry, first] = users_.add(user.view());
    if (!entry->connected()) ++connected_;
    entry->connect();
    return first;
  }

  // Removes a connection; the last one starts the grace period.
  void depart(const UserId& user, MonoTime now) {
    Entry* const entry = users_.find(user.view());
    if (entry == nullptr || !entry->connected() || !entry->disconnect(now + grace_)) return;
    --connected_;
    leaving_.emplace_back(now + grace_, user);
  }

  // Removes a user with all connections at once, without grace. False: the user was not present.
  bool expel(const UserId& user) {
    const Entry* const entry = users_.find(user.view());
    if (entry == nullptr) return false;
    if (entry->connected()) --connected_;
    users_.erase(*entry);
    return true;
  }

  // Removes the users whose grace period is over, and returns them.
  [[nodiscard]] std::vector<UserId> lapse(MonoTime now) {
    std::vector<UserId> gone;
    while (!leaving_.empty() && leaving_.front().first <= now) {
      const Entry* const entry = users_.find(leaving_.front().second.view());
      // A user who returned and left again has a later entry.
      if (entry != nullptr && !entry->connected() && entry->gone_at() == leaving_.front().first) {
        users_.erase(*entry);
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
  // Calls act(user) for each of these.
  template <class Act>
  void each_connected(Act act) const {
    users_.each([&act](std::string_view user, const Entry& entry) {
      if (entry.connected()) act(user);
      return true;
    });
  }
  [[nodiscard]] bool contains(const UserId& user) const { return users_.find(user.view()) != nullptr; }

 private:
  // The number of connections, or, without any, when the grace period is over: in one word, for each user of each room.
  class Entry {
   public:
    [[nodiscard]] bool connected() const { return state_ < 0; }
    [[nodiscard]] MonoTime gone_at() const { return MonoTime{std::chrono::nanoseconds{state_}}; }
    void connect() { state_ = std::min<std::int64_t>(state_, 0) - 1; }
    bool disconnect(MonoTime gone_at) { // true: it was the last connection
      if (++state_ < 0) return false;
      state_ = gone_at.time_since_epoch().count();
      return true;
    }

   private:
    std::int64_t state_ = 0; // negative: connections
  };
  Millis grace_;
  TextTable<Entry> users_;
  std::size_t connected_ = 0;
  std::deque<std::pair<MonoTime, UserId>> leaving_; // in order, since the grace period is the same for all
};

} // namespace foyer::rooms
