// Whether a server can be the bus between nodes, and which bus it is.
//
// A bus has a name under one of its keys: which database its nodes share, and something random. The nodes note it in
// that database, so that members with different buses find out, and so do installations that were given the same bus. A
// bus that lost its memory gets the noted name again, from the first node that asks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/redis/names.h"
#include "redis/cluster.h"
#include "redis/commands.h"
#include "redis/policy.h"

namespace foyer::engine {

inline constexpr Millis kBusNameLife{std::chrono::hours{30 * 24}}; // of the name; renewed with each look

// One server, or each primary of a cluster.
enum class BusKind : std::uint8_t { server, cluster };

// What INFO says of a server that is suited.
struct BusFacts {
  std::string software;     // "Redis 7.0.15", "Valkey 8.1.0"
  std::uint64_t memory = 0; // limit in bytes; 0: none
  std::uint64_t replicas = 0;
  bool appends = false; // to a file: a restart loses little
  friend bool operator==(const BusFacts&, const BusFacts&) = default;
};

// BUS_UNSUITABLE: a replica, not of that kind, too old, or one that removes keys when its memory is full. All keys
// of a bus have an end, so policies that remove only such keys remove them, too.
[[nodiscard]] Result<BusFacts> judge_bus(std::string_view info, BusKind kind = BusKind::server);

// Whether INFO says that a planned failover (FAILOVER) is in progress, which holds back what is published.
[[nodiscard]] bool fails_over(std::string_view info);

struct BusSeen {
  BusFacts facts = {};
  std::size_t shards = 0; // of a cluster; the facts are those of one of them
  std::string name = {};  // of the bus; empty: it has none yet
};

// Connects once (to a cluster: to each primary), and does what a node does: every command of its scripts, a
// subscription, a publication. Leaves no key. Blocks, at most for the timeouts of the policy. BUS_UNREACHABLE;
// BUS_REFUSED with the server's own words; BUS_UNSUITABLE.
[[nodiscard]] Result<BusSeen> look_at_bus(
    const redis::Server& server, const redis::Policy& policy, const BusNames& names, Entropy& entropy);

struct BusOwner {
  std::string database; // a word for the database that its nodes share
  std::string noted;    // the name of the bus that is noted there; empty: none
};
// The same, and gives a bus without a name the noted one, or draws one. The answer has the name that the bus has then,
// which may be another one than is noted. CLUSTER_MISMATCH: it is that of another database.
[[nodiscard]] Result<BusSeen> open_bus(const redis::Server& server, const redis::Policy& policy, const BusNames& names,
    const BusOwner& owner, Entropy& entropy);

// For a running node, on any thread: whether the server, or each primary of the cluster, is still suited, and whether
// the bus has that name, which it gets again if it has none. CLUSTER_MISMATCH: it is another bus. `cluster`: null for
// one server; the facts are those of one of its primaries. `done` on a thread of the commands.
void look_again(redis::Commands& commands, const redis::Cluster* cluster, const BusNames& names,
    const std::string& name, Completion<BusFacts> done);

} // namespace foyer::engine
