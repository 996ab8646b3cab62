#include "accounts/sql/sqlite_store.h"

#include <utility>

#include "accounts/sql/database_store.h"
#include "accounts/sql/sqlite_schema.h"
#include "store/examine.h"

namespace foyer::accounts {

Result<std::unique_ptr<AccountStore>> open_sqlite_store(const std::string& path, SqliteStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  DatabaseStoreOptions common{.queue_limit = options.queue_limit,
      .keep_audit = options.keep_audit,
      .keep_refusals = options.keep_refusals,
      .audit_refusals = options.audit_refusals,
      .keep_ended = options.keep_ended,
      .keep_revocations = options.keep_revocations,
      .forgets = options.forgets,
      .executor = options.executor};
  return open_database_store(store::sqlite_writer(path, options.database, {"accounts", kMigrations}),
      store::sqlite_reader(path, options.database), std::move(common), clock, entropy, metrics, log);
}

Result<bool> examine_sqlite_store(const std::string& path) {
  return store::examine_sqlite(path, {"accounts", kMigrations});
}

} // namespace foyer::accounts
