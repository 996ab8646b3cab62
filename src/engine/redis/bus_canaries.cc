#include "engine/redis/bus_canaries.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace foyer::engine {

BusCanaries::BusCanaries(BusCanariesOptions options, redis::Commands& commands, Executor& executor, const Clock& clock)
    : options_(std::move(options)),
      commands_(commands),
      clock_(clock),
      watch_(options_.node.str(), 0, options_.tick),
      ticker_(executor, options_.tick, [this] { tick(); }) {
  const std::lock_guard held(mutex_);
  follow(canary_channels(options_.names, options_.cluster.get()));
}

void BusCanaries::tick() {
  std::optional<std::uint64_t> number;
  Hearing before, now;
  bool late = false;
  const auto channels = canary_channels(options_.names, options_.cluster.get());
  {
    const std::lock_guard held(mutex_);
    follow(channels);
    before = watch_.judge();
    number = watch_.tick(clock_.mono());
    now = watch_.judge();
    late = watch_.late();
  }
  if (!number) return;
  const std::string canary = to_bytes(Canary{.node = options_.node.str(), .number = *number});
  for (const std::string& channel : channels)
    commands_.send({"PUBLISH", channel, canary}, [](const std::expected<redis::Reply, redis::Failure>&) {});
  if (late && options_.late) options_.late();
  if (now != before && options_.changed) options_.changed(now);
}

// Each channel has a path for each of the connections.
void BusCanaries::follow(std::vector<std::string> channels) {
  watch_.resize(channels.size() * kBusPaths);
  for (std::size_t i = 0; i < channels.size(); ++i)
    if (i >= channels_.size() || channels_[i] != channels[i])
      for (std::size_t path = 0; path < kBusPaths; ++path) watch_.renew(i * kBusPaths + path);
  channels_ = std::move(channels);
}

void BusCanaries::heard(BusPath path, std::string_view channel, std::string_view bytes) {
  const auto canary = read_canary(bytes);
  if (!canary) return;
  const std::lock_guard held(mutex_);
  const auto found = std::ranges::find(channels_, channel);
  if (found == channels_.end()) return;
  const auto index = static_cast<std::size_t>(found - channels_.begin());
  watch_.heard(index * kBusPaths + static_cast<std::size_t>(path), canary->node, canary->number);
}

std::vector<std::string> BusCanaries::deaf_channels() const {
  const std::lock_guard held(mutex_);
  std::vector<std::string> out;
  for (const std::size_t path : watch_.judge().paths) {
    const std::size_t index = path / kBusPaths;
    if (index < channels_.size() && (out.empty() || out.back() != channels_[index])) out.push_back(channels_[index]);
  }
  return out;
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
