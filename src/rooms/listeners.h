// Where a home sends its events: through the fan-out to the listeners of a room, over the control bus to users on
// any node, and to the store of presence.
#pragma once

#include <functional>
#include <memory>

#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/memory/presence_store.h"
#include "engine/room_log.h"

namespace foyer::rooms {

// A loop of this process, as homes and other loops see it. Messages from one home to one listener arrive in the order
// of the calls, over fan-out and control bus alike, and in order with the answers that the home posts to that loop.
class Listener : public engine::FanoutListener, public engine::ControlListener {
 public:
  // Makes the publication of an event, on this loop. May encode the most common form already, so that other loops do
  // not wait for each other.
  [[nodiscard]] virtual PublicationPtr publication(EventPtr event) = 0;
};

// Called when a room gets its first subscriber in this process (true) and when it has none left (false). On the loop of
// the room's home.
using OccupancyWatch = std::function<void(const RoomName& room, bool occupied)>;

struct Outlets {
  std::shared_ptr<engine::Fanout> fanout; // within the process: subscribe() answers before it returns
  std::shared_ptr<engine::ControlBus> bus;
  std::shared_ptr<Listener> here; // the listener of the home's loop
  // The users present in the home's rooms. With one node it answers before the call returns, so that the members in the
  // answer to a join match the events that follow it. With several it may answer later; the events of that time are
  // held back where the joining subscription is (gateway).
  std::shared_ptr<engine::PresenceStore> presence = std::make_shared<engine::MemoryPresenceStore>();
  OccupancyWatch occupancy = {}; // empty: no observer
  // Between nodes; null: there is one. A home listens to each shared room that it has loaded, and publishes its events
  // there: its own come back at once, and those of other nodes are posted. Their order with anything else is not
  // known, and history may be missing, since the room's follower reads it; so an implementation that carries only
  // ephemeral events between nodes will do.
  std::shared_ptr<engine::Fanout> between = {};
  // Holds the rooms that are not durable, for all nodes. Null: each home has them in memory, and they are not shared.
  engine::RoomLog* shared_log = nullptr;
};

} // namespace foyer::rooms
