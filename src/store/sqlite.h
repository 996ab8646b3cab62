// SQLite behind values: a Database is one connection and belongs to one thread
// at a time; a Statement is borrowed from its cache and goes back by itself.
//
// Every failure is a Refusal: STORE_FULL, STORE_READ_ONLY, STORE_LOCKED,
// STORE_FAILED, and DATA_UNWRITABLE when the file cannot be opened at all. Its
// evidence holds SQLite's own words and never a bound value. Databases run in
// WAL mode, so one writes while others read.
//
//   TRY(rows, db.query("SELECT name FROM rooms WHERE id = ?", id));
//   TRY(found, rows.step());
//   if (found) use(rows.text(0));
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

struct sqlite3;
struct sqlite3_stmt;

namespace foyer::store {

enum class Access : std::uint8_t {
  create,     // read and write; the file is created (mode 0600) if it is absent
  read_write, // read and write; an absent file is STORE_FAILED
  read_only,  // read; writing is STORE_READ_ONLY
};

struct OpenOptions {
  Access access = Access::create;
  bool survive_power_loss = true;   // every commit is flushed to the device; else only a crash of the process is survived
  Millis busy_timeout{2'000};       // how long another process's lock is waited for, then STORE_LOCKED
  std::uint64_t max_pages = 0;      // of the database file (4 KiB each); beyond: STORE_FULL; 0: no limit
  std::string vfs = {};             // SQLite's name of the file layer; empty: the system's
};

class Database;

class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the parameters from the first on. Integers, enums, bool, text, ids, WallTime
  // (as milliseconds), optionals (null when empty). A failure is told by step().
  template <class... A>
  void bind(const A&... args) {
    int index = 0;
    (bind_one(++index, args), ...);
  }

  [[nodiscard]] Result<bool> step(); // true: there is a row
  [[nodiscard]] Result<void> run();  // steps to the end

  // Columns of the current row, from 0.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string_view view(int column) const; // until the next step
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] WallTime time(int column) const { return from_unix_millis(integer(column)); }

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement, bool* busy) : database_(&database), statement_(statement), busy_(busy) {}

  void bind_integer(int index, std::int64_t value);
  void bind_text(int index, std::string_view value);
  void bind_null(int index);

  template <class T>
  void bind_one(int index, const T& value) {
    if constexpr (std::is_enum_v<T>) bind_integer(index, static_cast<std::int64_t>(value));
    else if constexpr (std::is_integral_v<T>) bind_integer(index, static_cast<std::int64_t>(value));
    else if constexpr (std::is_convertible_v<const T&, std::string_view>) bind_text(index, value);
    else if constexpr (std::is_same_v<T, WallTime>) bind_integer(index, unix_millis(value));
    else if constexpr (std::is_same_v<T, std::nullopt_t>) bind_null(index);
    else if constexpr (requires { value.view(); }) bind_text(index, value.view());
    else if (value.has_value()) bind_one(index, *value);
    else bind_null(index);
  }

  Database* database_;
  sqlite3_stmt* statement_;
  bool* busy_;     // the cache's mark; null: not cached, finalized here
  int error_ = 0;  // of the first bind that failed
};

class Database {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path, OpenOptions options = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` is program text, never composed from input: prepared statements are kept for good.
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);

  template <class... A>
  [[nodiscard]] Result<Statement> query(std::string_view sql, const A&... args) {
    auto statement = prepare(sql);
    if (statement) statement->bind(args...);
    return statement;
  }

  // Runs a change; the answer is the number of rows changed.
  template <class... A>
  [[nodiscard]] Result<std::int64_t> change(std::string_view sql, const A&... args) {
    TRY(statement, prepare(sql));
    statement.bind(args...);
    TRY_VOID(statement.run());
    return changes();
  }

  // Several statements without parameters or rows.
  [[nodiscard]] Result<void> script(const std::string& sql);

  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_row_id() const;
  [[nodiscard]] bool in_transaction() const; // false after SQLite gave a transaction up by itself
  [[nodiscard]] bool read_only() const;      // also when a writable opening was not granted
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] Refusal refusal(int code) const;

 private:
  struct Cached {
    sqlite3_stmt* statement = nullptr;
    bool busy = false;
  };

  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] Result<void> configure(const OpenOptions& options);

  friend class Statement;
  sqlite3* handle_;
  std::string path_;
  std::unordered_map<std::string, Cached, TransparentStringHash, std::equal_to<>> cache_;
};

// Rolls back unless committed. An outermost Transaction takes the write lock at once.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// Brings the schema to its newest version, each step in a transaction of its own.
// `steps` is the whole history, oldest first; the table schema_version says how
// many have run. A database that has more than the program knows: STORE_TOO_NEW.
[[nodiscard]] Result<void> migrate(Database& database, std::span<const std::string_view> steps);

// A consistent copy of a database that may be in use, written to a new file (mode 0600).
[[nodiscard]] Result<void> copy_database(const std::string& from, const std::string& to);

} // namespace foyer::store
