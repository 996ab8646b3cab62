// The bus of BUS_URL, a Valkey or Redis server, as this server uses it: fan-out, control bus, presence and the log of
// rooms that are not durable, canaries that tell whether it delivers, and whether it is still the bus that the nodes
// agreed on.
//
// Its loss does no harm to what is stored: nodes read that from the database in any case.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/between_nodes.h"
#include "app/bus_place.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/options.h"
#include "engine/redis/bus_canaries.h"
#include "engine/redis/control_bus.h"
#include "engine/redis/fanout.h"
#include "engine/redis/opening.h"
#include "engine/redis/presence_store.h"
#include "engine/redis/room_log.h"
#include "engine/redis/ticker.h"
#include "observe/health.h"
#include "redis/deployment.h"

namespace foyer::app {

// For a check: what a start would find. BUS_UNREACHABLE, BUS_REFUSED, BUS_UNSUITABLE, SENTINEL_UNREACHABLE; also
// SENTINEL_BLIND, with which a server starts.
[[nodiscard]] Result<engine::BusSeen> look_at_bus(const config::Config& config, Entropy& entropy);
[[nodiscard]] std::string bus_text(const engine::BusSeen& seen); // lines, as `foyer check` prints them
[[nodiscard]] json::Object bus_json(const engine::BusSeen& seen);

// The name of the bus, from the living members of the database or from the bus itself; a new one gets a name.
[[nodiscard]] Result<std::string> name_of_bus(const config::Config& config, Entropy& entropy);

struct BusDeps {
  const Clock& clock;
  Entropy& entropy;
  Metrics& metrics;
  Log& log;
  Executor& control;
};

class Bus {
 public:
  // `node`: this one. `name`: of the bus. The references in `deps` outlive this.
  Bus(const config::Config& config, BusDeps deps, engine::NodeId node, std::string name);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  [[nodiscard]] engine::Fanout& fanout() { return *fanout_; }
  [[nodiscard]] engine::ControlBus& control() { return *control_; }
  [[nodiscard]] engine::PresenceStore& presence() { return *presence_; }
  [[nodiscard]] engine::RoomLog& log() { return *log_; }
  [[nodiscard]] engine::BusCanaries& canaries() { return *canaries_; }

  // After the call the functions of an earlier one are not called.
  void watch(BetweenNodes::Watch watch);

  [[nodiscard]] std::vector<observe::HealthCheck> ready() const;
  // Why it is not used as it should be. Any thread.
  [[nodiscard]] std::optional<Refusal> trouble() const;

 private:
  void follow_primary();
  void warn(const Refusal& refusal);
  void open_listeners(const config::Config& config);
  void look();
  void ask_primary();
  void primary_said(const std::expected<redis::Reply, redis::Failure>& info);
  void seen(const Result<engine::BusFacts>& facts);
  void heard(const engine::Hearing& hearing);
  [[nodiscard]] std::string unheard(const engine::Hearing& hearing) const;
  void tick();
  void tell(const engine::PresenceReport& report);

  const BusDeps deps_;
  const engine::NodeId node_;
  const std::string name_;
  const engine::BusNames names_;
  const rooms::RoomRules rules_;
  const std::size_t presence_events_; // a room with more users: members_changed
  Gauge& up_;
  Gauge& deaf_;
  const BusPlace place_;
  mutable std::mutex mutex_; // the next four
  std::optional<Refusal> trouble_;
  std::optional<Refusal> blind_;
  int blind_for_ = 0; // answers of the primary in a row, while its sentinels counted it as down
  engine::Hearing hearing_;
  std::mutex watch_mutex_; // held while it is called
  BetweenNodes::Watch watch_;
  std::mutex tell_mutex_; // held while something is published
  bool ended_ = false;
  std::atomic<bool> logged_in_{false}; // since the last look
  std::atomic<bool> was_away_{false};
  std::atomic<bool> canary_late_{false};
  int ticks_ = 0;
  bool sentinels_lost_ = false;
  std::shared_ptr<void> following_;
  std::unique_ptr<redis::Commands> commands_;
  std::unique_ptr<engine::BusCanaries> canaries_;
  std::unique_ptr<engine::RedisFanout> fanout_;
  std::unique_ptr<engine::RedisControlBus> control_;
  std::unique_ptr<engine::RedisRoomLog> log_;
  std::unique_ptr<engine::RedisPresenceStore> presence_;
  // A planned failover holds back commands that write, and all that follow them on their connection.
  std::unique_ptr<redis::Connection> questions_; // null: in a cluster
  std::unique_ptr<engine::Ticker> ticker_;
};

} // namespace foyer::app
