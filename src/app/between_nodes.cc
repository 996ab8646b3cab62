#include "app/between_nodes.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include "app/bus.h"
#include "app/policies.h"
#include "app/presence_news.h"
#include "app/record_hearing.h"
#include "app/stores.h"
#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/sql/member_hearing.h"
#include "engine/sql/node_tail.h"
#include "engine/sql/presence_store.h"
#include "engine/sql/signal_bus.h"
#include "engine/sql/signal_fanout.h"

namespace foyer::app {
namespace {

// The other living members, as this node last read them.
class OtherMembers {
 public:
  void are(const std::vector<engine::MemberReport>& reports) {
    std::vector<engine::NodeId> nodes;
    for (const engine::MemberReport& report : reports) nodes.emplace_back(report.node);
    std::ranges::sort(nodes);
    const std::lock_guard held(mutex_);
    nodes_ = std::move(nodes);
  }
  [[nodiscard]] std::optional<std::vector<engine::NodeId>> now() const {
    const std::lock_guard held(mutex_);
    return nodes_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::vector<engine::NodeId>> nodes_;
};

std::shared_ptr<engine::NodeQuestions> questions_over(
    const std::shared_ptr<engine::ControlBus>& bus, Executor& control, std::shared_ptr<OtherMembers> others) {
  const auto questions =
      std::make_shared<engine::NodeQuestions>(*bus, control, [others = std::move(others)] { return others->now(); });
  questions->listen();
  return questions;
}

// Who the members are and what they hear comes from the database. `bus`: null for none.
std::shared_ptr<engine::MemberHearing> member_hearing(const std::shared_ptr<Bus>& bus, const config::Config& config,
    const StoreDeps& deps, engine::NodeTail& tail, const std::shared_ptr<OtherMembers>& members) {
  engine::MemberHearingOptions options{.node = deps.node, .tick = config.cluster_tick};
  Gauge& alive = deps.metrics.gauge("foyer_nodes_alive", "Living gateways of the database, as this one last read.");
  options.alive = [&alive](std::size_t nodes) { alive.set(static_cast<std::int64_t>(nodes)); };
  options.held_open = [&tail] { return tail.held_open(); };
  options.others = [members](const std::vector<engine::MemberReport>& reports) { members->are(reports); };
  if (!bus) return std::make_shared<engine::MemberHearing>(std::move(options));
  options.unheard = [bus] { return bus->canaries().hearing().unheard; };
  options.trouble = [bus] {
    const auto why = bus->trouble();
    return why ? std::string(why->code()) : std::string();
  };
  options.others = [bus, members](std::vector<engine::MemberReport> reports) {
    members->are(reports);
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
  const auto members = std::make_shared<OtherMembers>();
  BetweenNodes out;
  out.ready = bus->ready();
  if (engine::NodeTail* tail = chat.tail()) {
    tail->add(member_hearing(bus, config, deps, *tail, members));
    const auto hearing =
        std::make_shared<RecordHearing>(RecordHearing::Beside::bus, config.cluster_tick, control, deps.log);
    tail->add(hearing);
    std::ranges::move(hearing->ready(), std::back_inserter(out.ready));
  }
  out.fanout = std::shared_ptr<engine::Fanout>(bus, &bus->fanout());
  out.bus = std::shared_ptr<engine::ControlBus>(bus, &bus->control());
  out.questions = questions_over(out.bus, control, members);
  out.presence = std::shared_ptr<engine::PresenceStore>(bus, &bus->presence());
  out.shared_log = std::shared_ptr<engine::RoomLog>(bus, &bus->log());
  out.watch = [bus](BetweenNodes::Watch watch) { bus->watch(std::move(watch)); };
  return out;
}

// Presence in the database. What nobody has seen happen is told as other events are, until this ends.
class SignalledPresence {
 public:
  SignalledPresence(const config::Config& config, const std::shared_ptr<engine::Signals>& signals, Executor& control)
      : news_(std::make_shared<News>(config)),
        signals_(signals),
        fanout_(std::make_shared<engine::SignalFanout>(signals, [news = news_] { news->lost(); })),
        store_({.node = signals->node(),
                   .report = [news = news_](const engine::PresenceReport& report) { news->publish(report, false); },
                   .recount = [news = news_](const engine::PresenceReport& report) { news->publish(report, true); },
                   .tick = config.cluster_tick},
            signals->writer(), control) {
    news_->begin(*fanout_, store_);
  }
  ~SignalledPresence() { news_->end(); }
  SignalledPresence(const SignalledPresence&) = delete;
  SignalledPresence& operator=(const SignalledPresence&) = delete;
  [[nodiscard]] engine::PresenceStore& store() { return store_; }
  [[nodiscard]] engine::SignalFanout& fanout() { return *fanout_; }

 private:
  // Outlives the rest in rounds that are under way.
  class News {
   public:
    explicit News(const config::Config& config)
        : rules_(room_rules(config)),
          presence_events_(config.gateway.rooms.presence_events_limit) {}
    void begin(engine::SignalFanout& fanout, engine::SqlPresenceStore& store) {
      const std::lock_guard held(mutex_);
      fanout_ = &fanout;
      store_ = &store;
    }
    void end() {
      const std::lock_guard held(mutex_);
      fanout_ = nullptr;
      store_ = nullptr;
    }
    void publish(const engine::PresenceReport& report, bool only_here) {
      const std::lock_guard held(mutex_);
      if (fanout_ == nullptr) return;
      engine::Fanout& to = only_here ? fanout_->here() : *fanout_;
      publish_presence(report, rules_, presence_events_, to);
    }
    void lost() {
      const std::lock_guard held(mutex_);
      if (store_ != nullptr) store_->recount();
    }

   private:
    const rooms::RoomRules rules_;
    const std::size_t presence_events_;
    std::mutex mutex_; // held while something is published
    engine::SignalFanout* fanout_ = nullptr;
    engine::SqlPresenceStore* store_ = nullptr;
  };
  const std::shared_ptr<News> news_;
  const std::shared_ptr<engine::Signals> signals_;
  const std::shared_ptr<engine::SignalFanout> fanout_;
  engine::SqlPresenceStore store_;
};

// What is in no record goes by signals; messages are followed by their positions in the record.
Result<BetweenNodes> by_signals(
    const config::Config& config, const StoreDeps& deps, Executor& control, engine::NodeTail& tail) {
  TRY(opened,
      engine::open_postgres_signals(server_of(config, deps),
          {.node = engine::NodeId{deps.node}, .committed = [&tail] { tail.committed(); }, .reached = tail.reached()},
          deps.clock, deps.metrics, deps.log));
  const std::shared_ptr<engine::Signals> signals = std::move(opened);
  tail.add(signals);
  const auto members = std::make_shared<OtherMembers>();
  tail.add(member_hearing(nullptr, config, deps, tail, members));
  const auto hearing =
      std::make_shared<RecordHearing>(RecordHearing::Beside::nothing, config.cluster_tick, control, deps.log);
  tail.add(hearing);
  BetweenNodes out;
  const auto presence = std::make_shared<SignalledPresence>(config, signals, control);
  out.presence = std::shared_ptr<engine::PresenceStore>(presence, &presence->store());
  out.fanout = std::shared_ptr<engine::Fanout>(presence, &presence->fanout());
  out.bus = std::make_shared<engine::SignalBus>(signals, control, deps.clock);
  out.questions = questions_over(out.bus, control, members);
  out.ready = hearing->ready();
  out.watch = [hearing](BetweenNodes::Watch watch) { hearing->watch(std::move(watch)); };
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
