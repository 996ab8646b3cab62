#include "app/record_hearing.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace foyer::app {

RecordHearing::RecordHearing(Millis tick, Executor& control, Log& log)
    : log_(log),
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
  silent_ = readings == std::exchange(seen_, readings) ? silent_ + 1 : 0;
  const bool deaf = silent_ >= kSilentTicks;
  if (deaf_.exchange(deaf) != deaf) tell(deaf);
}

void RecordHearing::tell(bool deaf) {
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
  return {{.name = "nodes", .needed = true, .read = [this] {
    return deaf_.load() ? observe::HealthState::failing(std::string(code_of(Cause::NODE_DEAF)))
                        : observe::HealthState::ok();
  }}};
}

} // namespace foyer::app
