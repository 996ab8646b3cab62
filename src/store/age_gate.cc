#include "store/age_gate.h"

#include <charconv>
#include <utility>

namespace foyer::store {

AgeGate::AgeGate(std::string store, AgeQueries queries, const Clock& clock, Log& log, bool compares_server)
    : store_(std::move(store)),
      queries_(queries),
      clock_(clock),
      log_(log),
      compares_server_(compares_server) {}

Result<AgeGuard::Reading> AgeGate::read(Database& db) const {
  AgeGuard::Reading now{.wall = clock_.wall(), .mono = clock_.mono()};
  if (!compares_server_) return now;
  TRY(server, db.server_time());
  now.server = server;
  return now;
}

Result<void> AgeGate::begin(Database& db, const AgeGuard::Reading& now) {
  std::optional<WallTime> believed, newest;
  {
    TRY(rows, db.query(queries_.believed));
    TRY(found, rows.step());
    if (found) {
      const std::string text = rows.text(0);
      std::int64_t millis = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), millis).ec == std::errc{})
        believed = from_unix_millis(millis);
    }
  }
  {
    TRY(rows, db.query(queries_.newest));
    TRY(found, rows.step());
    if (found && !rows.is_null(0)) newest = rows.time(0);
  }
  const std::scoped_lock lock(mutex_);
  guard_.begin(now, believed, newest);
  return {};
}

Result<void> AgeGate::keep(Database& db, WallTime believed) {
  TRY_VOID(db.change(queries_.believe, std::to_string(unix_millis(believed))));
  kept_ = believed;
  return {};
}

Result<AgeGate::Turn> AgeGate::turn(Database& db) {
  TRY(now, read(db));
  const bool first = !guard_.begun();
  bool changed = first;
  if (first) TRY_VOID(begin(db, now));
  const bool operator_believes = believed_.exchange(false);
  {
    const std::scoped_lock lock(mutex_);
    if (!first) changed = guard_.observe(now);
    if (operator_believes) guard_.believe(now);
  }
  const bool may = !guard_.waiting();
  if (operator_believes)
    log_.info("upkeep_now", "An operator confirmed the clock: deletion by age continues.",
        {{"store", store_}, {"now", rfc3339(now.wall)}});
  else if (changed && (!first || !may))
    report();
  if (may && !open_.exchange(true) && !first) round_asked_.store(true);
  if (!may) open_.store(false);
  if (round_asked_.exchange(false) || now.mono >= next_round_) {
    next_round_ = now.mono + kRoundEvery;
    in_round_ = true;
    if (may) TRY_VOID(keep(db, now.wall));
  }
  return Turn{.round = in_round_, .by_age = may};
}

void AgeGate::report() const {
  const std::string now = rfc3339(clock_.wall());
  const ClockDoubt doubt = guard_.doubt();
  if (doubt == ClockDoubt::none)
    return log_.info("deletion_by_age_resumes", "The clock has been steady for an hour: deletion by age continues.",
        {{"store", store_}, {"now", now}});
  std::string_view what = "The clock is far ahead of the newest stored time.";
  if (doubt == ClockDoubt::behind)
    what = "Stored times are in the future: the clock is behind, or was ahead when they were written.";
  if (doubt == ClockDoubt::jumped) what = "The clock was set, or the machine was suspended.";
  if (doubt == ClockDoubt::server) what = "The clock differs from the database server's clock.";
  constexpr std::string_view kConsequence =
      " Nothing is deleted by age until the clock has been steady for an hour, or `foyer upkeep --now` confirms it.";
  log_.warning("clock_doubted", std::string(what) + std::string(kConsequence),
      {{"store", store_}, {"doubt", to_string(doubt)}, {"now", now}, {"compared_with", rfc3339(guard_.reference())},
          {"off_s", std::chrono::floor<std::chrono::seconds>(guard_.off()).count()}});
}

void AgeGate::deleting(std::initializer_list<Field> what) {
  if (std::exchange(logged_deletion_, true)) return;
  log_.write(Level::info, "deletion_by_age", "Rows that have reached their age limit are deleted now.", what);
}

void AgeGate::deleted(std::int64_t rows) { rows_ += rows; }

void AgeGate::round_is_over() {
  if (logged_deletion_)
    log_.info("deletion_by_age_done", "Rows that had reached their age limit are deleted.",
        {{"store", store_}, {"rows", rows_}});
  in_round_ = false;
  logged_deletion_ = false;
  rows_ = 0;
}

UpkeepState AgeGate::state() const {
  const std::scoped_lock lock(mutex_);
  return {.store = store_,
      .doubt = guard_.doubt(),
      .off = guard_.off(),
      .reference = guard_.reference(),
      .left = guard_.left(clock_.mono())};
}

} // namespace foyer::store
