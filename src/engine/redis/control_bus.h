// The control bus between nodes: one channel that all hear, and one for each node.
//
// Listeners of this process get a message at once, as in LocalControlBus; other nodes get its bytes (engine/control_bytes.h).
// Messages may be lost. Those about rights are hints, and after a known loss the listeners here are told that
// revocations may have changed, so that they are read.
//
// Each node publishes a numbered canary every second. From them a node knows which others there are, and whether it
// hears them and itself: a server that answers commands may still deliver nothing.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.h"
#include "engine/control_bus.h"
#include "engine/local/control_bus.h"
#include "engine/redis/names.h"
#include "redis/connection.h"
#include "redis/subscriber.h"

namespace foyer::engine {

inline constexpr Millis kCanaryInterval{1'000};
inline constexpr Millis kNodeSilence{10'000}; // a node that was not heard for that long is not known any more
inline constexpr std::size_t kMostNodes = 1'000;

struct RedisControlBusOptions {
  redis::Server server;
  redis::Policy policy = {};
  BusNames names = BusNames();
  NodeId node; // this one
};

class RedisControlBus final : public ControlBus {
 public:
  // Publishes over `commands` and listens over a connection of its own. `commands`, `executor` and `clock` outlive
  // this, and it is destroyed on the executor's thread, or after that has stopped.
  RedisControlBus(RedisControlBusOptions options, redis::Connection& commands, Executor& executor, const Clock& clock,
      Entropy& entropy);
  ~RedisControlBus() override;

  [[nodiscard]] const NodeId& node() const override { return local_.node(); }
  bool send(ControlMessage message, Route route) override;
  void listen(std::shared_ptr<ControlListener> listener) override { local_.listen(std::move(listener)); }

  struct Heard {
    NodeId node;
    std::uint64_t canary = 0; // the last one
    MonoTime at{};
  };
  // The nodes that were heard lately, this one among them.
  [[nodiscard]] std::vector<Heard> heard() const;
  void sing(); // a canary now

  struct Counts {
    std::atomic<std::uint64_t> unsent{0};     // messages that the bus did not take; not canaries
    std::atomic<std::uint64_t> unreadable{0}; // what arrived and is no message, or one of a later release
  };
  [[nodiscard]] const Counts& counts() const { return *counts_; }

 private:
  void arrived(std::string_view bytes);
  void note(const std::string& node, std::uint64_t canary);
  [[nodiscard]] std::string envelope() const;

  const BusNames names_;
  redis::Connection& commands_;
  Executor& executor_;
  const Clock& clock_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>(); // shared with commands that are on their way
  LocalControlBus local_;
  std::atomic<std::uint64_t> canary_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Heard, std::less<>> heard_;
  TimerId timer_ = 0;
  std::unique_ptr<redis::Subscriber> subscriber_;
};

} // namespace foyer::engine
