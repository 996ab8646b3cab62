#include "app/between_nodes.h"

#include "app/stores.h"
#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"

namespace foyer::app {

Result<BetweenNodes> open_between_nodes(
    const config::Config& config, const StoreDeps& deps, Executor&, engine::ChatStore&) {
  BetweenNodes out;
  if (!config::with_others(config)) return out;
  // Messages are followed by their positions in the record.
  out.fanout = std::make_shared<engine::LocalFanout>();
  out.bus = std::make_shared<engine::LocalControlBus>(engine::NodeId{deps.entropy.short_id()});
  return out;
}

} // namespace foyer::app
