#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace foyer::store {
namespace {

constexpr Millis kRetryAfter{1'000};

bool is_full(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }
bool is_denied(int error) { return error == EROFS || error == EACCES || error == EPERM; }

Cause cause_of(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_FULL: return Cause::STORE_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM: return Cause::STORE_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Cause::STORE_LOCKED;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (is_full(system_error)) return Cause::STORE_FULL;
      if (is_denied(system_error)) return Cause::STORE_READ_ONLY;
      return Cause::STORE_FAILED;
    default: return Cause::STORE_FAILED;
  }
}

// The system error of a failed write. SQLite keeps it with the file, and a
// commit that fails writes to the log, not to the main file.
int system_error_of(sqlite3* handle) {
  int error = 0;
  sqlite3_file* journal = nullptr;
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK && journal != nullptr &&
      journal->pMethods != nullptr)
    (void)journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &error);
  if (error == 0) (void)sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  return error != 0 ? error : sqlite3_system_errno(handle);
}

// SQLite would create a world-readable file; its -wal and -shm take the file's mode.
Result<void> create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST)
    return refuse(
        is_full(errno) ? Cause::STORE_FULL : Cause::DATA_UNWRITABLE, fmt::format("{}: {}", path, std::strerror(errno)));
  if (fd >= 0) ::close(fd);
  return {};
}

class SqliteDatabase;

class SqliteCursor final : public Cursor {
 public:
  SqliteCursor(SqliteDatabase& database, sqlite3_stmt* statement, bool kept)
      : database_(database),
        statement_(statement),
        kept_(kept) {}
  ~SqliteCursor() override { sqlite3_finalize(statement_); }

  void bind_integer(int index, std::int64_t value) override { note(sqlite3_bind_int64(statement_, index, value)); }
  void bind_text(int index, std::string_view value) override {
    // A null pointer would bind NULL: an empty text must stay a text.
    const char* data = value.data() == nullptr ? "" : value.data();
    note(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  void bind_null(int index) override { note(sqlite3_bind_null(statement_, index)); }

  Result<bool> step() override;

  std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view view(int column) const override {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

  void release() override {
    if (!kept_) {
      delete this;
      return;
    }
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    error_ = 0;
    busy_ = false;
  }

  [[nodiscard]] bool take() { return !std::exchange(busy_, true); } // false: in use

 private:
  void note(int code) {
    if (code != SQLITE_OK && error_ == 0) error_ = code;
  }

  SqliteDatabase& database_;
  sqlite3_stmt* statement_;
  const bool kept_; // cached by the database; otherwise it ends with its use
  bool busy_ = true;
  int error_ = 0; // of the first bind that failed
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  ~SqliteDatabase() override {
    cache_.clear();
    sqlite3_close_v2(handle_);
  }

  Result<void> configure(const OpenOptions& options);
  Refusal refusal(int code) const;

  Result<Statement> prepare(std::string_view sql) override;
  Result<void> script(const std::string& sql) override;
  std::int64_t changes() const override { return sqlite3_changes64(handle_); }

  Result<void> begin(Begin kind) override {
    saves_due_ = 0;
    return run(kind == Begin::write ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  Result<void> commit() override { return run("COMMIT"); }
  Result<void> roll_back() override {
    saves_due_ = 0;
    return run("ROLLBACK");
  }
  // Nothing happens before the next statement, because most jobs of a writer run none.
  Result<void> save() override {
    ++saves_due_;
    return {};
  }
  Result<void> roll_back_to_save() override {
    if (saves_due_ > 0) return {};
    return run("ROLLBACK TO job");
  }
  Result<void> drop_save() override {
    if (saves_due_ == 0) return run("RELEASE job");
    --saves_due_;
    return {};
  }
  bool in_transaction() const override { return sqlite3_get_autocommit(handle_) == 0; }
  bool may_succeed_again() const override { return false; }

  bool read_only() const override { return sqlite3_db_readonly(handle_, "main") == 1; }
  bool usable_after(const Refusal& why) const override {
    return why.cause != Cause::STORE_READ_ONLY && why.cause != Cause::STORE_FAILED &&
        why.cause != Cause::DATABASE_UNREACHABLE;
  }
  Result<void> check() override { return {}; }
  const std::string& name() const override { return path_; }

  Result<void> migrate(const Schema& schema) override;
  // It must alter a byte: SQLite does not write an unchanged page.
  Result<void> touch() override { return run("UPDATE schema_version SET probed = probed + 1"); }

 private:
  Result<void> run(std::string_view sql) {
    TRY_VOID(change(sql));
    return {};
  }
  Result<void> save_now() {
    while (saves_due_ > 0) {
      --saves_due_;
      TRY(save, prepare_now("SAVEPOINT job"));
      TRY_VOID(save.run());
    }
    return {};
  }
  Result<Statement> prepare_now(std::string_view sql);

  sqlite3* handle_;
  int saves_due_ = 0; // innermost savepoints that are not set yet
  std::string path_;
  std::unordered_map<std::string, std::unique_ptr<SqliteCursor>, TransparentStringHash, std::equal_to<>> cache_;
};

Result<bool> SqliteCursor::step() {
  if (error_ != 0) return std::unexpected(database_.refusal(error_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(database_.refusal(code));
}

Result<void> SqliteDatabase::configure(const OpenOptions& options) {
  sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
  const bool writes = options.access != Access::read_only && !read_only();
  if (writes) {
    TRY(mode, prepare("PRAGMA journal_mode = WAL"));
    TRY(row, mode.step());
    if (!row || mode.view(0) != "wal")
      return refuse(Cause::STORE_FAILED, fmt::format("{}: this file system does not allow write-ahead logging", path_));
  }
  TRY_VOID(script(fmt::format(
      "PRAGMA synchronous = {}; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000; PRAGMA "
      "journal_size_limit = 67108864;",
      options.survive_power_loss ? "FULL" : "NORMAL")));
  if (options.max_pages != 0) TRY_VOID(script(fmt::format("PRAGMA max_page_count = {}", options.max_pages)));
  return {};
}

Result<Statement> SqliteDatabase::prepare(std::string_view sql) {
  if (saves_due_ > 0) TRY_VOID(save_now());
  return prepare_now(sql);
}

Result<Statement> SqliteDatabase::prepare_now(std::string_view sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end() && found->second->take()) return Statement(*found->second);
  sqlite3_stmt* statement = nullptr;
  const unsigned flags = found == cache_.end() ? SQLITE_PREPARE_PERSISTENT : 0;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), flags, &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(refusal(code));
  // The same text is in use further up the stack: this one is used once.
  if (found != cache_.end()) return Statement(*new SqliteCursor(*this, statement, false));
  return Statement(
      *cache_.emplace(std::string(sql), std::make_unique<SqliteCursor>(*this, statement, true)).first->second);
}

Result<void> SqliteDatabase::script(const std::string& sql) {
  if (saves_due_ > 0) TRY_VOID(save_now());
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(refusal(code));
  return {};
}

Refusal SqliteDatabase::refusal(int code) const {
  const int extended = (sqlite3_errcode(handle_) & 0xff) == (code & 0xff) ? sqlite3_extended_errcode(handle_) : code;
  int system_error = 0;
  if ((code & 0xff) == SQLITE_CANTOPEN) system_error = sqlite3_system_errno(handle_);
  std::string message = sqlite3_errmsg(handle_);
  if ((code & 0xff) == SQLITE_IOERR) system_error = system_error_of(handle_);
  std::string evidence = fmt::format("{}: {} (SQLite {}", path_, message, extended);
  if (system_error != 0) evidence += fmt::format(", {}", std::strerror(system_error));
  evidence += ')';
  return Refusal{.cause = cause_of(code, system_error), .evidence = std::move(evidence), .retry_after = kRetryAfter};
}

Result<void> SqliteDatabase::migrate(const Schema& schema) {
  const auto steps = schema.steps;
  std::uint64_t version = 0;
  {
    TRY(known, query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"));
    TRY(exists, known.step());
    if (exists) {
      TRY(rows, query("SELECT version FROM schema_version"));
      TRY(row, rows.step());
      if (row) version = rows.count(0);
    }
  }
  if (version > steps.size())
    return refuse(Cause::STORE_TOO_NEW,
        fmt::format("{} has schema version {}; this program supports versions up to {}", path_, version, steps.size()));
  // Another process may be migrating the same file: the version is read again under the write lock.
  while (version < steps.size()) {
    TRY(transaction, Transaction::begin(*this));
    TRY_VOID(
        script("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, probed INTEGER NOT NULL) STRICT;"
               "INSERT INTO schema_version SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version);"));
    {
      TRY(rows, query("SELECT version FROM schema_version"));
      TRY_VOID(rows.step());
      version = rows.count(0);
    }
    if (version < steps.size()) {
      TRY_VOID(script(std::string(steps[version])));
      ++version;
      TRY_VOID(change("UPDATE schema_version SET version = ?", version));
    }
    TRY_VOID(transaction.commit());
  }
  return {};
}

} // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, const OpenOptions& options) {
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (options.access) {
    case Access::create: flags |= SQLITE_OPEN_READWRITE; break;
    case Access::read_write: flags |= SQLITE_OPEN_READWRITE; break;
    case Access::read_only: flags |= SQLITE_OPEN_READONLY; break;
  }
  if (options.access == Access::create) TRY_VOID(create_private(path));

  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, options.vfs.empty() ? nullptr : options.vfs.c_str());
  auto database = std::make_unique<SqliteDatabase>(handle, path);
  if (handle == nullptr) return refuse(Cause::STORE_FAILED, fmt::format("{}: no memory for a connection", path));
  sqlite3_extended_result_codes(handle, 1);
  if (code == SQLITE_OK) {
    auto configured = database->configure(options);
    if (configured) return database;
    return std::unexpected(std::move(configured).error());
  }
  Refusal refusal = database->refusal(sqlite3_extended_errcode(handle));
  if (refusal.cause == Cause::STORE_READ_ONLY) refusal.cause = Cause::DATA_UNWRITABLE;
  return std::unexpected(std::move(refusal));
}

Opener sqlite_writer(std::string path, OpenOptions options, Schema schema) {
  return [path = std::move(path), options = std::move(options), schema]() mutable -> Result<std::unique_ptr<Database>> {
    TRY(database, open_sqlite(path, options));
    TRY_VOID(database->migrate(schema));
    if (options.access == Access::create) options.access = Access::read_write;
    return database;
  };
}

Opener sqlite_reader(std::string path, OpenOptions options) {
  options.access = Access::read_only;
  return [path = std::move(path), options = std::move(options)] { return open_sqlite(path, options); };
}

Result<void> copy_database(const std::string& from, const std::string& to) {
  TRY(source, open_sqlite(from, {.access = Access::read_only}));
  // VACUUM INTO needs a file that is absent or empty; an empty one already has its mode.
  TRY_VOID(create_private(to));
  TRY_VOID(source->change("VACUUM INTO ?", to));
  return {};
}

} // namespace foyer::store
