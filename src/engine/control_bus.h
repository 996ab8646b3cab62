// Messages between nodes about users and connections. Only hints: every lost right is in a
// database, where every node reads it. The bus makes this fast.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "base/ids.h"
#include "base/refusal.h"
#include "rooms/model/publication.h"
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
using ControlMessage = std::variant<MemberAdded, Evict, ToUser, CloseSubscribers, RevocationsChanged>;

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
