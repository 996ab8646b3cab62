// What connects a gateway with the other nodes on its database: PostgreSQL alone, or the bus that BUS_URL names. The
// tail of the record (engine::LogWatch::moved, taken) comes from the chat store in both cases.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/executor.h"
#include "config/options.h"
#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/node_questions.h"
#include "engine/presence_store.h"
#include "engine/sql/chat_store.h"
#include "observe/health.h"

namespace foyer::app {

struct StoreDeps;

struct BetweenNodes {
  std::shared_ptr<engine::Fanout> fanout = {};           // null: there is one node
  std::shared_ptr<engine::ControlBus> bus = {};          // to all nodes; null: there is one
  std::shared_ptr<engine::NodeQuestions> questions = {}; // to the others; null: there is one
  std::shared_ptr<engine::PresenceStore> presence = {};  // of all nodes; null: each home has its own
  std::shared_ptr<engine::RoomLog> shared_log = {};      // of rooms that are not durable; null: they are in memory
  // What to call when something happens; empty functions: nothing any more.
  struct Watch {
    std::function<void(const RoomName&)> gap = {};         // events of the room were lost
    std::function<void()> back = {};                       // the bus is reached again, with the rooms that live there
    std::function<void()> unheard = {};                    // in each tick in which events of these may not arrive
    std::function<void(std::optional<Refusal>)> deaf = {}; // this node does not hear the others, or hears them again
  };
  std::function<void(Watch)> watch = {};        // empty: losses are found by positions alone
  std::vector<observe::HealthCheck> ready = {}; // of the bus
};

// Empty for one node. `control` must outlive the result and `chat`. `deps` has the names of this node and of the bus.
[[nodiscard]] Result<BetweenNodes> open_between_nodes(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::ChatStore& chat);

} // namespace foyer::app
