#include "engine/sql/shared_state.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

constexpr Millis kSweepEvery{1'000};
constexpr std::int64_t kSweptCounts = 1'000; // rows that are deleted at once

// Names are of clients, and may be long.
std::string counted_name(const std::string& name) { return base64url_encode(sha256(name)); }

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

} // namespace

SharedTime SqlSharedState::now() const {
  return time_ == Time::of_the_clock ? SharedTime(clock_.wall()) : SharedTime();
}

// --- how often ---

void SqlSharedState::count_in_window(CountRequest question, Completion<Counted> done) {
  writer_.submit<Counted>(
      [this, question = std::move(question)](store::Database& db) { return count(db, question); }, std::move(done));
}

Result<Counted> SqlSharedState::count(store::Database& db, const CountRequest& question) {
  if (const MonoTime time = clock_.mono(); time - counts_swept_ >= kSweepEvery) {
    counts_swept_ = time;
    TRY_VOID(db.change(kForgetCounts, now(), kSweptCounts));
  }
  const std::string name = counted_name(question.key.name);
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
