// Migrates the schema of a database step by step, and checks the environment that it belongs to.
#include <algorithm>

#include "store/postgres_database.h"

namespace foyer::store {
namespace {

constexpr Millis kMigrationTimeout{10 * 60'000};

} // namespace

// --- schema ---

std::string postgres_version_query(std::string_view table) {
  // A table that no program with this column has migrated yet has none.
  return fmt::format("SELECT version, coalesce((to_jsonb(v)->>'oldest')::bigint, version) FROM {} v", table);
}

Result<void> usable(const SchemaVersion& there, const Schema& schema, std::string_view database) {
  const auto known = static_cast<std::uint64_t>(schema.steps.size());
  if (there.now <= known || there.oldest <= known) return {};
  return refuse(Cause::STORE_TOO_NEW,
      fmt::format("{} has schema version {} of {}; this program supports versions up to {}", database, there.now,
          schema.part, known));
}

Result<SchemaVersion> PgDatabase::version(const std::string& table) {
  TRY(rows, query(postgres_version_query(table)));
  TRY(found, rows.step());
  return found ? SchemaVersion{.now = rows.count(0), .oldest = rows.count(1)} : SchemaVersion{};
}

Result<void> PgDatabase::take_migration_lock(std::string_view part) {
  TRY_VOID(begin_with(kBeginReadCommitted)); // it must see the changes of the lock's last owner
  TRY_VOID(
      script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL "
             "idle_in_transaction_session_timeout = 0"));
  TRY(locked, query("SELECT pg_advisory_xact_lock(?)", lock_number(fmt::format("migrate:{}", part))));
  return locked.run();
}

Result<void> PgDatabase::take_steps(const Schema& schema, const std::string& table) {
  const auto known = static_cast<std::uint64_t>(schema.steps.size());
  SchemaVersion there;
  {
    TRY(tables, query("SELECT to_regclass(?) IS NOT NULL", table));
    TRY_VOID(tables.step());
    if (tables.integer(0) == 1) {
      TRY(noted, version(table));
      there = noted;
    }
  }
  // Another process may be migrating the same database: the version is read again under the lock.
  while (there.now < known) {
    TRY_VOID(take_migration_lock(schema.part));
    // A schema of our own, since the database may be shared. A user who must not create one finds it created.
    TRY_VOID(
        script("DO $$ BEGIN IF to_regnamespace('foyer') IS NULL THEN CREATE SCHEMA foyer; END IF;"
               " EXCEPTION WHEN duplicate_schema OR unique_violation THEN NULL; END $$"));
    TRY_VOID(
        script(fmt::format("CREATE TABLE IF NOT EXISTS {0} (version BIGINT NOT NULL, probed BIGINT NOT NULL);"
                           "ALTER TABLE {0} ADD COLUMN IF NOT EXISTS oldest BIGINT;" // null: as `version`
                           "INSERT INTO {0} (version, probed) SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM {0});",
            table)));
    TRY(noted, version(table));
    there = noted;
    if (there.now < known) {
      TRY_VOID(script(std::string(schema.steps[there.now])));
      ++there.now;
      there.oldest = std::min<std::uint64_t>(there.now, schema.oldest.value_or(there.now));
      TRY_VOID(change(fmt::format("UPDATE {} SET version = ?, oldest = ?", table), there.now, there.oldest));
    }
    TRY_VOID(commit());
  }
  return usable(there, schema, name());
}

Result<void> PgDatabase::migrate(const Schema& schema) {
  const std::string table = fmt::format("foyer_{}_version", schema.part);
  touch_ = fmt::format("UPDATE {} SET probed = probed + 1", table);
  timeout_ = kMigrationTimeout;
  auto done = take_steps(schema, table);
  if (!done && in_transaction()) (void)roll_back();
  timeout_ = options_.answer_timeout;
  return done;
}

// --- environment ---

Result<std::optional<std::string>> PgDatabase::noted_environment() {
  {
    TRY(tables, query("SELECT to_regclass('foyer_environment') IS NOT NULL"));
    TRY_VOID(tables.step());
    if (tables.integer(0) == 0) return std::nullopt;
  }
  TRY(rows, query("SELECT name FROM foyer_environment"));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  return rows.text(0);
}

Result<void> PgDatabase::note_environment(std::string_view environment) {
  TRY_VOID(take_migration_lock("environment"));
  TRY_VOID(
      script("CREATE TABLE IF NOT EXISTS foyer_environment (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), name "
             "TEXT NOT NULL)"));
  TRY_VOID(change("INSERT INTO foyer_environment (name) VALUES (?) ON CONFLICT DO NOTHING",
      environment)); // another process may have been first
  return commit();
}

Result<void> PgDatabase::claim(std::string_view environment) {
  TRY(noted, noted_environment());
  if (!noted) {
    auto done = note_environment(environment);
    if (!done && in_transaction()) (void)roll_back();
    if (!done) return done;
    TRY(now, noted_environment());
    noted = std::move(now);
  }
  if (noted && *noted != environment)
    return refuse(Cause::DATA_ENVIRONMENT_MISMATCH,
        fmt::format("{} belongs to the environment {}, but this process runs in {}", name(), printable(*noted, 32),
            environment));
  return {};
}

} // namespace foyer::store
