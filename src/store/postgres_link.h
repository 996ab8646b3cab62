// One connection to PostgreSQL: sends several messages at once, waits for their
// answers up to a deadline, and reports a failure as a Refusal. A lost connection
// stays lost; the caller opens another.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/postgres.h"

struct pg_conn;
struct pg_result;

namespace foyer::store {

struct ClearResult {
  void operator()(pg_result* result) const;
};
using PgResult = std::unique_ptr<pg_result, ClearResult>;

// One message of an exchange.
struct PgMessage {
  enum class Kind : std::uint8_t {
    text,    // a statement without parameters
    prepare, // prepares `text` under the name
    execute, // executes the statement of that name with the parameters
  };
  Kind kind;
  const char* text = "";
  const char* name = "";
  std::span<const char* const> parameters = {};
};

class PgLink {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PgLink>> connect(const PostgresOptions& options, PostgresUse use);
  ~PgLink();
  PgLink(const PgLink&) = delete;
  PgLink& operator=(const PgLink&) = delete;

  // All messages in one round trip. The answer of the last one, or the first failure;
  // `done` is the number of messages before it that succeeded. No answer in time: lost.
  [[nodiscard]] Result<PgResult> exchange(std::span<const PgMessage> messages, Millis timeout, std::size_t& done);
  // Several statements in one text.
  [[nodiscard]] Result<void> script(const std::string& sql, Millis timeout);

  // Reads unsolicited messages of the server, without waiting: DATABASE_UNREACHABLE if the connection has ended.
  [[nodiscard]] Result<void> check();

  // Database::await_notification; those of this connection itself do not count.
  [[nodiscard]] Result<bool> await_notification(Millis at_most, int wake);

  enum class State : std::uint8_t { idle, in_transaction, failed_transaction, lost };
  [[nodiscard]] State state() const;
  [[nodiscard]] bool lost_race() const { return lost_race_; } // the last failure was a lost conflict
  [[nodiscard]] bool stale() const { return stale_; }         // prepared statements no longer fit: reconnect
  void forget_race() { lost_race_ = false; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  PgLink(pg_conn* connection, std::string name) : connection_(connection), name_(std::move(name)) {}
  struct Deadline;

  [[nodiscard]] bool flush(const Deadline& deadline);
  [[nodiscard]] bool await(const Deadline& deadline); // an answer can be read without waiting
  [[nodiscard]] Refusal refusal(const pg_result* result);
  [[nodiscard]] Refusal lose(std::string why);

  pg_conn* connection_;
  const std::string name_;
  std::string last_words_; // the server's last notice
  std::optional<Refusal> lost_;
  bool lost_race_ = false;
  bool stale_ = false;
};

} // namespace foyer::store
