// For tests: a private cluster of three primaries, the first with a replica if asked for.
#pragma once

#include <functional>
#include <memory>

#include "redis/slots.h"
#include "redis/testing/redis_server.h"

namespace foyer::testing_world {

class RedisCluster {
 public:
  static constexpr std::size_t kPrimaries = 3;

  explicit RedisCluster(int replicas = 0) {
    for (std::size_t i = 0; i < kPrimaries + static_cast<std::size_t>(replicas); ++i)
      servers_.push_back(
          std::make_unique<RedisServer>(RedisOptions{.arguments = {"--cluster-enabled", "yes", "--cluster-node-timeout",
                                                         "2000", "--repl-diskless-sync-delay", "0"}}));
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      at(i).cli({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i < kPrimaries)
        at(i).cli({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot(i)), std::to_string(first_slot(i + 1) - 1)});
      if (i > 0) at(i).cli({"CLUSTER", "MEET", "127.0.0.1", std::to_string(at(0).url().port)});
    }
    until("a cluster in which all know each other", [this] { return all_know_all(); });
    for (std::size_t i = kPrimaries; i < servers_.size(); ++i) {
      at(i).cli({"CLUSTER", "REPLICATE", id(0)});
      until("a replica that has its copy", [&] { return has(i, {"INFO", "replication"}, "master_link_status:up"); });
      until("a primary that knows its replica", [&] { return has(1, {"CLUSTER", "NODES"}, "slave " + id(0)); });
    }
  }

  RedisServer& at(std::size_t index) { return *servers_[index]; }
  // Of that primary, at the beginning.
  static redis::Slot first_slot(std::size_t primary) {
    return static_cast<redis::Slot>(redis::kSlots * primary / kPrimaries);
  }
  std::string url() {
    std::string out = "redis+cluster://";
    for (std::size_t i = 0; i < kPrimaries; ++i)
      out += (i == 0 ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(at(i).url().port);
    return out;
  }
  // Moves a slot with its keys, as redis-cli --cluster reshard does. `between`: when it is on its way.
  void move(redis::Slot slot, std::size_t from, std::size_t to, const std::function<void()>& between) {
    const std::string number = std::to_string(slot), target = id(to);
    at(to).cli({"CLUSTER", "SETSLOT", number, "IMPORTING", id(from)});
    at(from).cli({"CLUSTER", "SETSLOT", number, "MIGRATING", target});
    between();
    for (;;) {
      const std::string key = at(from).cli({"CLUSTER", "GETKEYSINSLOT", number, "1"});
      if (key.empty()) break;
      at(from).cli({"MIGRATE", "127.0.0.1", std::to_string(at(to).url().port), key, "0", "5000"});
    }
    at(to).cli({"CLUSTER", "SETSLOT", number, "NODE", target});
    at(from).cli({"CLUSTER", "SETSLOT", number, "NODE", target});
  }

 private:
  std::string id(std::size_t index) { return at(index).cli({"CLUSTER", "MYID"}); }
  bool has(std::size_t index, const std::vector<std::string>& command, const std::string& what) {
    return at(index).cli(command).find(what) != std::string::npos;
  }
  bool all_know_all() {
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (!has(i, {"CLUSTER", "INFO"}, "cluster_state:ok") ||
          !has(i, {"CLUSTER", "INFO"}, "cluster_known_nodes:" + std::to_string(servers_.size())))
        return false;
    return true;
  }
  static void until(const char* wanted, const std::function<bool()>& holds) {
    using namespace std::chrono_literals;
    for (const auto end = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < end;
        std::this_thread::sleep_for(20ms))
      if (holds()) return;
    std::fprintf(stderr, "Tests of Redis need %s.\n", wanted);
    std::_Exit(70);
  }

  std::vector<std::unique_ptr<RedisServer>> servers_;
};

} // namespace foyer::testing_world
