#include "redis/deployment.h"

#include <utility>

#include "redis/cluster_channels.h"
#include "redis/cluster_commands.h"
#include "redis/subscriber.h"

namespace foyer::redis {

std::string Server::shown() const { return cluster ? cluster->name() : primary ? primary->name() : url.shown(); }

std::unique_ptr<Commands> open_commands(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch) {
  if (auto cluster = std::exchange(server.cluster, nullptr))
    return std::make_unique<ClusterCommands>(std::move(cluster), std::move(server), policy, entropy, std::move(watch));
  return std::make_unique<Connection>(std::move(server), policy, entropy, std::move(watch));
}

std::unique_ptr<Channels> open_channels(Server server, Policy policy, Entropy& entropy, ChannelEvents events) {
  if (auto cluster = std::exchange(server.cluster, nullptr))
    return std::make_unique<ClusterChannels>(std::move(cluster), std::move(server), policy, entropy, std::move(events));
  return std::make_unique<Subscriber>(std::move(server), policy, entropy, std::move(events));
}

} // namespace foyer::redis
