// How the bus of BUS_URL is reached: one server, a primary that sentinels name, or a cluster.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "config/options.h"
#include "engine/redis/opening.h"
#include "redis/cluster.h"
#include "redis/policy.h"
#include "redis/sentinel.h"

namespace foyer::app {

struct BusPlace {
  redis::Server server; // for every connection
  redis::Policy policy = {};
  std::unique_ptr<redis::Sentinel> sentinel = {}; // null: BUS_URL names no sentinels

  // SENTINEL_UNREACHABLE: no sentinel says where the primary is. BUS_UNREACHABLE: the cluster is down.
  [[nodiscard]] std::optional<Refusal> unreachable() const;
  // SENTINEL_BLIND: they count the primary as down, which is wrong if it answers.
  [[nodiscard]] std::optional<Refusal> blind() const;
};

// BUS_URL without users and passwords.
[[nodiscard]] std::string bus_shown(const config::Config& config);

// Where there are sentinels or a cluster, begins to ask them.
[[nodiscard]] BusPlace find_bus(const config::Config& config, Entropy& entropy);

} // namespace foyer::app
