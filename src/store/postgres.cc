#include "store/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <charconv>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "store/postgres_link.h"
#include "store/postgres_text.h"

namespace foyer::store {
namespace {

constexpr Millis kMigrationTimeout{10 * 60'000};
constexpr const char* kBeginWrite = "BEGIN ISOLATION LEVEL SERIALIZABLE";
constexpr const char* kBeginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* kBeginMigration =
    "BEGIN ISOLATION LEVEL READ COMMITTED"; // it must see what the lock's last owner did
constexpr const char* kSave = "SAVEPOINT job";
constexpr const char* kRollBackToSave = "ROLLBACK TO SAVEPOINT job";
constexpr const char* kDropSave = "RELEASE SAVEPOINT job";

// An advisory lock is a number; it counts within one database.
std::int64_t lock_number(std::string_view what) {
  const std::string digest = sha256(fmt::format("foyer:{}", what));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  return static_cast<std::int64_t>(number);
}

class PgDatabase;

// A statement's text as the server knows it.
struct Prepared {
  std::string name;
  std::string text;
  bool ready = false; // the server has it
};

class PgCursor final : public Cursor {
 public:
  PgCursor(PgDatabase& database, Prepared& prepared, bool kept)
      : database_(database),
        prepared_(prepared),
        kept_(kept) {}

  void bind_integer(int index, std::int64_t value) override { at(index) = fmt::format("{}", value); }
  void bind_text(int index, std::string_view value) override {
    at(index) = needs_escape(value) ? escape(value) : std::string(value);
  }
  void bind_null(int index) override { at(index).reset(); }

  Result<bool> step() override;

  std::int64_t integer(int column) const override {
    const std::string_view text = raw(column);
    std::int64_t value = 0;
    if (text == "t") return 1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  std::string_view view(int column) const override {
    const std::string_view text = raw(column);
    if (!needs_unescape(text)) return text;
    // Several columns of a row may need it, and each view lasts until the next step.
    return unescaped_.emplace_back(std::make_unique<std::string>(unescape(text))).operator*();
  }
  bool is_null(int column) const override { return !result_ || PQgetisnull(result_.get(), row_, column) == 1; }

  void release() override {
    if (!kept_) {
      delete this;
      return;
    }
    parameters_.clear();
    result_.reset();
    unescaped_.clear();
    row_ = -1;
    busy_ = false;
  }
  [[nodiscard]] bool take() { return !std::exchange(busy_, true); } // false: it is in use

 private:
  std::optional<std::string>& at(int index) {
    const auto i = static_cast<std::size_t>(index);
    if (parameters_.size() < i) parameters_.resize(i);
    return parameters_[i - 1];
  }
  std::string_view raw(int column) const {
    if (!result_ || row_ < 0 || row_ >= PQntuples(result_.get()) || column >= PQnfields(result_.get())) return {};
    return {
        PQgetvalue(result_.get(), row_, column), static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
  }

  PgDatabase& database_;
  Prepared& prepared_;
  const bool kept_; // in the database's cache; else it ends with its use
  bool busy_ = true;
  std::vector<std::optional<std::string>> parameters_;
  PgResult result_; // all rows
  int row_ = -1;
  mutable std::vector<std::unique_ptr<std::string>> unescaped_;
};

class PgDatabase final : public Database {
 public:
  PgDatabase(std::unique_ptr<PgLink> link, PostgresOptions options, PostgresUse use)
      : link_(std::move(link)),
        options_(std::move(options)),
        use_(use) {}

  Result<Statement> prepare(std::string_view sql) override {
    auto found = cache_.find(sql);
    if (found == cache_.end()) {
      auto prepared =
          std::make_unique<Prepared>(Prepared{.name = fmt::format("s{}", cache_.size()), .text = with_dollars(sql)});
      auto cursor = std::make_unique<PgCursor>(*this, *prepared, true);
      found = cache_.emplace(std::string(sql), Cached{std::move(prepared), std::move(cursor)}).first;
      return Statement(*found->second.cursor);
    }
    if (found->second.cursor->take()) return Statement(*found->second.cursor);
    // The same text is running further up the stack: this one is for once.
    return Statement(*new PgCursor(*this, *found->second.prepared, false));
  }

  // The answer to the statement; the server learns its text at its first use.
  Result<PgResult> execute(Prepared& prepared, std::span<const char* const> parameters) {
    std::vector<PgMessage> messages = take_pending();
    const std::size_t before = messages.size();
    const bool prepares = !prepared.ready;
    if (prepares)
      messages.push_back(
          {.kind = PgMessage::Kind::prepare, .text = prepared.text.c_str(), .name = prepared.name.c_str()});
    messages.push_back({.kind = PgMessage::Kind::execute, .name = prepared.name.c_str(), .parameters = parameters});
    std::size_t done = 0;
    auto result = link_->exchange(messages, timeout_, done);
    if (prepares && done > before) prepared.ready = true;
    if (!result) return result;
    const std::string_view count = PQcmdTuples(result->get());
    changes_ = 0;
    std::from_chars(count.data(), count.data() + count.size(), changes_);
    return result;
  }

  Result<void> script(const std::string& sql) override {
    TRY_VOID(send_pending());
    return link_->script(sql, timeout_);
  }
  std::int64_t changes() const override { return changes_; }

  Result<void> begin(Begin kind) override { return begin_with(kind == Begin::write ? kBeginWrite : kBeginRead); }
  Result<void> commit() override {
    if (!begun_) return refuse(Cause::STORE_FAILED, fmt::format("{}: there is no transaction to commit", name()));
    begun_ = false;
    if (!sent_) {
      pending_.clear(); // nothing was asked of the server
      return {};
    }
    pending_.push_back("COMMIT");
    const std::vector<PgMessage> messages = take_pending();
    std::size_t done = 0;
    auto result = link_->exchange(messages, timeout_, done);
    if (!result) {
      Refusal why = std::move(result).error();
      if (link_->state() == PgLink::State::lost)
        why.evidence += "; whether the last transaction was committed is not known";
      return std::unexpected(std::move(why));
    }
    // Of a transaction that had failed COMMIT makes a ROLLBACK, and says so only here.
    if (std::string_view(PQcmdStatus(result->get())) != "COMMIT")
      return refuse(Cause::STORE_FAILED, fmt::format("{}: the transaction had failed before its commit", name()));
    return {};
  }
  Result<void> roll_back() override {
    begun_ = false;
    pending_.clear();
    if (!sent_) return {};
    pending_.push_back("ROLLBACK");
    return send_pending();
  }
  Result<void> save() override { return later(kSave); }
  Result<void> roll_back_to_save() override {
    // Nothing was asked since: there is nothing to undo.
    if (!pending_.empty() && pending_.back() == kSave) return {};
    return later(kRollBackToSave);
  }
  Result<void> drop_save() override {
    if (!pending_.empty() && pending_.back() == kSave) {
      pending_.pop_back();
      return {};
    }
    return later(kDropSave);
  }
  bool in_transaction() const override {
    if (!begun_ || link_->state() == PgLink::State::lost) return false;
    return !sent_ || link_->state() != PgLink::State::idle;
  }
  bool may_succeed_again() const override { return link_->lost_race(); }

  bool read_only() const override { return use_ == PostgresUse::read; }
  bool usable_after(const Refusal& why) const override {
    return link_->state() != PgLink::State::lost && !link_->stale() && why.cause != Cause::STORE_READ_ONLY &&
        why.cause != Cause::DATABASE_UNREACHABLE;
  }
  Result<void> check() override { return link_->check(); }
  const std::string& name() const override { return link_->name(); }

  Result<std::optional<WallTime>> server_time() override {
    TRY(rows, query("SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"));
    TRY(found, rows.step());
    if (!found) return std::nullopt;
    return rows.time(0);
  }

  Result<void> migrate(const Schema& schema) override;
  // DATA_ENVIRONMENT_MISMATCH when the database was noted to be another's.
  Result<void> claim(std::string_view environment);
  Result<void> touch() override {
    TRY_VOID(change(touch_));
    return {};
  }
  Result<Lineage> lineage() override;

 private:
  struct Cached {
    std::unique_ptr<Prepared> prepared;
    std::unique_ptr<PgCursor> cursor;
  };

  Result<void> begin_with(const char* how) {
    if (begun_) return refuse(Cause::STORE_FAILED, fmt::format("{}: a transaction within a transaction", name()));
    link_->forget_race();
    begun_ = true;
    sent_ = false;
    pending_.assign(1, how);
    return link_->check();
  }
  // Goes with the next statement.
  Result<void> later(const char* control) {
    if (!begun_) return refuse(Cause::STORE_FAILED, fmt::format("{}: there is no transaction", name()));
    pending_.push_back(control);
    return {};
  }
  std::vector<PgMessage> take_pending() {
    std::vector<PgMessage> messages;
    messages.reserve(pending_.size() + 2);
    for (const char* control : std::exchange(pending_, {}))
      messages.push_back({.kind = PgMessage::Kind::text, .text = control});
    sent_ = sent_ || !messages.empty();
    return messages;
  }
  Result<void> send_pending() {
    if (pending_.empty()) return {};
    const std::vector<PgMessage> messages = take_pending();
    std::size_t done = 0;
    auto result = link_->exchange(messages, timeout_, done);
    if (!result) return std::unexpected(std::move(result).error());
    return {};
  }
  Result<void> take_migration_lock(std::string_view part);
  Result<std::optional<std::string>> noted_environment();
  Result<void> note_environment(std::string_view environment);
  Result<void> take_steps(const Schema& schema, const std::string& table);
  Result<std::uint64_t> version(const std::string& table);

  std::unique_ptr<PgLink> link_;
  const PostgresOptions options_;
  const PostgresUse use_;
  Millis timeout_ = options_.answer_timeout;
  std::unordered_map<std::string, Cached, TransparentStringHash, std::equal_to<>> cache_;
  std::vector<const char*> pending_; // begins, saves and releases that are not sent yet
  bool begun_ = false;
  bool sent_ = false; // the server knows of the transaction
  std::int64_t changes_ = 0;
  std::string touch_ = "SELECT 1";
};

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

// The control file shows the old timeline until the first checkpoint after a promotion: the name of the
// log segment that is written now shows the new one. Some services give no right to ask: then it is empty.
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

// --- schema ---

Result<std::uint64_t> PgDatabase::version(const std::string& table) {
  TRY(rows, query(fmt::format("SELECT version FROM {}", table)));
  TRY(found, rows.step());
  return found ? rows.count(0) : 0;
}

Result<void> PgDatabase::take_migration_lock(std::string_view part) {
  TRY_VOID(begin_with(kBeginMigration));
  TRY_VOID(
      script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL "
             "idle_in_transaction_session_timeout = 0"));
  TRY(locked, query("SELECT pg_advisory_xact_lock(?)", lock_number(fmt::format("migrate:{}", part))));
  return locked.run();
}

Result<void> PgDatabase::take_steps(const Schema& schema, const std::string& table) {
  const auto known = static_cast<std::uint64_t>(schema.steps.size());
  std::uint64_t now = 0;
  {
    TRY(tables, query("SELECT to_regclass(?) IS NOT NULL", table));
    TRY_VOID(tables.step());
    if (tables.integer(0) == 1) {
      TRY(there, version(table));
      now = there;
    }
  }
  const auto too_new = [&] {
    return refuse(Cause::STORE_TOO_NEW,
        fmt::format(
            "{} has schema version {} of {}, this program knows versions up to {}", name(), now, schema.part, known));
  };
  if (now > known) return too_new();
  // Another process may be migrating the same database: the version is read again behind the lock.
  while (now < known) {
    TRY_VOID(take_migration_lock(schema.part));
    // A schema of our own: the database may be somebody else's too. Who may not make one finds it made.
    TRY_VOID(
        script("DO $$ BEGIN IF to_regnamespace('foyer') IS NULL THEN CREATE SCHEMA foyer; END IF;"
               " EXCEPTION WHEN duplicate_schema OR unique_violation THEN NULL; END $$"));
    TRY_VOID(
        script(fmt::format("CREATE TABLE IF NOT EXISTS {0} (version BIGINT NOT NULL, probed BIGINT NOT NULL);"
                           "INSERT INTO {0} SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM {0});",
            table)));
    TRY(there, version(table));
    now = there;
    if (now > known) return too_new();
    if (now < known) {
      TRY_VOID(script(std::string(schema.steps[now])));
      ++now;
      TRY_VOID(change(fmt::format("UPDATE {} SET version = ?", table), now));
    }
    TRY_VOID(commit());
  }
  return {};
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
        fmt::format(
            "{} belongs to the environment {}, this process runs in {}", name(), printable(*noted, 32), environment));
  return {};
}

// --- ownership ---

// Which connection was ours before this one: after a fail-over or a cut its server
// process may still hold the lock, and nobody else will end it soon.
struct Before {
  std::int64_t process = 0;
  std::string started;
};

Result<void> own(PgDatabase& db, std::string_view part, Before& before) {
  const std::int64_t number = owner_lock(part);
  for (int tries = 1;; ++tries) {
    {
      TRY(locked, db.query("SELECT pg_try_advisory_lock(?)", number));
      TRY_VOID(locked.step());
      if (locked.integer(0) == 1) break;
    }
    TRY(holders,
        db.query("SELECT a.pid, a.backend_start::text, coalesce(a.client_addr::text, 'this machine'), "
                 "coalesce(a.wait_event, '')"
                 " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
                 " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM "
                 "pg_database WHERE datname = current_database())"
                 " AND (l.classid::bigint << 32 | l.objid::bigint) = ?::bigint",
            number));
    TRY(held, holders.step());
    const bool ours = held && holders.integer(0) == before.process && holders.text(1) == before.started;
    // Whoever starts may come right after another process, whose end the server is about to see.
    const bool starting = before.process == 0;
    if ((held && !ours && !starting) || tries == kOwnTries)
      return refuse(Cause::CHAT_STORE_IN_USE,
          fmt::format("{}: held by a connection from {} since {}", db.name(), held ? holders.text(2) : "elsewhere",
              held ? holders.text(1) : "now"));
    // To end it would show its transaction to everybody although no standby has it. One that is at work may be about
    // to.
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
  // Asked of the server: what libpq knows may be a pooler's.
  TRY(self, db.query("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"));
  TRY_VOID(self.step());
  before = {.process = self.integer(0), .started = self.text(1)};
  return {};
}

Result<std::unique_ptr<PgDatabase>> connect(const PostgresOptions& options, PostgresUse use) {
  TRY(link, PgLink::connect(options, use));
  return std::make_unique<PgDatabase>(std::move(link), options, use);
}

} // namespace

std::int64_t owner_lock(std::string_view part) { return lock_number(fmt::format("own:{}", part)); }

Result<std::unique_ptr<Database>> open_postgres(const PostgresOptions& options, PostgresUse use) {
  return connect(options, use);
}

Opener postgres_writer(PostgresOptions options, Schema schema, Owner owner) {
  return
      [options = std::move(options), schema, owner, before = Before{}]() mutable -> Result<std::unique_ptr<Database>> {
    TRY(database, connect(options, PostgresUse::write));
    if (owner == Owner::sole) TRY_VOID(own(*database, schema.part, before));
    TRY_VOID(database->migrate(schema));
    if (!options.environment.empty()) TRY_VOID(database->claim(options.environment));
    return database;
  };
}

Opener postgres_reader(PostgresOptions options) {
  return [options = std::move(options)] { return open_postgres(options, PostgresUse::read); };
}

} // namespace foyer::store
