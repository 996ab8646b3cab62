// Scripts on the server, and their answers.
//
// The text goes with every call (EVAL): the server compiles it once, and a server that was restarted or flushed needs
// no second try, after which commands would not be carried out in the order of the calls.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/refusal.h"
#include "redis/reply.h"

namespace foyer::engine {

[[nodiscard]] inline redis::Command eval(
    const std::string& script, std::vector<std::string> keys, std::vector<std::string> arguments) {
  redis::Command out{"EVAL", script, std::to_string(keys.size())};
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
