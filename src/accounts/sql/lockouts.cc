#include "accounts/sql/lockouts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "accounts/model/records.h"

namespace foyer::accounts {
namespace {

constexpr Millis kAttemptLasts = std::chrono::minutes{1}; // at most, as far as others can tell
constexpr std::int64_t kSweptGuesses = 1'000;             // rows that are deleted at once
constexpr std::size_t kMostUnwritten = 1'000;             // ends

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

} // namespace

struct SqlLockouts::Row {
  GuessKind kind;
  std::string pair;
  GuessRecord record = {};
  Millis begun{0};
  Millis now{0};

  [[nodiscard]] static Result<Row> lock(
      store::Database& db, GuessKind kind, const std::string& pair, const Clock* clock);
  [[nodiscard]] Result<bool> write(store::Database& db, const LockoutPolicy& policy) const;
  void end(GuessEnd how, const LockoutPolicy& policy);
};

Result<SqlLockouts::Row> SqlLockouts::Row::lock(
    store::Database& db, GuessKind kind, const std::string& pair, const Clock* clock) {
  Row row{.kind = kind, .pair = pair};
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

Result<bool> SqlLockouts::Row::write(store::Database& db, const LockoutPolicy& policy) const {
  const GuessRecord& r = record;
  if (r.failures == 0 && r.under_way == 0) {
    TRY_VOID(db.change(kDeleteRow, kind, pair));
    return true;
  }
  const Millis forgotten = r.failures > 0 ? r.last_failure + policy.forget_after : Millis{0};
  const Millis forget = std::max(forgotten, begun + kAttemptLasts);
  TRY_VOID(db.change(kWriteRow, kind, pair, r.failures, r.under_way, r.locked_until.count(), r.last_failure.count(),
      begun.count(), forget.count()));
  return true;
}

void SqlLockouts::Row::end(GuessEnd how, const LockoutPolicy& policy) {
  if (how == GuessEnd::wrong)
    end_wrong_guess(record, policy, now);
  else
    end_guess(record);
  if (how == GuessEnd::right) record.failures = 0;
}

void UnwrittenEnds::add(End end) {
  const std::lock_guard held(mutex_);
  if (ends_.size() < kMostUnwritten) ends_.push_back(std::move(end));
}

std::vector<UnwrittenEnds::End> UnwrittenEnds::take(MonoTime now) {
  std::vector<End> out;
  {
    const std::lock_guard held(mutex_);
    out = std::exchange(ends_, {});
  }
  std::erase_if(out, [now](const End& end) { return end.until <= now; });
  return out;
}

MonoTime SqlLockouts::mono() const { return clock_ == nullptr ? system_clock().mono() : clock_->mono(); }

Completion<bool> SqlLockouts::on_control(Completion<bool> done) {
  return [&control = control_, done = std::move(done)](Result<bool> result) mutable {
    control.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
}

void SqlLockouts::change(GuessKind kind, const std::string& pair, Change change, Completion<bool> done) {
  writer_.submit<bool>(
      [kind, pair, change = std::move(change), policy = policies_.of(kind), clock = clock_](
          store::Database& db) -> Result<bool> {
    TRY(row, Row::lock(db, kind, pair, clock));
    TRY_VOID(change(row));
    return row.write(db, policy);
  },
      std::move(done), "guess\n" + pair);
}

void SqlLockouts::begin(GuessKey key, Completion<bool> done) {
  for (UnwrittenEnds::End& end : unwritten_.take(mono())) write(std::move(end), [](Result<bool>) {});
  change(key.kind, guessed_pair(key), [policy = policies_.of(key.kind)](Row& row) -> Result<void> {
    TRY_VOID(begin_guess(row.record, policy, row.now));
    row.begun = row.now;
    return {};
  }, on_control(std::move(done)));
}

void SqlLockouts::end(GuessKey key, GuessEnd how, Completion<bool> done) {
  write({.kind = key.kind, .pair = guessed_pair(key), .how = how, .until = mono() + kAttemptLasts},
      on_control(std::move(done)));
}

void SqlLockouts::write(UnwrittenEnds::End end, Completion<bool> done) {
  const GuessKind kind = end.kind;
  const std::string pair = end.pair;
  change(kind, pair, [how = end.how, policy = policies_.of(kind)](Row& row) -> Result<void> {
    row.end(how, policy);
    return {};
  }, [this, end = std::move(end), done = std::move(done)](Result<bool> result) mutable {
    if (!result) unwritten_.add(std::move(end));
    done(std::move(result));
  });
}

void SqlLockouts::forgive(GuessKey key) {
  const std::string pair = guessed_pair(key);
  writer_.submit<bool>([kind = key.kind, pair](store::Database& db) -> Result<bool> {
    TRY_VOID(db.change(kForgiveRow, kind, pair));
    return true;
  }, [](Result<bool>) {}, "guess\n" + pair);
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
