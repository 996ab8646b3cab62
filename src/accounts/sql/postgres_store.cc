#include "accounts/sql/postgres_store.h"

#include <utility>

#include "accounts/sql/postgres_schema.h"
#include "store/examine.h"

namespace foyer::accounts {

Result<std::unique_ptr<AccountStore>> open_postgres_store(store::PostgresOptions server, DatabaseStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  if (options.watch_every == Millis{0}) options.watch_every = kPostgresWatch;
  return open_database_store(store::postgres_writer(server, kPostgresAccounts), store::postgres_reader(server),
      std::move(options), clock, entropy, metrics, log);
}

Result<bool> examine_postgres_store(const store::PostgresOptions& server) {
  return store::examine_postgres(server, kPostgresAccounts);
}

} // namespace foyer::accounts
