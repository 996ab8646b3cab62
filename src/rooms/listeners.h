// Where a home sends its events: through the fan-out to the listeners of a room, over the control bus to users on
// any node, and to the store of presence.
#pragma once

#include <functional>
#include <memory>

#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/memory/presence_store.h"

namespace foyer::rooms {

// A loop of this process, as seen by homes and other loops. Messages from one home to one listener arrive in the order
// of the calls, over either way, and in order with the answers that the home posts to that loop.
class Listener : public engine::FanoutListener, public engine::ControlListener {
 public:
  // Makes a publication of an event in a room, on this loop. It may already encode the most common form, so that other
  // loops do not wait for each other.
  [[nodiscard]] virtual PublicationPtr publication(EventPtr event) = 0;
};

// A room has its first subscriber in this process (true), or none any more. Called on the loop of its home.
using OccupancyWatch = std::function<void(const RoomName& room, bool occupied)>;

struct Outlets {
  std::shared_ptr<engine::Fanout> fanout; // within the process: subscribe answers before it returns
  std::shared_ptr<engine::ControlBus> bus;
  std::shared_ptr<Listener> here; // of the home's loop
  // The users in the home's rooms. It answers before the call returns, so that the members in the answer to a join
  // match the events behind it.
  std::shared_ptr<engine::PresenceStore> presence = std::make_shared<engine::MemoryPresenceStore>();
  OccupancyWatch occupancy = {}; // empty: nobody
};

} // namespace foyer::rooms
