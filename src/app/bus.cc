#include "app/bus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "app/policies.h"
#include "app/presence_news.h"
#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "engine/sql/postgres_store.h"

namespace foyer::app {
namespace {

constexpr int kLookTicks = 10;
constexpr int kBlindAnswers = 5; // a primary that was just thawed is counted as down for a moment

std::string listed(const std::vector<std::string>& nodes) { return fmt::format("{}", fmt::join(nodes, ", ")); }

} // namespace

Result<engine::BusSeen> look_at_bus(const config::Config& config, Entropy& entropy) {
  const BusPlace place = find_bus(config, entropy);
  TRY(seen, engine::look_at_bus(place.server, place.policy, engine::BusNames(), entropy));
  if (auto blind = place.blind()) return std::unexpected(*std::move(blind));
  return seen;
}

std::string bus_text(const engine::BusSeen& seen) {
  const engine::BusFacts& facts = seen.facts;
  std::string out = fmt::format("  bus: {}, ", facts.software);
  out += facts.memory == 0 ? "no limit of memory" : fmt::format("at most {} MiB of memory", facts.memory >> 20U);
  out += facts.appends ? ", appends to a file" : ", keeps nothing over a restart";
  out += fmt::format(", {} {}\n", facts.replicas, facts.replicas == 1 ? "replica" : "replicas");
  if (seen.shards > 0) out += fmt::format("  a cluster of {} shards\n", seen.shards);
  out += seen.name.empty() ? "  no gateway has used it yet\n"
                           : fmt::format("  its name among the gateways is {}\n", seen.name);
  return out;
}

json::Object bus_json(const engine::BusSeen& seen) {
  const engine::BusFacts& facts = seen.facts;
  return {{"server", facts.software}, {"name", seen.name}, {"memory", facts.memory}, {"replicas", facts.replicas},
      {"appends", facts.appends}, {"shards", seen.shards}};
}

Result<std::string> name_of_bus(const config::Config& config, Entropy& entropy) {
  TRY(database, engine::look_at_nodes({.url = config.database_url}));
  const engine::BusOwner owner{.database = std::move(database.name), .noted = std::move(database.bus)};
  const BusPlace place = find_bus(config, entropy);
  TRY(seen, engine::open_bus(place.server, place.policy, engine::BusNames(), owner, entropy));
  return std::move(seen.name);
}

Bus::Bus(const config::Config& config, BusDeps deps, engine::NodeId node, std::string name)
    : deps_(deps),
      node_(std::move(node)),
      name_(std::move(name)),
      names_(engine::kBusPrefix, name_),
      rules_(room_rules(config)),
      presence_events_(config.gateway.rooms.presence_events_limit),
      up_(deps.metrics.gauge("foyer_bus_up", "Whether the bus between nodes is connected and suited.")),
      deaf_(deps.metrics.gauge("foyer_bus_deaf", "Whether canaries of some node do not arrive here over the bus.")),
      place_(find_bus(config, deps.entropy)) {
  follow_primary();
  redis::Server asking = place_.server;
  asking.scripts = engine::bus_scripts();
  commands_ = redis::open_commands(asking, place_.policy, deps_.entropy, redis::ConnectionWatch{.opened = [this] {
    logged_in_ = true;
  }, .lost = [this](const redis::Failure& failure) { seen(std::unexpected(engine::refusal_of(failure))); }});
  canaries_ =
      std::make_unique<engine::BusCanaries>(engine::BusCanariesOptions{.names = names_,
                                                .cluster = place_.server.cluster,
                                                .node = node_,
                                                .tick = config.cluster_tick,
                                                .changed = [this](const engine::Hearing& hearing) { heard(hearing); },
                                                .late = [this] { canary_late_ = true; }},
          *commands_, deps_.control, deps_.clock);
  open_listeners(config);
  const rooms::RoomPolicy& rooms = config.gateway.rooms;
  log_ = std::make_unique<engine::RedisRoomLog>(
      engine::RedisLogOptions{
          .names = names_, .messages = rooms.ephemeral.messages, .bytes = rooms.ephemeral.bytes, .rules = rules_},
      *commands_, deps_.entropy, deps_.clock);
  presence_ = std::make_unique<engine::RedisPresenceStore>(
      engine::RedisPresenceOptions{.names = names_,
          .node = node_,
          .report = [this](const engine::PresenceReport& report) { tell(report); },
          .tick = config.cluster_tick},
      *commands_, deps_.control, deps_.clock, deps_.entropy);
  if (!place_.server.cluster)
    questions_ = std::make_unique<redis::Connection>(place_.server, place_.policy, deps_.entropy);
  ticker_ = std::make_unique<engine::Ticker>(deps_.control, config.cluster_tick, [this] { tick(); });
}

void Bus::open_listeners(const config::Config& config) {
  fanout_ = std::make_unique<engine::RedisFanout>(
      engine::RedisFanoutOptions{.server = place_.server,
          .policy = place_.policy,
          .names = names_,
          .node = node_,
          .gap =
              [this](const RoomName& room) {
    const std::lock_guard held(watch_mutex_);
    if (watch_.gap) watch_.gap(room);
  },
          .canary = [this](std::string_view channel,
                        std::string_view bytes) { canaries_->heard(engine::BusPath::rooms, channel, bytes); }},
      *commands_, deps_.entropy);
  control_ = std::make_unique<engine::RedisControlBus>(
      engine::RedisControlBusOptions{.server = place_.server,
          .policy = place_.policy,
          .names = names_,
          .node = node_,
          .silence = config.cluster_tick * 10,
          .canary = [this](std::string_view channel,
                        std::string_view bytes) { canaries_->heard(engine::BusPath::control, channel, bytes); }},
      *commands_, deps_.clock, deps_.entropy);
}

void Bus::follow_primary() {
  if (!place_.sentinel) return;
  following_ = place_.sentinel->primary()->watch([this](const redis::Whereabouts::At& at) {
    if (at) deps_.log.info("bus_primary", "The sentinels name a primary of the bus.", {{"primary", at->shown()}});
  });
}

Bus::~Bus() {
  following_.reset();
  watch({});
  const std::lock_guard held(tell_mutex_);
  ended_ = true;
}

void Bus::tick() {
  if (++ticks_ % kLookTicks == 0 || logged_in_.exchange(false)) look();
  if (const bool late = canary_late_.exchange(false); questions_ && (late || place_.sentinel)) ask_primary();
  auto lost = place_.unreachable();
  if (std::exchange(sentinels_lost_, lost.has_value()) != lost.has_value() && lost) warn(*lost);
  if (!canaries_->hearing().bus_deaf) return;
  const std::lock_guard held(watch_mutex_);
  if (watch_.unheard) watch_.unheard();
}

void Bus::warn(const Refusal& refusal) {
  deps_.log.warning(std::string(refusal.code()), refusal.operator_text(),
      {{"evidence", refusal.evidence}, {"next", refusal.info().next}});
}

void Bus::ask_primary() {
  questions_->send(
      {"INFO", "replication"}, [this](const std::expected<redis::Reply, redis::Failure>& info) { primary_said(info); });
}

void Bus::primary_said(const std::expected<redis::Reply, redis::Failure>& info) {
  if (info && engine::fails_over(info->text)) canaries_->held_back();
  auto blind = info ? place_.blind() : std::nullopt;
  bool fresh = false;
  {
    const std::lock_guard held(mutex_);
    blind_for_ = blind ? blind_for_ + 1 : 0;
    if (blind_for_ < kBlindAnswers) blind.reset();
    fresh = blind && !blind_;
    blind_ = blind;
  }
  if (fresh) warn(*blind);
}

void Bus::tell(const engine::PresenceReport& report) {
  const std::lock_guard held(tell_mutex_);
  if (!ended_) publish_presence(report, rules_, presence_events_, *fanout_);
}

void Bus::watch(BetweenNodes::Watch watch) {
  const std::lock_guard held(watch_mutex_);
  watch_ = std::move(watch);
}

void Bus::look() {
  engine::look_again(*commands_, place_.server.cluster.get(), names_, name_,
      [this](const Result<engine::BusFacts>& facts) { seen(facts); }); // at the latest when the connection is destroyed
}

void Bus::seen(const Result<engine::BusFacts>& facts) {
  std::optional<Refusal> before;
  {
    const std::lock_guard held(mutex_);
    before = std::exchange(trouble_, facts ? std::nullopt : std::optional(facts.error()));
  }
  const bool first = up_.value() == 0 && !before;
  if (!facts) was_away_ = true;
  up_.set(facts ? 1 : 0);
  if (facts && (before || first))
    deps_.log.info(
        "bus_connected", "The bus between nodes is connected.", {{"bus", name_}, {"server", facts->software}});
  if (facts && was_away_.exchange(false)) {
    const std::lock_guard held(watch_mutex_);
    if (watch_.back) watch_.back();
  }
  if (!facts && (!before || before->cause != facts.error().cause)) warn(facts.error());
}

void Bus::heard(const engine::Hearing& hearing) {
  engine::Hearing before;
  {
    const std::lock_guard held(mutex_);
    before = std::exchange(hearing_, hearing);
  }
  deaf_.set(hearing.bus_deaf ? 1 : 0);
  const auto& deaf = info(Cause::BUS_DEAF);
  if (hearing.bus_deaf && hearing.unheard != before.unheard)
    deps_.log.warning(
        "BUS_DEAF", deaf.operator_text, {{"unheard", unheard(hearing)}, {"node", node_.view()}, {"next", deaf.next}});
  if (before.bus_deaf && !hearing.bus_deaf) deps_.log.info("bus_heard", "All nodes are heard over the bus again.");
  if (hearing.node_deaf == before.node_deaf) return;
  std::optional<Refusal> why;
  if (hearing.node_deaf) {
    why = Refusal{.cause = Cause::NODE_DEAF,
        .evidence = hearing.alone ? "the other nodes hear each other" : "the database cannot be read either"};
    deps_.log.error("NODE_DEAF", why->operator_text(), {{"next", why->info().next}});
  } else {
    deps_.log.info("node_hears", "This node hears the others again.");
  }
  const std::lock_guard held(watch_mutex_);
  if (watch_.deaf) watch_.deaf(std::move(why));
}

// In a cluster also where.
std::string Bus::unheard(const engine::Hearing& hearing) const {
  std::string out = listed(hearing.unheard);
  if (!place_.server.cluster) return out;
  const auto map = place_.server.cluster->map();
  std::vector<std::string> shards;
  for (const std::string& channel : canaries_->deaf_channels())
    if (const auto* at = map->at(redis::slot_of(channel))) shards.push_back(at->shown());
  return out + " over the shards " + listed(shards);
}

std::optional<Refusal> Bus::trouble() const {
  if (auto why = place_.unreachable()) return why;
  const std::lock_guard held(mutex_);
  if (trouble_) return trouble_;
  if (!hearing_.bus_deaf) return blind_;
  return Refusal{.cause = Cause::BUS_DEAF, .evidence = "not heard: " + unheard(hearing_)};
}

std::vector<observe::HealthCheck> Bus::ready() const {
  const auto bus = [this] {
    const auto why = trouble();
    return why ? observe::HealthState::failing(std::string(why->code())) : observe::HealthState::ok();
  };
  const auto nodes = [this] {
    const std::lock_guard held(mutex_);
    return hearing_.node_deaf ? observe::HealthState::failing(std::string(code_of(Cause::NODE_DEAF)))
                              : observe::HealthState::ok();
  };
  return {{.name = "bus", .needed = false, .read = bus}, {.name = "nodes", .needed = true, .read = nodes}};
}

} // namespace foyer::app
