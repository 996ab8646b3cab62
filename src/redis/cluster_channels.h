// Channels of a cluster (SSUBSCRIBE): each is heard at the primary that has its slot, over one connection per primary.
//
// A channel whose slot moves is subscribed again at its new node: a node says so unasked, or the cluster is seen to
// have changed. That is reported as a loss, as after the end of a connection. A channel whose slot has no primary waits
// for one.
#pragma once

#include <memory>

#include "redis/channels.h"
#include "redis/cluster.h"

namespace foyer::redis {

class ClusterChannels final : public Channels {
 public:
  // `server`: how to log in; its host does not count.
  ClusterChannels(
      std::shared_ptr<Cluster> cluster, Server server, Policy policy, Entropy& entropy, ChannelEvents events);
  ~ClusterChannels() override;
  ClusterChannels(const ClusterChannels&) = delete;
  ClusterChannels& operator=(const ClusterChannels&) = delete;

  void subscribe(std::string channel, Completion<bool, Failure> done) override;
  void unsubscribe(std::string channel) override;
  void stop() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace foyer::redis
