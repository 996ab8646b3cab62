// What nodes tell each other about people and connections. A hint as well: whatever takes a right away is in a
// database, and every node reads it there. The bus makes that fast.
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

// The directory has one member more for a room.
struct MemberAdded {
  RoomName room;
  UserId user;
};
// The user belongs to the room no longer: all subscriptions of that user to it end.
struct Evict {
  RoomName room;
  UserId user;
};
// For every connection of a user, wherever it is and whatever it listens to, but for one session.
struct ToUser {
  UserId user;
  rooms::PublicationPtr publication;
  rooms::SessionKey except = {}; // of the sending node
};
// Every session that is subscribed to a room, or is joining it, is closed.
struct CloseSubscribers {
  RoomName room;
  Refusal refusal;
};
// This node has learned of something that was revoked: whoever it concerns is closed.
struct RevocationsChanged {};
using ControlMessage = std::variant<MemberAdded, Evict, ToUser, CloseSubscribers, RevocationsChanged>;

// As FanoutListener.
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
    std::optional<NodeId> to = {};         // nothing: all nodes, this one among them
    const ControlListener* here = nullptr; // as in Fanout::publish
  };
  // Any thread; messages of one sender arrive in the order of its calls. False: no such node is known; nothing was
  // sent.
  virtual bool send(ControlMessage message, Route route) = 0;
  // From now on. A listener that is destroyed listens no longer.
  virtual void listen(std::shared_ptr<ControlListener> listener) = 0;
};

} // namespace foyer::engine
