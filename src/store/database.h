// Any database as the queries see it: a Database is one connection
// and belongs to one thread at a time; a Statement is borrowed from it and goes
// back by itself. SQLite is in sqlite.h, PostgreSQL in postgres.h.
//
// SQL is written once, in what both understand: `?` (or `?1`) for parameters,
// RETURNING for what an insertion made, IS DISTINCT FROM, ON CONFLICT.
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

// What one kind of database does for a Statement.
class Cursor {
 public:
  virtual void bind_integer(int index, std::int64_t value) = 0; // from 1
  virtual void bind_text(int index, std::string_view value) = 0;
  virtual void bind_null(int index) = 0;
  [[nodiscard]] virtual Result<bool> step() = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual std::string_view view(int column) const = 0;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  virtual void release() = 0; // nobody uses it any more

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

  // Binds the parameters from the first on. Integers, enums, bool, text, ids, WallTime
  // (as milliseconds), optionals (null when empty). A failure is reported by step().
  template <class... A>
  void bind(const A&... args) {
    bind_from(1, args...);
  }
  // The same from the parameter `first` on, counted from 1.
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

// Which unbroken history of writes a connection sees. A server that was promoted or restored goes
// on with another timeline. Both are empty where they are unknown (a file, or no permission).
struct Lineage {
  std::string system;
  std::string timeline;
  friend bool operator==(const Lineage&, const Lineage&) = default;
};

enum class Begin : std::uint8_t {
  write, // nobody else's change comes between what it reads and what it writes
  read,  // one state from its start to its end
};

// The tables of one part of Foyer as the steps in which they came to be, oldest
// first. A step that was released is never changed.
struct Schema {
  std::string_view part; // "accounts", "chat": two parts may share a database
  std::span<const std::string_view> steps;
};

class Database {
 public:
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` is program text, never composed from input: prepared statements are kept for good.
  [[nodiscard]] virtual Result<Statement> prepare(std::string_view sql) = 0;

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
  [[nodiscard]] virtual Result<void> script(const std::string& sql) = 0;
  [[nodiscard]] virtual std::int64_t changes() const = 0; // of the last change

  // --- transactions; see also Transaction
  [[nodiscard]] virtual Result<void> begin(Begin kind) = 0;
  [[nodiscard]] virtual Result<void> commit() = 0;
  [[nodiscard]] virtual Result<void> roll_back() = 0;
  // One point within a transaction to which it can be rolled back.
  [[nodiscard]] virtual Result<void> save() = 0;
  [[nodiscard]] virtual Result<void> roll_back_to_save() = 0; // the point stays
  [[nodiscard]] virtual Result<void> drop_save() = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0; // false after the database gave it up by itself
  // The transaction lost against another one: the same work, done again from its start, may succeed.
  [[nodiscard]] virtual bool may_succeed_again() const = 0;

  // --- the connection
  [[nodiscard]] virtual bool read_only() const = 0;                      // also when a writable opening was not granted
  [[nodiscard]] virtual bool usable_after(const Refusal& why) const = 0; // false: close it and open it again
  [[nodiscard]] virtual Result<void> check() = 0;                        // without asking: is it known to be lost?
  [[nodiscard]] virtual const std::string& name() const = 0;             // for people; no password

  [[nodiscard]] virtual Result<Lineage> lineage() { return Lineage{}; } // not in a transaction
  // The time of the server's own clock; nothing: the database is a file and has none.
  [[nodiscard]] virtual Result<std::optional<WallTime>> server_time() { return std::nullopt; }

  // Brings the schema to its newest version; each step happens as a whole, and once,
  // however many processes try. A database that has more than the program knows: STORE_TOO_NEW.
  [[nodiscard]] virtual Result<void> migrate(const Schema& schema) = 0;
  // A change that matters to nobody, inside a transaction: can anything be written? After migrate().
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
