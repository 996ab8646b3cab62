#include "engine/sql/shared_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

constexpr int kEntryTries = 5;           // to find or insert a row that others change
constexpr Millis kCountAgain{1'000};     // how old a count may be,
constexpr Millis kCountAgainIfFull{100}; // and one that says that no more fit, or
constexpr int kCostsApart = 10;          // so many times as long as counting takes
constexpr Millis kLongestFull{5'000};
constexpr std::int64_t kSwept = 1'000; // rows that are deleted at once

// Names are of clients, and may be long.
std::string digest(const std::string& name) { return base64url_encode(sha256(name)); }

Millis again_if_full(Millis cost) { return std::clamp(cost * kCostsApart, kCountAgainIfFull, kLongestFull); }

std::unexpected<Refusal> entries_contended() {
  return refuse(Cause::STORE_LOCKED, "others take and forget this entry at the same time");
}

} // namespace

// ?1 is the time, ?2 the kind, ?3 the name.
struct SqlSharedEntries::Sql {
  explicit Sql(const std::string& table)
      : table_(table),
        put_and_alive_("FROM " + table + " WHERE kind = ?2 AND name = ?3 AND put = 1 AND forget_ms > " + kSharedNow) {}
  const std::string table_, put_and_alive_;

  // A value, or else a mark of its own where ?6 is 1. How many of each were taken: 0 or 1.
  const std::string take = "WITH of_value AS (UPDATE " + table_ + " SET taken_by = ?4, taken_ms = " + kSharedNow +
      " WHERE kind = ?2 AND name = ?3 AND put = 1 AND taken_ms IS NULL AND forget_ms > " + kSharedNow +
      " RETURNING 1), mark AS (INSERT INTO " + table_ +
      " (kind, name, put, value, taken_by, taken_ms, ends_ms, forget_ms) SELECT ?2, ?3, 0, '', ?4, " + kSharedNow +
      ", " + kSharedNow + ", " + kSharedNow +
      " + CAST(?5 AS BIGINT) WHERE CAST(?6 AS BIGINT) = 1 AND NOT EXISTS (SELECT 1 " + put_and_alive_ +
      ") ON CONFLICT (kind, name, put) DO UPDATE SET taken_by = excluded.taken_by, taken_ms = excluded.taken_ms, "
      "ends_ms = excluded.ends_ms, forget_ms = excluded.forget_ms WHERE " +
      table_ + ".forget_ms <= " + kSharedNow +
      " RETURNING 1) SELECT (SELECT count(*) FROM of_value), (SELECT count(*) FROM mark)";
  const std::string taken = "SELECT taken_by, " + kSharedNow + " - taken_ms FROM " + table_ +
      " WHERE kind = ?2 AND name = ?3 AND taken_ms IS NOT NULL AND forget_ms > " + kSharedNow +
      " ORDER BY put DESC LIMIT 1";
  const std::string is_put = "SELECT 1 " + put_and_alive_;
  const std::string put = "INSERT INTO " + table_ +
      " (kind, name, put, value, ends_ms, forget_ms) VALUES (?2, ?3, 1, ?4, " + kSharedNow + " + ?5, " + kSharedNow +
      " + ?6) ON CONFLICT (kind, name, put) DO UPDATE SET value = excluded.value, "
      "taken_by = NULL, taken_ms = NULL, ends_ms = excluded.ends_ms, forget_ms = excluded.forget_ms WHERE " +
      table_ + ".forget_ms <= " + kSharedNow;
  const std::string drop_ended = "DELETE FROM " + table_ +
      " WHERE kind = ?2 AND put = 1 AND name = (SELECT name FROM " + table_ +
      " WHERE kind = ?2 AND put = 1 AND ends_ms <= " + kSharedNow +
      " ORDER BY forget_ms LIMIT 1 FOR UPDATE SKIP LOCKED)";
  const std::string find =
      "SELECT value, ends_ms - " + kSharedNow + ", taken_by, " + kSharedNow + " - taken_ms " + put_and_alive_;
  // Of a kind; ?3: whether of entries that were put.
  const std::string next_end = "SELECT min(CASE WHEN put = 1 THEN ends_ms ELSE forget_ms END) - " + kSharedNow +
      " FROM " + table_ + " WHERE kind = ?2 AND put = ?3 AND forget_ms > " + kSharedNow;
  const std::string forget = "DELETE FROM " + table_ + " WHERE (kind, name, put) IN (SELECT kind, name, put FROM " +
      table_ + " WHERE kind = ?2 AND put = ?3 AND forget_ms <= " + kSharedNow +
      " ORDER BY forget_ms LIMIT ?4 FOR UPDATE SKIP LOCKED)";
  const std::string entries =
      "SELECT count(*) FROM " + table_ + " WHERE kind = ?2 AND put = ?3 AND forget_ms > " + kSharedNow;
};

SqlSharedEntries::SqlSharedEntries(store::Writer& writer, const Clock& clock, SharedEntriesOptions options)
    : writer_(writer),
      clock_(clock),
      options_(std::move(options)),
      sql_(std::make_unique<const Sql>(options_.table)) {}

SqlSharedEntries::~SqlSharedEntries() = default;

SharedTime SqlSharedEntries::now() const { return options_.by_clock ? SharedTime(clock_.wall()) : SharedTime(); }

template <class T, class Job>
void SqlSharedEntries::submit(Job job, Completion<T> done, const SharedKey& key) {
  Completion<T> answered = std::move(done);
  if (options_.answers_on != nullptr)
    answered = [executor = options_.answers_on, done = std::move(answered)](Result<T> result) mutable {
      executor->post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  writer_.submit<T>(std::move(job), std::move(answered), key.kind + '\n' + key.name);
}

// --- taken once ---

void SqlSharedEntries::take_once(TakeRequest question, Completion<Taken> done) {
  const SharedKey key = question.key;
  submit<Taken>(
      [this, question = std::move(question)](store::Database& db) { return take(db, question); }, std::move(done), key);
}

Result<Taken> SqlSharedEntries::take(store::Database& db, const TakeRequest& question) {
  const std::string name = digest(question.key.name);
  const Kind kind{question.key.kind, false};
  for (int tries = 0; tries < kEntryTries; ++tries) {
    TRY(no_more, is_full(db, kind, question.most));
    {
      TRY(rows, db.query(sql_->take, now(), kind.first, name, question.by, question.remember.count(), no_more ? 0 : 1));
      TRY_VOID(rows.step());
      const bool mark = rows.integer(1) == 1;
      if (mark) added(kind, 1);
      if (mark || rows.integer(0) == 1) return Taken{.first = true, .by = question.by};
    }
    {
      TRY(rows, db.query(sql_->taken, now(), kind.first, name));
      TRY(there, rows.step());
      if (there) return Taken{.first = false, .by = rows.text(0), .ago = Millis{rows.integer(1)}};
    }
    if (no_more) {
      if (auto known = still_full(kind)) return std::unexpected(std::move(*known));
      TRY(refusal, full(db, kind, question.remember));
      return std::unexpected(std::move(refusal));
    }
  }
  return entries_contended();
}

// --- until then ---

void SqlSharedEntries::put_until(PutRequest question, Completion<bool> done) {
  const SharedKey key = question.key;
  submit<bool>(
      [this, question = std::move(question)](store::Database& db) { return put(db, question); }, std::move(done), key);
}

Result<bool> SqlSharedEntries::put(store::Database& db, const PutRequest& question) {
  const std::string name = digest(question.key.name);
  const Kind kind{question.key.kind, true};
  TRY(no_more, is_full(db, kind, question.most));
  if (no_more) {
    {
      TRY(rows, db.query(sql_->is_put, now(), kind.first, name));
      TRY(there, rows.step());
      if (there) return false;
    }
    if (auto known = still_full(kind)) return std::unexpected(std::move(*known));
    TRY(dropped, db.change(sql_->drop_ended, now(), kind.first));
    if (dropped == 0) {
      TRY(refusal, full(db, kind, question.life));
      return std::unexpected(std::move(refusal));
    }
    added(kind, -1);
  }
  TRY(stored,
      db.change(sql_->put, now(), kind.first, name, question.value, question.life.count(),
          (question.life + question.remember).count()));
  if (stored == 1) added(kind, 1);
  return stored == 1;
}

void SqlSharedEntries::find(SharedKey key, Completion<std::optional<Kept>> done) {
  const SharedKey about = key;
  submit<std::optional<Kept>>([this, key = std::move(key)](store::Database& db) -> Result<std::optional<Kept>> {
    TRY(rows, db.query(sql_->find, now(), key.kind, digest(key.name)));
    TRY(there, rows.step());
    if (!there) return std::nullopt;
    Kept kept{.value = rows.text(0), .left = Millis{rows.integer(1)}};
    if (!rows.is_null(3)) kept.taken = Taken{.first = false, .by = rows.text(2), .ago = Millis{rows.integer(3)}};
    return kept;
  }, std::move(done), about);
}

// --- how many are remembered ---

Result<bool> SqlSharedEntries::is_full(store::Database& db, const Kind& kind, std::size_t most) {
  const MonoTime time = clock_.mono();
  const auto gauge = [&] {
    const std::lock_guard held(mutex_);
    const auto found = gauges_.find(kind);
    return found == gauges_.end() ? std::optional<Gauge>() : found->second;
  };
  const auto known = gauge();
  const bool due =
      !known || time - known->counted >= (known->entries < most ? kCountAgain : again_if_full(known->cost));
  if (due) TRY_VOID(count_again(db, kind));
  return gauge()->entries >= most;
}

Result<void> SqlSharedEntries::count_again(store::Database& db, const Kind& kind) {
  const MonoTime begun = clock_.mono();
  TRY_VOID(db.change(sql_->forget, now(), kind.first, kind.second, kSwept));
  TRY(rows, db.query(sql_->entries, now(), kind.first, kind.second));
  TRY_VOID(rows.step());
  const MonoTime time = clock_.mono();
  const std::lock_guard held(mutex_);
  Gauge& gauge = gauges_[kind];
  gauge.entries = static_cast<std::size_t>(rows.integer(0));
  gauge.counted = time;
  gauge.cost = std::chrono::ceil<Millis>(time - begun);
  return {};
}

void SqlSharedEntries::added(const Kind& kind, std::ptrdiff_t entries) {
  const std::lock_guard held(mutex_);
  auto& known = gauges_[kind].entries;
  known = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(known) + entries));
}

// `wait`: if it is not known when the next one ends.
Result<Refusal> SqlSharedEntries::full(store::Database& db, const Kind& kind, Millis wait) {
  TRY(rows, db.query(sql_->next_end, now(), kind.first, kind.second));
  TRY_VOID(rows.step());
  const Millis left = std::max(rows.is_null(0) ? wait : Millis{rows.integer(0)}, Millis{0});
  const MonoTime time = clock_.mono();
  {
    const std::lock_guard held(mutex_);
    Gauge& gauge = gauges_[kind];
    gauge.refused_until = time + std::min(left, again_if_full(gauge.cost));
    gauge.next_end = time + left;
  }
  return busy(kind, left);
}

// As it was refused a moment ago.
std::optional<Refusal> SqlSharedEntries::still_full(const Kind& kind) const {
  const MonoTime time = clock_.mono();
  Millis left{0};
  {
    const std::lock_guard held(mutex_);
    const auto found = gauges_.find(kind);
    if (found == gauges_.end() || time >= found->second.refused_until) return std::nullopt;
    left = std::chrono::ceil<Millis>(found->second.next_end - time);
  }
  return busy(kind, left);
}

Refusal SqlSharedEntries::busy(const Kind& kind, Millis wait) const {
  return {.cause = Cause::BUSY,
      .evidence = fmt::format("{} of kind {} are remembered, and no more fit", remembered(kind.first), kind.first),
      .retry_after = wait};
}

std::size_t SqlSharedEntries::remembered(std::string_view kind) const {
  const std::lock_guard held(mutex_);
  std::size_t out = 0;
  for (const bool put : {false, true})
    if (const auto found = gauges_.find(Kind{kind, put}); found != gauges_.end()) out += found->second.entries;
  return out;
}

} // namespace foyer::engine
