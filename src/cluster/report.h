// All nodes of a database at one moment: who is there, what each hears, the database and the bus between them, and what
// is wrong with that. Made of what nodes write into the database, so it is there while no node runs, too.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "cluster/database_facts.h"
#include "cluster/trouble.h"
#include "engine/redis/opening.h"
#include "engine/sql/members_seen.h"

namespace foyer::cluster {

struct BusReport {
  std::string server;                       // its address, without user and password
  std::optional<engine::BusSeen> seen = {}; // nothing: it could not be asked
  std::optional<Refusal> wrong = {};        // why
};

struct Report {
  engine::MembersSeen members = {};
  DatabaseFacts database = {};
  std::optional<BusReport> bus = {}; // nothing: none is configured
};

// NODE_DEAF (also of a node that died), what nodes say of their bus, CLUSTER_MISMATCH, TRANSACTION_HELD_OPEN.
[[nodiscard]] Troubles judge(const Report& report);

// Without the mode, which is that of a configuration. Members of the object: docs/many-nodes.md.
[[nodiscard]] json::Object to_json(const Report& report, const Troubles& troubles);
[[nodiscard]] std::string to_text(const Report& report, const Troubles& troubles);
// Lines for each; empty for none.
[[nodiscard]] std::string to_text(const Troubles& troubles);
[[nodiscard]] json::Array to_json(const Troubles& troubles);

} // namespace foyer::cluster
