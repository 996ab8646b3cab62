// The chat store in PostgreSQL: rooms, members and messages in one database, with
// one gateway that writes, or several.
#pragma once

#include <memory>

#include "engine/sql/database_store.h"
#include "store/postgres.h"

namespace foyer::engine {

// How often an idle connection is checked, so that readiness follows the server's state.
inline constexpr Millis kPostgresWatch{1'000};

// With Writers::one, one process at a time opens the chat of a database: CHAT_STORE_IN_USE (an advisory lock
// held as long as the writing connection). CLUSTER_MISMATCH: processes of both kinds, or that do not fit together
// (members.h). DATABASE_UNREACHABLE, STORE_TOO_NEW and the causes of store/postgres.h. All references must outlive the
// store.
[[nodiscard]] Result<std::unique_ptr<ChatStore>> open_postgres_store(store::PostgresOptions server,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// What nodes need to know of a database before they open it.
struct NodesDatabase {
  std::string name; // a word for it, the same on a standby that was promoted
  std::string bus;  // that its living members use (members.h); empty: there are none, or they use none
};
[[nodiscard]] Result<NodesDatabase> look_at_nodes(const store::PostgresOptions& server);

// Whether a start could use the database; changes nothing (store/examine.h).
[[nodiscard]] Result<bool> examine_postgres_store(const store::PostgresOptions& server, Writers writers = Writers::one);

} // namespace foyer::engine
