#include "accounts/sql/lockouts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "accounts/model/records.h"

namespace foyer::accounts {
namespace {

constexpr Millis kAttemptLasts = std::chrono::minutes{1}; // at most, as far as others can tell
constexpr std::int64_t kSweptGuesses = 1'000;             // rows that are deleted at once

// ?1: the time, if it is not the server's. ?2: the kind. ?3: the pair.
const std::string kGuessNow =
    "COALESCE(CAST(?1 AS BIGINT), CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS BIGINT))";
// Locks the row, a new one if there is none.
const std::string kLockRow =
    "INSERT INTO login_failures AS f (kind, pair) VALUES (?2, ?3) ON CONFLICT (kind, pair) DO UPDATE SET kind = f.kind "
    "RETURNING failures, CASE WHEN begun_ms + ?4 > " +
    kGuessNow + " THEN under_way ELSE 0 END, locked_ms, failed_ms, begun_ms, " + kGuessNow;
const std::string kWriteRow =
    "UPDATE login_failures SET failures = ?3, under_way = ?4, locked_ms = ?5, failed_ms = ?6, begun_ms = ?7, "
    "forget_ms = ?8 WHERE kind = ?1 AND pair = ?2";
const std::string kDeleteRow = "DELETE FROM login_failures WHERE kind = ?1 AND pair = ?2";
const std::string kForgiveRow = "UPDATE login_failures SET failures = 0 WHERE kind = ?1 AND pair = ?2 AND failures > 0";
const std::string kDeleteOver =
    "DELETE FROM login_failures WHERE (kind, pair) IN (SELECT kind, pair FROM login_failures WHERE kind = ?2 AND "
    "forget_ms <= " +
    kGuessNow + " ORDER BY forget_ms LIMIT ?3 FOR UPDATE SKIP LOCKED)";
const std::string kDeleteOldest =
    "DELETE FROM login_failures WHERE (kind, pair) IN (SELECT kind, pair FROM login_failures WHERE kind = ?1 ORDER BY "
    "forget_ms LIMIT ?2 FOR UPDATE SKIP LOCKED)";
const std::string kPairs = "SELECT count(*) FROM login_failures WHERE kind = ?1";

std::optional<WallTime> guess_time(const Clock* clock) {
  return clock == nullptr ? std::nullopt : std::optional(clock->wall());
}

// Addresses contain no newline.
std::string guessed_pair(const GuessKey& key) { return digest(key.address + '\n' + key.name); }

struct Row {
  GuessKind kind;
  std::string pair;
  GuessRecord record = {};
  Millis begun{0};
  Millis now{0};
};

Result<Row> lock_row(store::Database& db, const GuessKey& key, const Clock* clock) {
  Row row{.kind = key.kind, .pair = guessed_pair(key)};
  TRY(rows, db.query(kLockRow, guess_time(clock), row.kind, row.pair, kAttemptLasts.count()));
  TRY_VOID(rows.step());
  row.record = {.failures = static_cast<int>(rows.integer(0)),
      .under_way = static_cast<int>(rows.integer(1)),
      .locked_until = Millis{rows.integer(2)},
      .last_failure = Millis{rows.integer(3)}};
  row.begun = Millis{rows.integer(4)};
  row.now = Millis{rows.integer(5)};
  return row;
}

Result<bool> write_row(store::Database& db, const Row& row, const LockoutPolicy& policy) {
  const GuessRecord& r = row.record;
  if (r.failures == 0 && r.under_way == 0) {
    TRY_VOID(db.change(kDeleteRow, row.kind, row.pair));
    return true;
  }
  const Millis forgotten = r.failures > 0 ? r.last_failure + policy.forget_after : Millis{0};
  const Millis forget = std::max(forgotten, row.begun + kAttemptLasts);
  TRY_VOID(db.change(kWriteRow, row.kind, row.pair, r.failures, r.under_way, r.locked_until.count(),
      r.last_failure.count(), row.begun.count(), forget.count()));
  return true;
}

} // namespace

template <class Job>
void SqlLockouts::submit(const GuessKey& key, Job job, Completion<bool> done) {
  auto answered = [&control = control_, done = std::move(done)](Result<bool> result) mutable {
    control.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
  writer_.submit<bool>(std::move(job), std::move(answered), "guess\n" + guessed_pair(key));
}

void SqlLockouts::begin(GuessKey key, Completion<bool> done) {
  submit(key, [key, policy = policies_.of(key.kind), clock = clock_](store::Database& db) -> Result<bool> {
    TRY(row, lock_row(db, key, clock));
    TRY_VOID(begin_guess(row.record, policy, row.now));
    row.begun = row.now;
    return write_row(db, row, policy);
  }, std::move(done));
}

void SqlLockouts::end(GuessKey key, GuessEnd how, Completion<bool> done) {
  submit(key, [key, how, policy = policies_.of(key.kind), clock = clock_](store::Database& db) -> Result<bool> {
    TRY(row, lock_row(db, key, clock));
    if (how == GuessEnd::wrong)
      end_wrong_guess(row.record, policy, row.now);
    else
      end_guess(row.record);
    if (how == GuessEnd::right) row.record.failures = 0;
    return write_row(db, row, policy);
  }, std::move(done));
}

void SqlLockouts::forgive(GuessKey key) {
  submit(key, [key](store::Database& db) -> Result<bool> {
    TRY_VOID(db.change(kForgiveRow, key.kind, guessed_pair(key)));
    return true;
  }, [](Result<bool>) {});
}

Result<bool> LockoutSweep::step(store::Database& db) {
  bool more = false;
  for (const GuessKind kind : {GuessKind::login, GuessKind::factor}) {
    TRY(over, db.change(kDeleteOver, guess_time(clock_), kind, kSweptGuesses));
    std::int64_t pairs = 0;
    {
      TRY(rows, db.query(kPairs, kind));
      TRY_VOID(rows.step());
      pairs = rows.integer(0);
    }
    const auto most = static_cast<std::int64_t>(policies_.of(kind).max_pairs);
    std::int64_t oldest = 0;
    if (pairs > most) {
      TRY(deleted, db.change(kDeleteOldest, kind, std::min(pairs - most, kSweptGuesses)));
      oldest = deleted;
    }
    left_[static_cast<std::size_t>(kind)] = static_cast<std::size_t>(pairs - oldest);
    more = more || over == kSweptGuesses || oldest == kSweptGuesses;
  }
  return more;
}

} // namespace foyer::accounts
