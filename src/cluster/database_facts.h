// What a PostgreSQL server says of itself, as far as several nodes depend on it. The role may not be allowed to see the
// sessions of other users and the state of standbys; then that is said, and what nodes report counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cluster/trouble.h"
#include "store/database.h"

namespace foyer::cluster {

// A transaction that has written, or a prepared one, in any database of the server.
struct OpenTransaction {
  std::string who;      // "session 4711 (idle in transaction)", "prepared transaction x"
  std::string database; // its
  Millis age{0};
};

struct Standby {
  std::string name;
  std::string state;              // of pg_stat_replication: streaming, catchup, backup
  bool synchronous = false;       // commits may wait for it
  std::optional<Millis> lag = {}; // until what was committed is replayed there; nothing: it is not known, or none
};

struct DatabaseFacts {
  std::string software = {}; // "PostgreSQL 15.10"
  std::string name = {};     // of the database
  store::Lineage lineage = {};
  bool fsync = true, full_page_writes = true;
  std::string synchronous_commit = {}, synchronous_standbys = {}; // the second as configured
  std::int64_t most_connections = 0, reserved_connections = 0, connections = 0;
  bool sees_all = true; // the role may see all sessions and standbys
  std::optional<OpenTransaction> oldest = {};
  std::int64_t prepared = 0;
  std::vector<Standby> standbys = {}; // by name
};

[[nodiscard]] Result<DatabaseFacts> read_database(store::Database& db);

// TRANSACTION_HELD_OPEN.
[[nodiscard]] Troubles judge_database(const DatabaseFacts& facts);

} // namespace foyer::cluster
