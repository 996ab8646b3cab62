// Who is typing in a room. A typing mark ends after 6 s unless it is renewed. Pure; time is passed in.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "rooms/model/presence.h"

namespace foyer::rooms {

class Typing {
 public:
  static constexpr Millis kLapse{6'000};

  // True if others must be notified: a change, or a renewal of `on`.
  bool set(const UserId& user, std::string_view name, bool on, MonoTime now) {
    if (!on) return until_.erase(user) > 0;
    auto& entry = until_[user];
    entry.name = name;
    entry.until = now + kLapse;
    return true;
  }
  [[nodiscard]] std::vector<Member> lapse(MonoTime now) {
    std::vector<Member> over;
    for (auto it = until_.begin(); it != until_.end();) {
      if (it->second.until <= now) {
        over.push_back({it->first, std::move(it->second.name)});
        it = until_.erase(it);
      } else {
        ++it;
      }
    }
    return over;
  }
  [[nodiscard]] std::optional<MonoTime> next_deadline() const {
    std::optional<MonoTime> next;
    for (const auto& [user, entry] : until_)
      if (!next || entry.until < *next) next = entry.until;
    return next;
  }
  [[nodiscard]] bool empty() const { return until_.empty(); }

 private:
  struct Entry {
    std::string name;
    MonoTime until{};
  };
  std::unordered_map<UserId, Entry> until_;
};

} // namespace foyer::rooms
