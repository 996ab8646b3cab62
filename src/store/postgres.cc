#include "store/postgres.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "store/postgres_database.h"

namespace foyer::store {

std::int64_t lock_number(std::string_view what) {
  const std::string digest = sha256(fmt::format("foyer:{}", what));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  return static_cast<std::int64_t>(number);
}

Result<bool> PgCursor::step() {
  unescaped_.clear();
  if (!result_) {
    std::vector<const char*> values;
    values.reserve(parameters_.size());
    for (const auto& parameter : parameters_) values.push_back(parameter ? parameter->c_str() : nullptr);
    TRY(result, database_.execute(prepared_, values));
    result_ = std::move(result);
  }
  if (row_ + 1 >= PQntuples(result_.get())) return false;
  ++row_;
  return true;
}

// --- history of the server ---

// The control file shows the old timeline until the first checkpoint after a promotion: the name of the current
// log segment shows the new one. Some services do not grant the permission: then it is empty.
Result<Lineage> PgDatabase::lineage() {
  const auto ask = [this](std::string_view sql) -> Result<std::string> {
    auto rows = query(sql);
    if (!rows) return std::unexpected(std::move(rows).error());
    auto found = rows->step();
    if (found) return *found ? rows->text(0) : std::string{};
    if (link_->state() == PgLink::State::lost) return std::unexpected(std::move(found).error());
    return std::string{};
  };
  TRY(timeline,
      ask("SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"));
  TRY(system, ask("SELECT system_identifier::text FROM pg_control_system()"));
  return Lineage{.system = std::move(system), .timeline = std::move(timeline)};
}

// --- ownership ---

namespace {

// The previous connection of this process: after a fail-over or a network failure its server
// process may still hold the lock, and nothing else will end it soon.
struct Before {
  std::int64_t process = 0;
  std::string started;
};

Result<void> own(PgDatabase& db, std::string_view part, Owner owner, Before& before) {
  const std::int64_t number = owner_lock(part);
  for (int tries = 1;; ++tries) {
    {
      TRY(locked,
          db.query(owner == Owner::sole ? "SELECT pg_try_advisory_lock(?)" : "SELECT pg_try_advisory_lock_shared(?)",
              number));
      TRY_VOID(locked.step());
      if (locked.integer(0) == 1) break;
    }
    TRY(holders,
        db.query("SELECT a.pid, a.backend_start::text, coalesce(a.client_addr::text, 'this machine'), "
                 "coalesce(a.wait_event, ''), l.mode = 'ShareLock'"
                 " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
                 " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM "
                 "pg_database WHERE datname = current_database())"
                 " AND (l.classid::bigint << 32 | l.objid::bigint) = ?::bigint",
            number));
    TRY(held, holders.step());
    const bool ours = held && holders.integer(0) == before.process && holders.text(1) == before.started;
    // This process may start right after another one whose end the server has not noticed yet.
    const bool starting = before.process == 0;
    if ((held && !ours && !starting) || tries == kOwnTries) {
      const std::string where = held ? holders.text(2) : "elsewhere", since = held ? holders.text(1) : "now";
      if (owner == Owner::among)
        return refuse(Cause::CLUSTER_MISMATCH,
            fmt::format(
                "{}: a gateway that is to be the only one has it open, from {} since {}; this one is to be one of "
                "several",
                db.name(), where, since));
      if (held && holders.integer(4) != 0)
        return refuse(Cause::CLUSTER_MISMATCH,
            fmt::format(
                "{}: a gateway that is one of several has it open, from {} since {}; this one is to be the only one",
                db.name(), where, since));
      return refuse(
          Cause::CHAT_STORE_IN_USE, fmt::format("{}: held by a connection from {} since {}", db.name(), where, since));
    }
    // Terminating it would make its transaction visible although no standby has it. A backend that is running a
    // statement may commit next.
    const std::string waits_for = held ? holders.text(3) : "";
    if (ours && waits_for == "SyncRep")
      return refuse(Cause::DATABASE_UNREACHABLE,
          fmt::format("{}: the session before this one waits for a synchronous standby to confirm its last transaction",
              db.name()));
    if (ours && waits_for == "ClientRead") {
      TRY(ended, db.query("SELECT pg_terminate_backend(?::integer)", before.process));
      TRY_VOID(ended.run());
    }
    std::this_thread::sleep_for(kOwnPause);
  }
  // The server's value: libpq may know only a pooler's.
  TRY(self, db.query("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"));
  TRY_VOID(self.step());
  before = {.process = self.integer(0), .started = self.text(1)};
  return {};
}

// Each of the three is a transaction; and a statement of its own, since some poolers know the names of earlier ones.
Result<void> has_a_session(PgDatabase& db) {
  std::int64_t first = 0;
  for (const std::string_view ask :
      {"SELECT pg_backend_pid()", "SELECT pg_backend_pid() AS second", "SELECT pg_backend_pid() AS third"}) {
    TRY(rows, db.query(ask));
    TRY_VOID(rows.step());
    const std::int64_t process = rows.integer(0);
    if (first == 0) first = process;
    if (process != first)
      return refuse(Cause::POOLER_UNSUITABLE,
          fmt::format(
              "{}: one transaction ran in the server process {}, the next one in {}", db.name(), first, process));
  }
  return {};
}

Result<std::unique_ptr<PgDatabase>> connect(const PostgresOptions& options, PostgresUse use) {
  TRY(link, PgLink::connect(options, use));
  auto database = std::make_unique<PgDatabase>(std::move(link), options, use);
  TRY_VOID(has_a_session(*database));
  return database;
}

constexpr int kMostDoublings = 2;

// Connects for an opener, which may be copied: the time that a try may take grows with those that failed.
class Connecting {
 public:
  explicit Connecting(PostgresOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<PgDatabase>> operator()(PostgresUse use) const {
    PostgresOptions options = options_;
    options.connect_timeout = options.connect_timeout * (1 << std::min(failed_->load(), kMostDoublings));
    auto database = connect(options, use);
    failed_->store(database ? 0 : std::min(failed_->load() + 1, kMostDoublings));
    return database;
  }
  [[nodiscard]] const PostgresOptions& options() const { return options_; }

 private:
  PostgresOptions options_;
  std::shared_ptr<std::atomic<int>> failed_ = std::make_shared<std::atomic<int>>(0); // in a row
};

} // namespace

std::int64_t owner_lock(std::string_view part) { return lock_number(fmt::format("own:{}", part)); }

Result<std::unique_ptr<Database>> open_postgres(const PostgresOptions& options, PostgresUse use) {
  return connect(options, use);
}

Opener postgres_writer(PostgresOptions options, Schema schema, Owner owner) {
  return [connecting = Connecting(std::move(options)), schema, owner,
             before = Before{}]() mutable -> Result<std::unique_ptr<Database>> {
    TRY(database, connecting(PostgresUse::write));
    if (owner != Owner::shared) TRY_VOID(own(*database, schema.part, owner, before));
    TRY_VOID(database->migrate(schema));
    const std::string& environment = connecting.options().environment;
    if (!environment.empty()) TRY_VOID(database->claim(environment));
    return database;
  };
}

Opener postgres_reader(PostgresOptions options) {
  return [connecting = Connecting(std::move(options))]() -> Result<std::unique_ptr<Database>> {
    return connecting(PostgresUse::read);
  };
}

} // namespace foyer::store
