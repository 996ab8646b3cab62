// Sends the canaries of this node and judges by those that arrive (canaries.h).
#pragma once

#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/control_bus.h"
#include "engine/redis/canaries.h"
#include "engine/redis/names.h"
#include "engine/redis/shard_canaries.h"
#include "engine/redis/ticker.h"
#include "redis/commands.h"
#include "redis/endpoint.h"

namespace foyer::engine {

// Connections over which this node hears others.
enum class BusPath : std::uint8_t { rooms, control };
inline constexpr std::size_t kBusPaths = 2;

struct BusCanariesOptions {
  BusNames names = BusNames();
  std::shared_ptr<redis::Cluster> cluster = {}; // null: one server
  NodeId node;                                  // this one
  Millis tick{1'000};
  std::function<void(const Hearing&)> changed = {}; // on the executor
  std::function<void()> late = {};                  // on the executor: maybe the server holds back canaries
};

class BusCanaries {
 public:
  // Begins at once. The references outlive this.
  BusCanaries(BusCanariesOptions options, redis::Commands& commands, Executor& executor, const Clock& clock);

  // Any thread.
  void heard(
      BusPath path, std::string_view channel, std::string_view bytes); // what arrived on that channel of canaries
  void held_back();                                                    // the server holds back canaries now (FAILOVER)
  void members(std::vector<OtherMember> others);                       // the database was read
  [[nodiscard]] Hearing hearing() const;                               // as of the last tick
  // The channels on which somebody is not heard.
  [[nodiscard]] std::vector<std::string> deaf_channels() const;

 private:
  // Where a canary is sent and heard.
  struct Shard {
    std::string channel;
    redis::Endpoint primary = {}; // of a cluster
    friend bool operator==(const Shard&, const Shard&) = default;
  };
  void tick();
  [[nodiscard]] std::vector<Shard> shards() const;
  void follow(std::vector<Shard> shards);

  const BusCanariesOptions options_;
  redis::Commands& commands_;
  const Clock& clock_;
  mutable std::mutex mutex_; // of the next two
  std::vector<Shard> shards_;
  CanaryWatch watch_;
  Ticker ticker_;
};

} // namespace foyer::engine
