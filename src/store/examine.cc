#include "store/examine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "base/bytes.h"
#include "store/schema_version.h"

namespace foyer::store {
namespace {

Result<bool> is_current(Database& db, const Schema& schema, const std::string& versions) {
  TRY(rows, db.query(versions));
  TRY(found, rows.step());
  if (!found || rows.count(0) < schema.steps.size()) return false;
  TRY_VOID(usable({.now = rows.count(0), .oldest = rows.count(1)}, schema, db.name()));
  return true;
}

Result<bool> has_table(Database& db, std::string_view table) {
  TRY(tables, db.query("SELECT to_regclass(?) IS NOT NULL", table));
  TRY_VOID(tables.step());
  return tables.integer(0) == 1;
}

Result<void> of_environment(Database& db, const std::string& wanted) {
  TRY(noted, has_table(db, "foyer_environment"));
  if (!noted) return {};
  TRY(rows, db.query("SELECT name FROM foyer_environment"));
  TRY(found, rows.step());
  if (!found || rows.text(0) == wanted) return {};
  return refuse(Cause::DATA_ENVIRONMENT_MISMATCH,
      fmt::format("{} belongs to the environment {}, but this process runs in {}", db.name(),
          printable(rows.text(0), 32), wanted));
}

Result<void> has_no_owner(Database& db, std::string_view part) {
  for (int tries = 1;; ++tries) {
    TRY(holders,
        db.query("SELECT coalesce(a.client_addr::text, 'this machine'), a.backend_start::text, l.mode = 'ShareLock'"
                 " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
                 " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
                 " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                 " AND (l.classid::bigint << 32 | l.objid::bigint) = ?::bigint",
            owner_lock(part)));
    TRY(held, holders.step());
    if (!held) return {};
    if (tries == kOwnTries)
      return refuse(holders.integer(2) != 0 ? Cause::CLUSTER_MISMATCH : Cause::CHAT_STORE_IN_USE,
          fmt::format("{}: held by a connection from {} since {}{}", db.name(), holders.text(0), holders.text(1),
              holders.integer(2) != 0 ? ", which is one of several; this one is to be the only one" : ""));
    std::this_thread::sleep_for(kOwnPause);
  }
}

} // namespace

Result<bool> examine_sqlite(const std::string& path, const Schema& schema) {
  if (::access(path.c_str(), F_OK) != 0) return false;
  TRY(database, open_sqlite(path, {.access = Access::read_write}));
  {
    TRY(tables, database->query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"));
    TRY(exists, tables.step());
    if (!exists) return false;
  }
  TRY(current, is_current(*database, schema, "SELECT version, version FROM schema_version"));
  if (database->read_only()) return refuse(Cause::STORE_READ_ONLY, path);
  return current;
}

Result<bool> examine_postgres(const PostgresOptions& options, const Schema& schema, Owner owner) {
  TRY(database, open_postgres(options, PostgresUse::write));
  if (owner == Owner::sole) TRY_VOID(has_no_owner(*database, schema.part));
  const std::string table = fmt::format("foyer_{}_version", schema.part);
  TRY(exists, has_table(*database, table));
  if (!options.environment.empty()) TRY_VOID(of_environment(*database, options.environment));
  if (!exists) return false;
  return is_current(*database, schema, postgres_version_query(table));
}

} // namespace foyer::store
