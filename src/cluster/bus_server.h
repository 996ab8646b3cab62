// What a Valkey or Redis server says of itself and of its replicas, as far as several nodes depend on it. A user may
// not be allowed to read the configuration (CONFIG): then those values are unknown, and nothing fails.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cluster/line.h"
#include "cluster/trouble.h"
#include "redis/connection.h"

namespace foyer::cluster {

// The lines `name:value` of INFO.
using InfoFields = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] InfoFields info_fields(std::string_view info);

struct BusReplica {
  std::string host = {};
  std::uint16_t port = 0;
  bool named = true;      // by the primary; otherwise only sentinels know it
  std::string state = {}; // as the primary says: online, wait_bgsave, send_bulk
  bool away = false;      // sentinels do not reach it, and so do not choose it
  // As it says itself. Nothing: it could not be asked, `why` says why.
  std::optional<std::string> link = {}; // master_link_status: up, down
  std::string why = {};
};
// The replicas in INFO of their primary, before they are asked.
[[nodiscard]] std::vector<BusReplica> replicas_of(const InfoFields& info);
// Of the reply to SENTINEL REPLICAS. One that has lost its primary is there, and not in INFO.
[[nodiscard]] std::vector<BusReplica> watched_replicas(const redis::Reply& reply);

struct BusServer {
  InfoFields info;
  // Of the configuration; without a value: the user may not read it.
  std::map<std::string, std::optional<std::string>, std::less<>> settings = {};
  std::vector<BusReplica> replicas = {};
};
inline constexpr std::string_view kBusSettings[] = {
    "appendfsync", "client-output-buffer-limit", "min-replicas-max-lag", "min-replicas-to-write"};

struct Sentinels {
  std::vector<redis::Server> each = {};
  std::string name = {}; // of the primary
};
// Asks the server and each of its replicas, with the same user; and sentinels, until one of them says which replicas
// there are. Blocks for the timeouts of the policy.
[[nodiscard]] Result<BusServer> read_bus(
    const redis::Server& server, const redis::Policy& policy, Entropy& entropy, const Sentinels& sentinels = {});

[[nodiscard]] Lines describe_bus(const BusServer& bus);
// REPLICA_INCOMPLETE, BUS_UNSUITABLE.
[[nodiscard]] Troubles judge_bus_server(const BusServer& bus);

} // namespace foyer::cluster
