// What connects a gateway with the other nodes on its database: PostgreSQL alone, or the bus that BUS_URL names. The
// tail of the record (engine::LogWatch::moved, taken) comes from the chat store in both cases.
#pragma once

#include <functional>
#include <memory>

#include "base/executor.h"
#include "config/options.h"
#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/sql/chat_store.h"

namespace foyer::app {

struct StoreDeps;

struct BetweenNodes {
  std::shared_ptr<engine::Fanout> fanout = {};  // null: there is one node
  std::shared_ptr<engine::ControlBus> bus = {}; // to all nodes; null: there is one
  // Is given what has to be called when events of a room were lost. Empty: losses are found by positions alone.
  std::function<void(std::function<void(const RoomName&)>)> on_gap = {};
};

// Empty for one node. `control` and `chat` must outlive the result.
[[nodiscard]] Result<BetweenNodes> open_between_nodes(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::ChatStore& chat);

} // namespace foyer::app
