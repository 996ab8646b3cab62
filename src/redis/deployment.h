// Connections to whatever a `Server` stands for: one server, a primary that moves, or a cluster.
#pragma once

#include <memory>

#include "redis/channels.h"
#include "redis/commands.h"
#include "redis/connection.h"

namespace foyer::redis {

[[nodiscard]] std::unique_ptr<Commands> open_commands(
    Server server, Policy policy, Entropy& entropy, ConnectionWatch watch = {});
[[nodiscard]] std::unique_ptr<Channels> open_channels(
    Server server, Policy policy, Entropy& entropy, ChannelEvents events);

} // namespace foyer::redis
