#include "engine/sql/postgres_store.h"

#include <utility>

#include "engine/sql/postgres_schema.h"
#include "store/examine.h"

namespace foyer::engine {
namespace {

store::Owner owner_of(Writers writers) { return writers == Writers::one ? store::Owner::sole : store::Owner::among; }

} // namespace

Result<std::unique_ptr<ChatStore>> open_postgres_store(store::PostgresOptions server, DatabaseStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  if (options.watch_every == Millis{0}) options.watch_every = kPostgresWatch;
  server.isolation = store::Isolation::read_committed;
  const auto owner = owner_of(options.writers);
  return open_database_store(store::postgres_writer(server, {"chat", kPostgresChatSchema}, owner),
      store::postgres_reader(server), std::move(options), clock, entropy, metrics, log);
}

Result<bool> examine_postgres_store(const store::PostgresOptions& server, Writers writers) {
  return store::examine_postgres(server, {"chat", kPostgresChatSchema}, owner_of(writers));
}

} // namespace foyer::engine
