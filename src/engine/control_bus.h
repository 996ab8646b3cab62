// What nodes tell each other about people and connections. A hint as well: whatever takes a right away is in a
// database, and every node reads it there. The bus makes that fast.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "base/cause.h"
#include "base/executor.h"
#include "base/ids.h"
#include "rooms/model/event.h"

namespace foyer::engine {

using NodeId = StringId<struct NodeIdTag>; // one run of one node: a restart has another

// The directory has another member for a room, or one less.
struct MembershipChanged {
  RoomName room;
  UserId user;
  bool member = false;
};
// A user's subscriptions to a room end.
struct Evict {
  RoomName room;
  UserId user;
};
// For every connection of a user, wherever it is and whatever it listens to.
struct ToUser {
  UserId user;
  rooms::EventPtr event;
};
// Connections of a session are closed with this cause.
struct CloseSession {
  SessionId session;
  Cause cause{};
};
using ControlMessage = std::variant<MembershipChanged, Evict, ToUser, CloseSession>;

// As FanoutListener.
class ControlListener {
 public:
  virtual ~ControlListener() = default;
  virtual void post(Task task) = 0;
  virtual void received(const ControlMessage& message) = 0; // on the listener's thread
};

class ControlBus {
 public:
  virtual ~ControlBus() = default;

  [[nodiscard]] virtual const NodeId& node() const = 0; // this one
  // To one node, or to all, this one among them. Any thread; messages of one sender arrive in the order of its calls.
  // False: no such node is known; nothing was sent.
  virtual bool send(ControlMessage message, std::optional<NodeId> to = {}) = 0;
  // From now on. A listener that is destroyed listens no longer.
  virtual void listen(std::shared_ptr<ControlListener> listener) = 0;
};

} // namespace foyer::engine
