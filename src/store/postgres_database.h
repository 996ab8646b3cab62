// A connection to PostgreSQL as a Database: prepared statements, and transactions whose control statements are sent
// with the next query. Included only by postgres*.cc.
#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "store/postgres.h"
#include "store/postgres_link.h"
#include "store/postgres_text.h"
#include "store/schema_version.h"

namespace foyer::store {

inline constexpr const char* kBeginSerializable = "BEGIN ISOLATION LEVEL SERIALIZABLE";
inline constexpr const char* kBeginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
inline constexpr const char* kBeginReadCommitted = "BEGIN ISOLATION LEVEL READ COMMITTED";
inline constexpr const char* kSave = "SAVEPOINT job";
inline constexpr const char* kRollBackToSave = "ROLLBACK TO SAVEPOINT job";
inline constexpr const char* kDropSave = "RELEASE SAVEPOINT job";

// An advisory lock is a number, scoped to one database.
[[nodiscard]] std::int64_t lock_number(std::string_view what);

class PgDatabase;

// A prepared statement's text and name.
struct Prepared {
  std::string name;
  std::string text;
  bool ready = false; // the server has prepared it
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
  [[nodiscard]] bool take() { return !std::exchange(busy_, true); } // false: in use

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
  const bool kept_; // cached by the database; otherwise it ends with its use
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
    // The same text is in use further up the stack: this one is used once.
    return Statement(*new PgCursor(*this, *found->second.prepared, false));
  }

  // The answer to the statement; the server prepares its text at its first use.
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

  Result<void> begin(Begin kind) override {
    if (kind == Begin::read) return begin_with(kBeginRead);
    return begin_with(options_.isolation == Isolation::serializable ? kBeginSerializable : kBeginReadCommitted);
  }
  Result<void> commit() override {
    if (!begun_) return refuse(Cause::STORE_FAILED, fmt::format("{}: there is no transaction to commit", name()));
    begun_ = false;
    if (!sent_) {
      pending_.clear(); // nothing was sent to the server
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
    // In a failed transaction COMMIT acts as ROLLBACK, and reports it only here.
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
    // Nothing was sent since: there is nothing to undo.
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

  Result<bool> await_notification(Millis at_most, int wake) override {
    return link_->await_notification(at_most, wake);
  }

  Result<void> migrate(const Schema& schema) override;
  // DATA_ENVIRONMENT_MISMATCH if the database belongs to another environment.
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
  // Sent with the next statement.
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
  Result<SchemaVersion> version(const std::string& table);

  std::unique_ptr<PgLink> link_;
  const PostgresOptions options_;
  const PostgresUse use_;
  Millis timeout_ = options_.answer_timeout;
  std::unordered_map<std::string, Cached, TransparentStringHash, std::equal_to<>> cache_;
  std::vector<const char*> pending_; // begins, savepoints and releases that are not sent yet
  bool begun_ = false;
  bool sent_ = false; // the server has started the transaction
  std::int64_t changes_ = 0;
  std::string touch_ = "SELECT 1";
};

} // namespace foyer::store
