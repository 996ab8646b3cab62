// Messages between nodes about users and connections. Those about rights are only hints: every lost right is in a
// database, where every node reads it, and the bus makes this fast. What an application wants done to connections
// (Disconnect, Unsubscribe, Subscribe, SetExpiry) concerns those that exist when it arrives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"
#include "engine/outcome.h"
#include "rooms/model/publication.h"
#include "rooms/model/recovery.h"
#include "rooms/model/session_key.h"

namespace foyer::engine {

using NodeId = StringId<struct NodeIdTag>; // one run of one node: a restart has another

// The directory has added a member to a room.
struct MemberAdded {
  RoomName room;
  UserId user;
};
// The user no longer belongs to the room: all of that user's subscriptions to it end.
struct Evict {
  RoomName room;
  UserId user;
};
// For every connection of a user, on every node and in any room, except one session.
struct ToUser {
  UserId user;
  rooms::PublicationPtr publication;
  rooms::SessionKey except = {}; // of the sending node
};
// Closes every session that is subscribed to a room, or is joining it.
struct CloseSubscribers {
  RoomName room;
  Refusal refusal;
};
// This node has received a revocation: affected connections are closed.
struct RevocationsChanged {};

// Connections: those that fit everything named here. One of the first three is named.
struct Selection {
  UserId user = {};
  std::optional<ConnectionId> connection = {};
  SessionId session = {};              // of the login
  std::vector<ConnectionId> keep = {}; // not these
};
// For each of these, `outcome` belongs to the sending node and may be null.
struct Disconnect {
  Selection who;
  std::uint16_t code = 0; // 4000 to 4999: sent as it is; others, and 0 for none, are a part of the reason
  std::string reason = {};
  OutcomePtr outcome = {};
};
struct Unsubscribe {
  Selection who;
  RoomName room;
  OutcomePtr outcome = {};
};
struct Subscribe {
  Selection who;
  RoomName room;
  std::optional<rooms::SincePosition> since = {};
  std::uint32_t limit = 0; // messages, if nothing is recovered
  OutcomePtr outcome = {};
};
struct SetExpiry {
  Selection who;
  WallTime expires_at{}; // not in the future: at once
  OutcomePtr outcome = {};
};
// A question to other nodes, and a part of the answer of one (node_questions.h).
struct Ask {
  NodeId from;
  std::uint64_t number = 0; // of the asking node
  std::uint8_t question = 0;
  std::vector<NodeId> to = {}; // empty: all
  std::string bytes = {};
};
struct Told {
  NodeId from;
  std::uint64_t number = 0;
  std::uint32_t part = 0; // from 0
  bool last = true;
  bool refused = false; // there is no answer
  std::string bytes = {};
};
// How many connections users have at a node (admission/users_elsewhere.h).
struct UserCounts {
  NodeId from;
  std::vector<std::pair<UserId, std::uint32_t>> users = {}; // at most kMostUserCounts
};
inline constexpr std::size_t kMostUserCounts = 5'000;
using ControlMessage = std::variant<MemberAdded, Evict, ToUser, CloseSubscribers, RevocationsChanged, Disconnect,
    Unsubscribe, Subscribe, SetExpiry, Ask, Told, UserCounts>;

// Like FanoutListener.
class ControlListener {
 public:
  virtual ~ControlListener() = default;
  virtual void post(std::shared_ptr<const ControlMessage> message) = 0;
  virtual void received(const ControlMessage& message) = 0;
};

class ControlBus {
 public:
  virtual ~ControlBus() = default;

  [[nodiscard]] virtual const NodeId& node() const = 0; // this one
  struct Route {
    std::optional<NodeId> to = {};         // nothing: all nodes, including this one
    const ControlListener* here = nullptr; // as in Fanout::publish
  };
  // Any thread; messages of one sender arrive in the order of its calls. False: no such node is known; nothing was
  // sent.
  virtual bool send(ControlMessage message, Route route) = 0;
  // Messages arrive from now on. A destroyed listener gets none.
  virtual void listen(std::shared_ptr<ControlListener> listener) = 0;
};

} // namespace foyer::engine
