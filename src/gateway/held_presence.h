// A change of presence that arrived from another node while a room was being joined. The answer lists who is there, as
// of some moment on the way, so it may contain the change already.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "rooms/model/event.h"
#include "rooms/requests.h"

namespace foyer::gateway {

// Whom the client takes to be in the room.
struct ListedMembers {
  std::unordered_set<UserId> users = {};
  bool whole = true; // false: there are more
};

class HeldPresence {
 public:
  // Nothing: the event is about something else.
  [[nodiscard]] static std::optional<HeldPresence> of(const rooms::Event& event, SharedBytes frame) {
    if (const auto* joined = std::get_if<rooms::MemberJoined>(&event.body))
      return HeldPresence(Kind::joined, joined->member.id, std::move(frame));
    if (const auto* left = std::get_if<rooms::MemberLeft>(&event.body))
      return HeldPresence(Kind::left, left->member.id, std::move(frame));
    if (std::holds_alternative<rooms::MembersChanged>(event.body))
      return HeldPresence(Kind::counted, UserId(), std::move(frame));
    return std::nullopt;
  }
  [[nodiscard]] static ListedMembers listed(const rooms::Joined& answer) {
    ListedMembers out{.whole = answer.members.size() == answer.member_count};
    for (const rooms::Member& member : answer.members) out.users.insert(member.id);
    return out;
  }

  // Whether the client learns something from it; then `listed` is as after it.
  [[nodiscard]] bool changes(ListedMembers& listed) const {
    switch (kind_) {
      case Kind::joined: return listed.users.insert(user_).second;
      case Kind::left: return listed.users.erase(user_) > 0 || !listed.whole;
      case Kind::counted: break;
    }
    return true;
  }
  [[nodiscard]] const SharedBytes& frame() const { return frame_; }

 private:
  enum class Kind : std::uint8_t { joined, left, counted };
  HeldPresence(Kind kind, UserId user, SharedBytes frame)
      : kind_(kind),
        user_(std::move(user)),
        frame_(std::move(frame)) {}

  Kind kind_;
  UserId user_;
  SharedBytes frame_;
};

} // namespace foyer::gateway
