// What a client takes to be the members of a room, for a while after the answer to its join. A change of presence that
// another node tells may arrive later than the answer that lists it, while the room is joined or behind the answer:
// then it is no news to the client.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "rooms/model/event.h"
#include "rooms/requests.h"

namespace foyer::gateway {

// Whom the client takes to be in the room.
class ListedMembers {
 public:
  ListedMembers() = default;
  explicit ListedMembers(const rooms::Joined& answer) : whole_(answer.members.size() == answer.member_count) {
    users_.reserve(answer.members.size());
    for (const rooms::Member& member : answer.members) users_.push_back(hash_of(member.id));
  }

  // True: it is news.
  bool came(const UserId& user) {
    if (std::ranges::find(users_, hash_of(user)) != users_.end()) return false;
    users_.push_back(hash_of(user));
    return true;
  }
  bool left(const UserId& user) { return std::erase(users_, hash_of(user)) > 0 || !whole_; }
  void counted() { // who is there is not said any more
    users_.clear();
    whole_ = false;
  }
  void may_be_more() { whole_ = false; }

 private:
  static std::size_t hash_of(const UserId& user) { return std::hash<UserId>{}(user); }

  std::vector<std::size_t> users_; // hashes: these lists are many
  bool whole_ = true;              // false: there are more
};

class PresenceNews {
 public:
  // Nothing: the event is about something else.
  [[nodiscard]] static std::optional<PresenceNews> of(const rooms::Event& event) {
    if (const auto* joined = std::get_if<rooms::MemberJoined>(&event.body))
      return PresenceNews(Kind::joined, joined->member.id);
    if (const auto* left = std::get_if<rooms::MemberLeft>(&event.body))
      return PresenceNews(Kind::left, left->member.id);
    if (std::holds_alternative<rooms::MembersChanged>(event.body)) return PresenceNews(Kind::counted, UserId());
    return std::nullopt;
  }

  // Whether the client learns something from it; then `listed` is as after it.
  [[nodiscard]] bool changes(ListedMembers& listed) const {
    switch (kind_) {
      case Kind::joined: return listed.came(user_);
      case Kind::left: return listed.left(user_);
      case Kind::counted: listed.counted();
    }
    return true;
  }

 private:
  enum class Kind : std::uint8_t { joined, left, counted };
  PresenceNews(Kind kind, UserId user) : kind_(kind), user_(std::move(user)) {}

  Kind kind_;
  UserId user_;
};

// Arrived while the room was being joined.
struct HeldPresence {
  PresenceNews news;
  SharedBytes frame;
};

// Of a subscription, behind the answer to its join: who is listed has not come once more. That somebody left is always
// told, since the client may know of others who are there, from `presence`.
struct ToldMembers {
  static constexpr Millis kLatest{60'000}; // news is not later than that
  ListedMembers listed;
  MonoTime until;
};

} // namespace foyer::gateway
