// Fan-out between nodes over the bus: PUBLISH, and one subscription for each room that somebody here listens to.
//
// The listeners of this process get a publication at once and as the same object; other nodes get the event's bytes
// (rooms/model/event_bytes.h), and this node ignores its own. The bus may lose everything: may_lose(). Whoever
// follows rooms hears of a loss that is known through `gap`; of others only the log knows.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "engine/control_bus.h"
#include "engine/fanout.h"
#include "engine/local/fanout.h"
#include "engine/redis/names.h"
#include "engine/redis/shard_canaries.h"
#include "redis/channels.h"
#include "redis/commands.h"

namespace foyer::engine {

struct RedisFanoutOptions {
  redis::Server server;
  redis::Policy policy = {};
  BusNames names = BusNames();
  NodeId node; // this one
  // Events of a room were lost: its subscription was interrupted, or there was none yet. Events arrive again from now
  // on. On the subscriber's thread.
  std::function<void(const RoomName&)> gap = {};
  // What arrives on a channel of canaries (shard_canaries.h), over the same connection as events. On the subscriber's
  // thread.
  std::function<void(std::string_view channel, std::string_view bytes)> canary = {};
};

class RedisFanout final : public Fanout {
 public:
  // Publishes over `commands`, which outlives this, and listens over a connection of its own.
  RedisFanout(RedisFanoutOptions options, redis::Commands& commands, Entropy& entropy);
  ~RedisFanout() override; // subscriptions without an answer are refused

  void publish(rooms::PublicationPtr publication, const FanoutListener* here = nullptr) override;
  // The answer comes on the subscriber's thread. Without a connection to the bus it comes all the same, and `gap` when
  // there is one. Refused: the subscription ended before.
  void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) override;
  void unsubscribe(const RoomName& room, const FanoutListener& listener) override;
  [[nodiscard]] bool may_lose() const override { return true; }

  struct Counts {
    std::atomic<std::uint64_t> unsent{0};     // publications that the bus did not take
    std::atomic<std::uint64_t> unreadable{0}; // what arrived and is no event, or one of a later release
  };
  [[nodiscard]] const Counts& counts() const { return *counts_; }

 private:
  void arrived(const std::string& channel, std::string_view bytes);
  void leave_if_unheard(const RoomName& room);

  const BusNames names_;
  const NodeId node_;
  const std::function<void(std::string_view, std::string_view)> canary_;
  redis::Commands& commands_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>(); // shared with commands that are on their way
  LocalFanout local_;
  std::mutex order_; // a change of local listeners and its order to the subscriber are one step
  std::unique_ptr<redis::Channels> subscriber_;
  std::unique_ptr<ShardCanaries> canaries_;
};

} // namespace foyer::engine
