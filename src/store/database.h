// The interface of queries to any database: a Database is one connection
// and belongs to one thread at a time; a Statement is borrowed from it and
// returned automatically. SQLite is in sqlite.h, PostgreSQL in postgres.h.
//
// SQL is written once, in the common subset: `?` (or `?1`) for parameters,
// RETURNING for the values of an insertion, IS DISTINCT FROM, ON CONFLICT.
//
// Every failure is a Refusal of the step `store`. Its evidence holds the database's
// own words and never a bound value.
//
//   TRY(rows, db.query("SELECT name FROM rooms WHERE id = ?", id));
//   TRY(found, rows.step());
//   if (found) use(rows.text(0));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::store {

// A database's implementation of a Statement.
class Cursor {
 public:
  virtual void bind_integer(int index, std::int64_t value) = 0; // from 1
  virtual void bind_text(int index, std::string_view value) = 0;
  virtual void bind_null(int index) = 0;
  [[nodiscard]] virtual Result<bool> step() = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual std::string_view view(int column) const = 0;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  virtual void release() = 0; // the statement returns to the cache

 protected:
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  virtual ~Cursor() = default;
};

class Statement {
 public:
  explicit Statement(Cursor& cursor) : cursor_(&cursor) {}
  Statement(Statement&& other) noexcept : cursor_(other.cursor_) { other.cursor_ = nullptr; }
  Statement& operator=(Statement&&) = delete;
  ~Statement() {
    if (cursor_ != nullptr) cursor_->release();
  }

  // Binds the parameters, starting with the first. Integers, enums, bool, text, ids, WallTime
  // (as milliseconds), optionals (null when empty). A failure is reported by step().
  template <class... A>
  void bind(const A&... args) {
    bind_from(1, args...);
  }
  // The same, starting with the parameter `first`, counted from 1.
  template <class... A>
  void bind_from(int first, const A&... args) {
    (bind_one(first++, args), ...);
  }

  [[nodiscard]] Result<bool> step() { return cursor_->step(); } // true: there is a row
  [[nodiscard]] Result<void> run() {                            // steps to the end
    for (;;) {
      TRY(row, step());
      if (!row) return {};
    }
  }

  // Columns of the current row, from 0.
  [[nodiscard]] std::int64_t integer(int column) const { return cursor_->integer(column); }
  [[nodiscard]] std::string text(int column) const { return std::string(view(column)); }
  [[nodiscard]] std::string_view view(int column) const { return cursor_->view(column); } // until the next step
  [[nodiscard]] bool is_null(int column) const { return cursor_->is_null(column); }
  [[nodiscard]] std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] WallTime time(int column) const { return from_unix_millis(integer(column)); }

 private:
  template <class T>
  void bind_one(int index, const T& value) {
    if constexpr (std::is_enum_v<T>)
      cursor_->bind_integer(index, static_cast<std::int64_t>(value));
    else if constexpr (std::is_integral_v<T>)
      cursor_->bind_integer(index, static_cast<std::int64_t>(value));
    else if constexpr (std::is_convertible_v<const T&, std::string_view>)
      cursor_->bind_text(index, value);
    else if constexpr (std::is_same_v<T, WallTime>)
      cursor_->bind_integer(index, unix_millis(value));
    else if constexpr (std::is_same_v<T, std::nullopt_t>)
      cursor_->bind_null(index);
    else if constexpr (requires { value.view(); })
      cursor_->bind_text(index, value.view());
    else if (value.has_value())
      bind_one(index, *value);
    else
      cursor_->bind_null(index);
  }

  Cursor* cursor_;
};

// Identifies the history of writes that a connection sees. A server that was promoted or restored
// continues with another timeline. Both are empty if unknown (a file, or no permission).
struct Lineage {
  std::string system;
  std::string timeline;
  friend bool operator==(const Lineage&, const Lineage&) = default;
};

enum class Begin : std::uint8_t {
  write, // SQLite: no other change comes between its reads and its writes. PostgreSQL: as its Isolation says
  read,  // one snapshot from start to end
};

// The tables of one part of Foyer as migration steps, oldest
// first. A released step is never changed.
struct Schema {
  std::string_view part; // "accounts", "chat": two parts may share a database
  std::span<const std::string_view> steps;
  // How many steps the oldest program knows that may use a PostgreSQL database with all of these: as long as later
  // ones only add, it goes on and can be started again during a rolling upgrade. Empty: it must know all.
  std::optional<std::size_t> oldest = {};
};

class Database {
 public:
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` is program text, never composed from input: prepared statements are cached permanently.
  [[nodiscard]] virtual Result<Statement> prepare(std::string_view sql) = 0;

  template <class... A>
  [[nodiscard]] Result<Statement> query(std::string_view sql, const A&... args) {
    auto statement = prepare(sql);
    if (statement) statement->bind(args...);
    return statement;
  }

  // Runs a change; returns the number of rows changed.
  template <class... A>
  [[nodiscard]] Result<std::int64_t> change(std::string_view sql, const A&... args) {
    TRY(statement, prepare(sql));
    statement.bind(args...);
    TRY_VOID(statement.run());
    return changes();
  }

  // Several statements without parameters or rows.
  [[nodiscard]] virtual Result<void> script(const std::string& sql) = 0;
  [[nodiscard]] virtual std::int64_t changes() const = 0; // of the last change

  // --- transactions; see also Transaction
  [[nodiscard]] virtual Result<void> begin(Begin kind) = 0;
  [[nodiscard]] virtual Result<void> commit() = 0;
  [[nodiscard]] virtual Result<void> roll_back() = 0;
  // A savepoint within a transaction.
  [[nodiscard]] virtual Result<void> save() = 0;
  [[nodiscard]] virtual Result<void> roll_back_to_save() = 0; // the savepoint remains
  [[nodiscard]] virtual Result<void> drop_save() = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0; // false after the database aborted it
  // The transaction conflicted with another one: repeated from its start, it may succeed.
  [[nodiscard]] virtual bool may_succeed_again() const = 0;

  // --- the connection
  [[nodiscard]] virtual bool read_only() const = 0;                      // also when write access was not granted
  [[nodiscard]] virtual bool usable_after(const Refusal& why) const = 0; // false: close it and open it again
  [[nodiscard]] virtual Result<void> check() = 0;                        // without a query: is it known to be lost?
  [[nodiscard]] virtual const std::string& name() const = 0;             // for messages; no password

  [[nodiscard]] virtual Result<Lineage> lineage() { return Lineage{}; } // not in a transaction
  // The time of the server's own clock; nothing: the database is a file and has none.
  [[nodiscard]] virtual Result<std::optional<WallTime>> server_time() { return std::nullopt; }

  // Waits until another connection notifies a channel that this one listens to (PostgreSQL's LISTEN), the descriptor
  // `wake` can be read, or `at_most` is over; true: there was a notification. Not in a transaction.
  [[nodiscard]] virtual Result<bool> await_notification(Millis at_most, int wake);

  // Brings the schema to its newest version; each step is applied completely and once, however many processes try.
  // STORE_TOO_NEW: the schema is newer than the program, and the program may not use it (Schema::oldest).
  [[nodiscard]] virtual Result<void> migrate(const Schema& schema) = 0;
  // A change without effect, inside a transaction: can anything be written? After migrate().
  [[nodiscard]] virtual Result<void> touch() = 0;

 protected:
  Database() = default;
};

// Opens a connection, ready for use: migrated, its locks held.
using Opener = std::function<Result<std::unique_ptr<Database>>()>;

// Rolls back unless committed.
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

} // namespace foyer::store
