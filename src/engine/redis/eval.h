// Scripts on the server, and their answers.
//
// A command names its script by the digest (EVALSHA). The connection loads all of them with each login (bus_scripts()),
// before any other command, so that commands are carried out in the order of the calls.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/refusal.h"
#include "redis/reply.h"
#include "redis/script.h"

namespace foyer::engine {

namespace scripts {
// INFO of the server that has a key.
inline const redis::Script kInfo{"return redis.call('INFO')"};
} // namespace scripts

// For redis::Server::scripts of the connection that the classes of this folder use.
[[nodiscard]] std::vector<std::string> bus_scripts();

[[nodiscard]] inline redis::Command eval(
    const redis::Script& script, std::vector<std::string> keys, std::vector<std::string> arguments) {
  redis::Command out{"EVALSHA", script.digest, std::to_string(keys.size())};
  for (auto& each : keys) out.push_back(std::move(each));
  for (auto& each : arguments) out.push_back(std::move(each));
  return out;
}

// An array that begins with a number, of at least that many items.
[[nodiscard]] inline bool is_list(const redis::Reply& reply, std::size_t least) {
  return reply.kind == redis::Reply::Kind::array && reply.items.size() >= least &&
      reply.items[0].kind == redis::Reply::Kind::integer;
}
[[nodiscard]] inline std::unexpected<Refusal> not_ours() {
  return refuse(Cause::STORE_FAILED, "the bus answered a script with something that it does not return");
}

} // namespace foyer::engine
