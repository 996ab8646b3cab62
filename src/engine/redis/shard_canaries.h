// The channels of canaries: one, or in a cluster one in a slot of each shard, which is the lowest that the shard has.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/redis/names.h"
#include "redis/channels.h"
#include "redis/cluster.h"

namespace foyer::engine {

// In the order of the slots. `cluster`: null for one server. Empty: nothing is known of the cluster yet.
[[nodiscard]] std::vector<std::string> canary_channels(const BusNames& names, const redis::Cluster* cluster);

// Subscribes to them, as they change.
class ShardCanaries {
 public:
  // The channels outlive this.
  ShardCanaries(redis::Channels& channels, BusNames names, std::shared_ptr<redis::Cluster> cluster);

 private:
  void follow();

  redis::Channels& channels_;
  const BusNames names_;
  const std::shared_ptr<redis::Cluster> cluster_;
  std::mutex mutex_; // of the next one
  std::vector<std::string> subscribed_;
  std::shared_ptr<void> watching_;
};

} // namespace foyer::engine
