// Commands to a server that a thread waits for.
#pragma once

#include <expected>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "redis/connection.h"

namespace foyer::cluster {

using BusAnswer = std::expected<redis::Reply, redis::Failure>;

// In the order of the commands. A connection answers within its timeouts.
[[nodiscard]] inline std::vector<BusAnswer> ask_all(
    redis::Connection& connection, std::vector<redis::Command> commands) {
  std::vector<std::future<BusAnswer>> waiting;
  for (redis::Command& command : commands) {
    auto promise = std::make_shared<std::promise<BusAnswer>>();
    waiting.push_back(promise->get_future());
    connection.send(std::move(command), [promise](BusAnswer reply) { promise->set_value(std::move(reply)); });
  }
  std::vector<BusAnswer> out;
  for (auto& one : waiting) out.push_back(one.get());
  return out;
}

[[nodiscard]] inline BusAnswer ask(redis::Connection& connection, redis::Command command) {
  std::vector<redis::Command> commands;
  commands.push_back(std::move(command));
  return std::move(ask_all(connection, std::move(commands)).front());
}

} // namespace foyer::cluster
