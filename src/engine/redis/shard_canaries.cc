#include "engine/redis/shard_canaries.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {

std::vector<std::string> canary_channels(const BusNames& names, const redis::Cluster* cluster) {
  if (cluster == nullptr) return {names.canary()};
  std::vector<std::string> out;
  for (const redis::Slot slot : cluster->map()->lowest()) out.push_back(names.canary(redis::tag_of(slot)));
  return out;
}

ShardCanaries::ShardCanaries(redis::Channels& channels, BusNames names, std::shared_ptr<redis::Cluster> cluster)
    : channels_(channels),
      names_(std::move(names)),
      cluster_(std::move(cluster)) {
  if (cluster_) watching_ = cluster_->watch([this] { follow(); });
  follow();
}

void ShardCanaries::follow() {
  const std::lock_guard held(mutex_);
  auto wanted = canary_channels(names_, cluster_.get());
  const auto has = [](const std::vector<std::string>& list, const std::string& channel) {
    return std::ranges::find(list, channel) != list.end();
  };
  for (const auto& channel : subscribed_)
    if (!has(wanted, channel)) channels_.unsubscribe(channel);
  for (const auto& channel : wanted)
    if (!has(subscribed_, channel)) channels_.subscribe(channel, [](std::expected<bool, redis::Failure>) {});
  subscribed_ = std::move(wanted);
}

} // namespace foyer::engine
