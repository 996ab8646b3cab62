// The control bus between nodes: one channel that all hear, and one for each node.
//
// Listeners of this process get a message at once, as in LocalControlBus; other nodes get its bytes
// (engine/control_bytes.h). Messages may be lost. Those about rights are hints, and after a known loss the listeners
// here are told that revocations may have changed, so that they are read. From the canaries (bus_canaries.h) it knows
// which nodes there are.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/control_bus.h"
#include "engine/local/control_bus.h"
#include "engine/redis/names.h"
#include "engine/redis/shard_canaries.h"
#include "redis/channels.h"
#include "redis/commands.h"

namespace foyer::engine {

inline constexpr std::size_t kMostNodes = 1'000;

struct RedisControlBusOptions {
  redis::Server server;
  redis::Policy policy = {};
  BusNames names = BusNames();
  NodeId node;            // this one
  Millis silence{10'000}; // a node that was not heard for that long is not known any more
  // What arrives on a channel of canaries (shard_canaries.h), over the same connection as messages. On the subscriber's
  // thread.
  std::function<void(std::string_view channel, std::string_view bytes)> canary = {};
};

class RedisControlBus final : public ControlBus {
 public:
  // Publishes over `commands` and listens over a connection of its own. `commands` and `clock` outlive this.
  RedisControlBus(RedisControlBusOptions options, redis::Commands& commands, const Clock& clock, Entropy& entropy);
  ~RedisControlBus() override;

  [[nodiscard]] const NodeId& node() const override { return local_.node(); }
  bool send(ControlMessage message, Route route) override;
  void listen(std::shared_ptr<ControlListener> listener) override { local_.listen(std::move(listener)); }

  [[nodiscard]] std::vector<NodeId> heard() const; // the nodes that were heard lately, this one among them

  struct Counts {
    std::atomic<std::uint64_t> unsent{0};     // messages that the bus did not take
    std::atomic<std::uint64_t> unreadable{0}; // what arrived and is no message, or one of a later release
  };
  [[nodiscard]] const Counts& counts() const { return *counts_; }

 private:
  void arrived(const std::string& channel, std::string_view bytes);
  void note(std::string_view channel, std::string_view canary);

  const BusNames names_;
  const Millis silence_;
  const std::function<void(std::string_view, std::string_view)> canary_;
  redis::Commands& commands_;
  const Clock& clock_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>(); // shared with commands that are on their way
  LocalControlBus local_;
  mutable std::mutex mutex_;
  std::map<std::string, MonoTime, std::less<>> heard_; // node → when
  std::unique_ptr<redis::Channels> subscriber_;
  std::unique_ptr<ShardCanaries> canaries_;
};

} // namespace foyer::engine
