// Where a home sends what happens: through the fan-out to whoever listens to a room, over the control bus to people,
// wherever they are, and to the store that knows who is in a room.
#pragma once

#include <memory>

#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/memory/presence_store.h"

namespace foyer::rooms {

// A loop of this process, as homes and other loops know it. What one home sends to one listener arrives in the order of
// the calls, whichever of the two ways it goes, and in order with the answers that the home posts to that loop.
class Listener : public engine::FanoutListener, public engine::ControlListener {
 public:
  // Makes a publication of an event in a room, on this loop. It may encode there what most clients get: other loops
  // find that instead of waiting for each other.
  [[nodiscard]] virtual PublicationPtr publication(EventPtr event) = 0;
};

struct Outlets {
  std::shared_ptr<engine::Fanout> fanout; // within the process: subscribe answers before it returns
  std::shared_ptr<engine::ControlBus> bus;
  std::shared_ptr<Listener> here; // of the home's loop
  // Who is in the home's rooms. It answers before the call returns, so that who is named in the answer to a join and
  // the events behind it fit together.
  std::shared_ptr<engine::PresenceStore> presence = std::make_shared<engine::MemoryPresenceStore>();
};

} // namespace foyer::rooms
