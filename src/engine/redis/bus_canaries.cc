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
  follow(shards());
}

std::vector<BusCanaries::Shard> BusCanaries::shards() const {
  std::vector<Shard> out;
  const auto map = options_.cluster ? options_.cluster->map() : nullptr;
  for (std::string& channel : canary_channels(options_.names, options_.cluster.get())) {
    const redis::Endpoint* at = map ? map->at(redis::slot_of(channel)) : nullptr;
    out.push_back({.channel = std::move(channel), .primary = at == nullptr ? redis::Endpoint() : *at});
  }
  return out;
}

void BusCanaries::tick() {
  std::optional<std::uint64_t> number;
  Hearing before, now;
  bool late = false;
  const auto shards = this->shards();
  {
    const std::lock_guard held(mutex_);
    follow(shards);
    before = watch_.judge();
    number = watch_.tick(clock_.mono());
    now = watch_.judge();
    late = watch_.late();
  }
  if (!number) return;
  const std::string canary = to_bytes(Canary{.node = options_.node.str(), .number = *number});
  for (const Shard& shard : shards)
    commands_.send({"PUBLISH", shard.channel, canary}, [](const std::expected<redis::Reply, redis::Failure>&) {});
  if (late && options_.late) options_.late();
  if (now != before && options_.changed) options_.changed(now);
}

// Each channel has a path for each of the connections. With another primary they are other connections: what was lost
// on the way to it, as in a switch-over by hand (CLUSTER FAILOVER), makes nobody deaf.
void BusCanaries::follow(std::vector<Shard> shards) {
  watch_.resize(shards.size() * kBusPaths);
  for (std::size_t i = 0; i < shards.size(); ++i)
    if (i >= shards_.size() || shards_[i] != shards[i])
      for (std::size_t path = 0; path < kBusPaths; ++path) watch_.renew(i * kBusPaths + path);
  shards_ = std::move(shards);
}

void BusCanaries::heard(BusPath path, std::string_view channel, std::string_view bytes) {
  const auto canary = read_canary(bytes);
  if (!canary) return;
  const std::lock_guard held(mutex_);
  const auto found = std::ranges::find(shards_, channel, &Shard::channel);
  if (found == shards_.end()) return;
  const auto index = static_cast<std::size_t>(found - shards_.begin());
  watch_.heard(index * kBusPaths + static_cast<std::size_t>(path), canary->node, canary->number);
}

std::vector<std::string> BusCanaries::deaf_channels() const {
  const std::lock_guard held(mutex_);
  std::vector<std::string> out;
  for (const std::size_t path : watch_.judge().paths) {
    const std::size_t index = path / kBusPaths;
    if (index < shards_.size() && (out.empty() || out.back() != shards_[index].channel))
      out.push_back(shards_[index].channel);
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
