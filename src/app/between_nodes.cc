#include "app/between_nodes.h"

#include <utility>

#include "app/bus.h"
#include "app/stores.h"
#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/sql/member_hearing.h"
#include "engine/sql/node_tail.h"
#include "engine/sql/signal_bus.h"
#include "engine/sql/signal_fanout.h"

namespace foyer::app {
namespace {

// Who the members are and what they hear comes from the database. `bus`: null for none.
std::shared_ptr<engine::MemberHearing> member_hearing(
    const std::shared_ptr<Bus>& bus, const config::Config& config, const std::string& node, engine::NodeTail& tail) {
  engine::MemberHearingOptions options{.node = node, .tick = config.cluster_tick};
  options.held_open = [&tail] { return tail.held_open(); };
  if (!bus) return std::make_shared<engine::MemberHearing>(std::move(options));
  options.unheard = [bus] { return bus->canaries().hearing().unheard; };
  options.trouble = [bus] {
    const auto why = bus->trouble();
    return why ? std::string(why->code()) : std::string();
  };
  options.others = [bus](std::vector<engine::MemberReport> reports) {
    std::vector<engine::OtherMember> others;
    for (engine::MemberReport& report : reports)
      others.push_back({.node = std::move(report.node), .unheard = std::move(report.unheard)});
    bus->canaries().members(std::move(others));
  };
  return std::make_shared<engine::MemberHearing>(std::move(options));
}

BetweenNodes over_the_bus(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::ChatStore& chat) {
  auto bus = std::make_shared<Bus>(config,
      BusDeps{
          .clock = deps.clock, .entropy = deps.entropy, .metrics = deps.metrics, .log = deps.log, .control = control},
      engine::NodeId{deps.node}, deps.bus);
  if (engine::NodeTail* tail = chat.tail()) tail->add(member_hearing(bus, config, deps.node, *tail));
  BetweenNodes out;
  out.fanout = std::shared_ptr<engine::Fanout>(bus, &bus->fanout());
  out.bus = std::shared_ptr<engine::ControlBus>(bus, &bus->control());
  out.presence = std::shared_ptr<engine::PresenceStore>(bus, &bus->presence());
  out.shared_log = std::shared_ptr<engine::RoomLog>(bus, &bus->log());
  out.ready = bus->ready();
  out.watch = [bus](BetweenNodes::Watch watch) { bus->watch(std::move(watch)); };
  return out;
}

// What is in no record goes by signals; messages are followed by their positions in the record.
Result<BetweenNodes> by_signals(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::NodeTail& tail) {
  TRY(opened,
      engine::open_postgres_signals(server_of(config, deps),
          {.node = engine::NodeId{deps.node}, .committed = [&tail] { tail.committed(); }}, deps.clock, deps.metrics,
          deps.log));
  const std::shared_ptr<engine::Signals> signals = std::move(opened);
  tail.add(signals);
  tail.add(member_hearing(nullptr, config, deps.node, tail));
  BetweenNodes out;
  out.fanout = std::make_shared<engine::SignalFanout>(signals);
  out.bus = std::make_shared<engine::SignalBus>(signals, control, deps.clock);
  return out;
}

} // namespace

Result<BetweenNodes> open_between_nodes(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::ChatStore& chat) {
  BetweenNodes out;
  if (!config::with_others(config)) return out;
  if (!config.bus_url.empty()) return over_the_bus(config, deps, control, chat);
  if (engine::NodeTail* tail = chat.tail()) return by_signals(config, deps, control, *tail);
  out.fanout = std::make_shared<engine::LocalFanout>();
  out.bus = std::make_shared<engine::LocalControlBus>(engine::NodeId{deps.node});
  return out;
}

} // namespace foyer::app
