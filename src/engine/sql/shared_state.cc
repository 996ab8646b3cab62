#include "engine/sql/shared_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

constexpr int kEntryTries = 5;           // to find or insert a row that others change
constexpr Millis kCountAgain{1'000};     // how old a count may be,
constexpr Millis kCountAgainIfFull{100}; // and one that says that no more fit
constexpr std::int64_t kSwept = 1'000;   // rows that are deleted at once

// Names are of clients, and may be long.
std::string digest(const std::string& name) { return base64url_encode(sha256(name)); }

const std::string kTakeValue = "UPDATE shared_entries SET taken_by = ?4, taken_ms = " + kSharedNow +
    " WHERE kind = ?2 AND name = ?3 AND put = 1 AND taken_ms IS NULL AND forget_ms > " + kSharedNow;
const std::string kTaken = "SELECT taken_by, " + kSharedNow +
    " - taken_ms FROM shared_entries WHERE kind = ?2 AND name = ?3 AND taken_ms IS NOT NULL AND forget_ms > " +
    kSharedNow + " ORDER BY put DESC LIMIT 1";
const std::string kTake =
    "INSERT INTO shared_entries (kind, name, put, value, taken_by, taken_ms, ends_ms, forget_ms) "
    "VALUES (?2, ?3, 0, '', ?4, " +
    kSharedNow + ", " + kSharedNow + ", " + kSharedNow +
    " + ?5) ON CONFLICT (kind, name, put) DO UPDATE SET taken_by = excluded.taken_by, taken_ms = excluded.taken_ms, "
    "ends_ms = excluded.ends_ms, forget_ms = excluded.forget_ms WHERE shared_entries.forget_ms <= " +
    kSharedNow;
const std::string kIsPut =
    "SELECT 1 FROM shared_entries WHERE kind = ?2 AND name = ?3 AND put = 1 AND forget_ms > " + kSharedNow;
const std::string kPutValue =
    "INSERT INTO shared_entries (kind, name, put, value, ends_ms, forget_ms) VALUES (?2, ?3, 1, ?4, " + kSharedNow +
    " + ?5, " + kSharedNow +
    " + ?6) ON CONFLICT (kind, name, put) DO UPDATE SET value = excluded.value, "
    "taken_by = NULL, taken_ms = NULL, ends_ms = excluded.ends_ms, forget_ms = excluded.forget_ms WHERE "
    "shared_entries.forget_ms <= " +
    kSharedNow;
const std::string kDropEnded =
    "DELETE FROM shared_entries WHERE kind = ?2 AND put = 1 AND name = (SELECT name FROM "
    "shared_entries WHERE kind = ?2 AND put = 1 AND ends_ms <= " +
    kSharedNow + " ORDER BY forget_ms LIMIT 1 FOR UPDATE SKIP LOCKED)";
const std::string kFindValue = "SELECT value, ends_ms - " + kSharedNow + ", taken_by, " + kSharedNow +
    " - taken_ms FROM shared_entries WHERE kind = ?2 AND name = ?3 AND put = 1 AND forget_ms > " + kSharedNow;
const std::string kNextEnd = "SELECT min(CASE WHEN put = 1 THEN ends_ms ELSE forget_ms END) - " + kSharedNow +
    " FROM shared_entries WHERE kind = ?2 AND put = ?3 AND forget_ms > " + kSharedNow;
const std::string kForget =
    "DELETE FROM shared_entries WHERE (kind, name, put) IN (SELECT kind, name, put FROM "
    "shared_entries WHERE kind = ?2 AND put = ?3 AND forget_ms <= " +
    kSharedNow + " ORDER BY forget_ms LIMIT ?4 FOR UPDATE SKIP LOCKED)";
const std::string kEntries =
    "SELECT count(*) FROM shared_entries WHERE kind = ?2 AND put = ?3 AND forget_ms > " + kSharedNow;

// The times within the window.
const std::string kWithin = "ARRAY(SELECT t FROM unnest(shared_counts.times) t WHERE t > " + kSharedNow + " - ?5)";
const std::string kCountUse = "INSERT INTO shared_counts (kind, name, times, forget_ms) VALUES (?2, ?3, ARRAY[" +
    kSharedNow + "], " + kSharedNow + " + ?5) ON CONFLICT (kind, name) DO UPDATE SET times = " + kWithin + " || " +
    kSharedNow + ", forget_ms = excluded.forget_ms WHERE cardinality(" + kWithin + ") < ?4";
const std::string kFirstWithin = "SELECT min(t) + ?4 - " + kSharedNow +
    " FROM (SELECT unnest(times) AS t FROM shared_counts WHERE kind = ?2 AND name = ?3) AS all_times WHERE t > " +
    kSharedNow + " - ?4";
const std::string kForgetCounts =
    "DELETE FROM shared_counts WHERE (kind, name) IN (SELECT kind, name FROM shared_counts "
    "WHERE forget_ms <= " +
    kSharedNow + " ORDER BY forget_ms LIMIT ?2 FOR UPDATE SKIP LOCKED)";

std::unexpected<Refusal> entries_contended() {
  return refuse(Cause::STORE_LOCKED, "others take and forget this entry at the same time");
}

} // namespace

SharedTime SqlSharedState::now() const {
  return time_ == Time::of_the_clock ? SharedTime(clock_.wall()) : SharedTime();
}

// --- taken once ---

void SqlSharedState::take_once(TakeRequest question, Completion<Taken> done) {
  writer_.submit<Taken>(
      [this, question = std::move(question)](store::Database& db) { return take(db, question); }, std::move(done));
}

Result<Taken> SqlSharedState::take(store::Database& db, const TakeRequest& question) {
  const std::string name = digest(question.key.name);
  const Kind kind{question.key.kind, false};
  TRY(value, db.change(kTakeValue, now(), kind.first, name, question.by));
  if (value == 1) return Taken{.first = true, .by = question.by};
  for (int tries = 0; tries < kEntryTries; ++tries) {
    {
      TRY(rows, db.query(kTaken, now(), kind.first, name));
      TRY(there, rows.step());
      if (there) return Taken{.first = false, .by = rows.text(0), .ago = Millis{rows.integer(1)}};
    }
    TRY(no_more, is_full(db, kind, question.most));
    if (no_more) {
      TRY(rows, db.query(kNextEnd, now(), kind.first, kind.second));
      TRY_VOID(rows.step());
      return std::unexpected(full(kind, rows.is_null(0) ? question.remember : Millis{rows.integer(0)}));
    }
    TRY(taken, db.change(kTake, now(), kind.first, name, question.by, question.remember.count()));
    if (taken == 1) {
      added(kind, 1);
      return Taken{.first = true, .by = question.by};
    }
  }
  return entries_contended();
}

// --- until then ---

void SqlSharedState::put_until(PutRequest question, Completion<bool> done) {
  writer_.submit<bool>(
      [this, question = std::move(question)](store::Database& db) { return put(db, question); }, std::move(done));
}

Result<bool> SqlSharedState::put(store::Database& db, const PutRequest& question) {
  const std::string name = digest(question.key.name);
  const Kind kind{question.key.kind, true};
  {
    TRY(rows, db.query(kIsPut, now(), kind.first, name));
    TRY(there, rows.step());
    if (there) return false;
  }
  TRY(no_more, is_full(db, kind, question.most));
  if (no_more) {
    TRY(dropped, db.change(kDropEnded, now(), kind.first));
    if (dropped == 0) {
      TRY(rows, db.query(kNextEnd, now(), kind.first, kind.second));
      TRY_VOID(rows.step());
      return std::unexpected(full(kind, rows.is_null(0) ? question.life : Millis{rows.integer(0)}));
    }
    added(kind, -1);
  }
  TRY(stored,
      db.change(kPutValue, now(), kind.first, name, question.value, question.life.count(),
          (question.life + question.remember).count()));
  if (stored == 1) added(kind, 1);
  return stored == 1;
}

void SqlSharedState::find(SharedKey key, Completion<std::optional<Kept>> done) {
  writer_.submit<std::optional<Kept>>([this, key = std::move(key)](store::Database& db) -> Result<std::optional<Kept>> {
    TRY(rows, db.query(kFindValue, now(), key.kind, digest(key.name)));
    TRY(there, rows.step());
    if (!there) return std::nullopt;
    Kept kept{.value = rows.text(0), .left = Millis{rows.integer(1)}};
    if (!rows.is_null(3)) kept.taken = Taken{.first = false, .by = rows.text(2), .ago = Millis{rows.integer(3)}};
    return kept;
  }, std::move(done));
}

// --- how many are remembered ---

Result<bool> SqlSharedState::is_full(store::Database& db, const Kind& kind, std::size_t most) {
  const MonoTime time = clock_.mono();
  const auto gauge = [&] {
    const std::lock_guard held(mutex_);
    const auto found = gauges_.find(kind);
    return found == gauges_.end() ? std::optional<Gauge>() : found->second;
  };
  const auto known = gauge();
  const bool due = !known || time - known->counted >= kCountAgain ||
      (known->entries >= most && time - known->counted >= kCountAgainIfFull);
  if (due) TRY_VOID(count_again(db, kind));
  return gauge()->entries >= most;
}

Result<void> SqlSharedState::count_again(store::Database& db, const Kind& kind) {
  TRY_VOID(db.change(kForget, now(), kind.first, kind.second, kSwept));
  TRY(rows, db.query(kEntries, now(), kind.first, kind.second));
  TRY_VOID(rows.step());
  const std::lock_guard held(mutex_);
  gauges_[kind] = {.entries = static_cast<std::size_t>(rows.integer(0)), .counted = clock_.mono()};
  return {};
}

void SqlSharedState::added(const Kind& kind, std::ptrdiff_t entries) {
  const std::lock_guard held(mutex_);
  auto& known = gauges_[kind].entries;
  known = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(known) + entries));
}

Refusal SqlSharedState::full(const Kind& kind, Millis wait) const {
  return {.cause = Cause::BUSY,
      .evidence = fmt::format("{} of kind {} are remembered, and no more fit", remembered(kind.first), kind.first),
      .retry_after = std::max(wait, Millis{0})};
}

std::size_t SqlSharedState::remembered(std::string_view kind) const {
  const std::lock_guard held(mutex_);
  std::size_t out = 0;
  for (const bool put : {false, true})
    if (const auto found = gauges_.find(Kind{kind, put}); found != gauges_.end()) out += found->second.entries;
  return out;
}

// --- how often ---

void SqlSharedState::count_in_window(CountRequest question, Completion<Counted> done) {
  writer_.submit<Counted>(
      [this, question = std::move(question)](store::Database& db) { return count(db, question); }, std::move(done));
}

Result<Counted> SqlSharedState::count(store::Database& db, const CountRequest& question) {
  if (const MonoTime time = clock_.mono(); time - counts_swept_ >= kCountAgain) {
    counts_swept_ = time;
    TRY_VOID(db.change(kForgetCounts, now(), kSwept));
  }
  const std::string name = digest(question.key.name);
  if (question.most > 0) {
    TRY(counted, db.change(kCountUse, now(), question.key.kind, name, question.most, question.window.count()));
    if (counted == 1) return Counted{.within = true};
  }
  TRY(rows, db.query(kFirstWithin, now(), question.key.kind, name, question.window.count()));
  TRY_VOID(rows.step());
  return Counted{.within = false,
      .retry_after = rows.is_null(0) ? question.window : Millis{std::max<std::int64_t>(1, rows.integer(0))}};
}

// --- who may act ---

void SqlSharedState::lease(LeaseRequest question, Completion<Lease> done) {
  writer_.submit<Lease>([this, question = std::move(question)](store::Database& db) {
    return grant_lease(db, question, now());
  }, std::move(done));
}

void SqlSharedState::end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) {
  writer_.submit<bool>([this, key = std::move(key), holder = std::move(holder), term](store::Database& db) {
    return engine::end_lease(db, key, holder, term, now());
  }, std::move(done));
}

} // namespace foyer::engine
