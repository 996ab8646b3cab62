// What the settings and the state of a PostgreSQL server mean for nodes.
#pragma once

#include "cluster/database_facts.h"
#include "cluster/line.h"

namespace foyer::cluster {

// Connections of one process: for messages, for who is there unless a bus knows it, and with the auth role for
// accounts.
inline constexpr std::int64_t kGatewayConnections = 4;
inline constexpr std::int64_t kPresenceConnections = 1;
inline constexpr std::int64_t kAuthConnections = 4;

// `needed`: connections of the nodes that are alive.
[[nodiscard]] Lines describe_database(const DatabaseFacts& facts, std::int64_t needed);

} // namespace foyer::cluster
