#include "app/record_hearing.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace foyer::app {

RecordHearing::RecordHearing(Beside beside, Millis tick, Executor& control, Log& log)
    : beside_(beside),
      log_(log),
      ticker_(control, std::max(tick, kLeastRecordTick), [this] { this->tick(); }) {}

Result<void> RecordHearing::read(store::Database&, MonoTime) {
  readings_.fetch_add(1);
  return {};
}

void RecordHearing::watch(BetweenNodes::Watch watch) {
  const std::lock_guard held(mutex_);
  watch_ = std::move(watch);
}

void RecordHearing::tick() {
  const std::uint64_t readings = readings_.load();
  if (readings == 0) return; // it has not begun
  silent_ticks_ = readings == std::exchange(seen_, readings) ? silent_ticks_ + 1 : 0;
  const bool silent = silent_ticks_ >= (beside_ == Beside::bus ? kUnreadTicks : kSilentTicks);
  if (silent_.exchange(silent) == silent) return;
  if (beside_ == Beside::bus)
    tell_unread(silent);
  else
    tell_deaf(silent);
}

void RecordHearing::tell_unread(bool unread) {
  if (unread)
    log_.warning("record_unread", "The database is silent, so what the bus loses is not noticed.");
  else
    log_.info("record_read", "The database is read again.");
}

void RecordHearing::tell_deaf(bool deaf) {
  std::optional<Refusal> why;
  if (deaf) {
    why = Refusal{.cause = Cause::NODE_DEAF, .evidence = "the database cannot be read"};
    log_.error("NODE_DEAF", why->operator_text(), {{"next", why->info().next}});
  } else {
    log_.info("node_hears", "This node hears the others again.");
  }
  const std::lock_guard held(mutex_);
  if (watch_.deaf) watch_.deaf(std::move(why));
}

std::vector<observe::HealthCheck> RecordHearing::ready() const {
  const Cause cause = beside_ == Beside::bus ? Cause::DATABASE_UNREACHABLE : Cause::NODE_DEAF;
  return {{.name = beside_ == Beside::bus ? "record" : "nodes",
      .needed = beside_ == Beside::nothing,
      .read = [this, cause] {
    return silent_.load() ? observe::HealthState::failing(std::string(code_of(cause))) : observe::HealthState::ok();
  }}};
}

} // namespace foyer::app
