#include "engine/redis/bus_canaries.h"

#include <optional>
#include <utility>

namespace foyer::engine {

BusCanaries::BusCanaries(
    BusCanariesOptions options, redis::Connection& commands, Executor& executor, const Clock& clock)
    : options_(std::move(options)),
      commands_(commands),
      clock_(clock),
      watch_(options_.node.str(), kBusPaths, options_.tick),
      ticker_(executor, options_.tick, [this] { tick(); }) {}

void BusCanaries::tick() {
  std::optional<std::uint64_t> number;
  Hearing before, now;
  bool late = false;
  {
    const std::lock_guard held(mutex_);
    before = watch_.judge();
    number = watch_.tick(clock_.mono());
    now = watch_.judge();
    late = watch_.late();
  }
  if (!number) return;
  commands_.send({"PUBLISH", options_.names.canary(), to_bytes(Canary{.node = options_.node.str(), .number = *number})},
      [](const std::expected<redis::Reply, redis::Failure>&) {});
  if (late && options_.late) options_.late();
  if (now != before && options_.changed) options_.changed(now);
}

void BusCanaries::heard(BusPath path, std::string_view bytes) {
  const auto canary = read_canary(bytes);
  if (!canary) return;
  const std::lock_guard held(mutex_);
  watch_.heard(static_cast<std::size_t>(path), canary->node, canary->number);
}

void BusCanaries::held_back() {
  const std::lock_guard held(mutex_);
  watch_.held_back();
}

void BusCanaries::members(std::vector<OtherMember> others) {
  const std::lock_guard held(mutex_);
  watch_.members(std::move(others));
}

Hearing BusCanaries::hearing() const {
  const std::lock_guard held(mutex_);
  return watch_.judge();
}

} // namespace foyer::engine
