#include "cluster/database_facts.h"

#include <fmt/format.h>

#include <chrono>

#include "base/bytes.h"
#include "engine/sql/held_back.h"

namespace foyer::cluster {
namespace {

constexpr std::size_t kShown = 64;

constexpr std::string_view kSettings =
    "SELECT current_setting('server_version'), current_database(), current_setting('fsync') = 'on', "
    "current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'), "
    "current_setting('synchronous_standby_names'), CAST(current_setting('max_connections') AS BIGINT), "
    "CAST(current_setting('superuser_reserved_connections') AS BIGINT), (SELECT count(*) FROM pg_stat_activity WHERE "
    "backend_type = 'client backend' OR backend_type IS NULL), pg_has_role('pg_read_all_stats', 'USAGE'), (SELECT "
    "count(*) FROM pg_prepared_xacts)";
constexpr std::string_view kOldest =
    "SELECT who, place, CAST(extract(epoch FROM now() - since) * 1000 AS BIGINT) FROM (SELECT 'session ' || pid || ' "
    "(' "
    "|| coalesce(state, 'unknown') || ')' AS who, coalesce(datname, '') AS place, xact_start AS since FROM "
    "pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() UNION ALL SELECT 'prepared transaction "
    "' "
    "|| gid, database, prepared FROM pg_prepared_xacts) AS open WHERE since IS NOT NULL ORDER BY since LIMIT 1";
constexpr std::string_view kStandbys =
    "SELECT application_name, coalesce(state, ''), coalesce(sync_state, '') IN ('sync', 'quorum'), CAST(extract(epoch "
    "FROM replay_lag) * 1000 AS BIGINT) FROM pg_stat_replication ORDER BY application_name, pid";

Result<void> read_settings(store::Database& db, DatabaseFacts& out) {
  TRY(rows, db.query(kSettings));
  TRY(there, rows.step());
  if (!there) return {};
  out.software = "PostgreSQL " + rows.text(0);
  out.name = rows.text(1);
  out.fsync = rows.integer(2) != 0;
  out.full_page_writes = rows.integer(3) != 0;
  out.synchronous_commit = rows.text(4);
  out.synchronous_standbys = rows.text(5);
  out.most_connections = rows.integer(6);
  out.reserved_connections = rows.integer(7);
  out.connections = rows.integer(8);
  out.sees_all = rows.integer(9) != 0;
  out.prepared = rows.integer(10);
  return {};
}

} // namespace

Result<DatabaseFacts> read_database(store::Database& db) {
  DatabaseFacts out;
  TRY(lineage, db.lineage());
  out.lineage = std::move(lineage);
  TRY_VOID(read_settings(db, out));
  {
    TRY(rows, db.query(kOldest));
    TRY(there, rows.step());
    if (there)
      out.oldest = OpenTransaction{.who = printable(rows.text(0), kShown),
          .database = printable(rows.text(1), kShown),
          .age = Millis{rows.integer(2)}};
  }
  TRY(rows, db.query(kStandbys));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    Standby standby{.name = printable(rows.text(0), kShown),
        .state = printable(rows.text(1), kShown),
        .synchronous = rows.integer(2) != 0};
    if (!rows.is_null(3)) standby.lag = Millis{rows.integer(3)};
    out.standbys.push_back(std::move(standby));
  }
}

Troubles judge_database(const DatabaseFacts& facts) {
  Troubles out;
  if (facts.oldest && facts.oldest->age >= engine::kHeldOpen)
    out.push_back({.cause = Cause::TRANSACTION_HELD_OPEN,
        .where = "database",
        .message = fmt::format("{} in the database {} is open for {} s.", facts.oldest->who, facts.oldest->database,
            std::chrono::duration_cast<std::chrono::seconds>(facts.oldest->age).count())});
  return out;
}

} // namespace foyer::cluster
