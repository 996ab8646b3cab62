// Subscriptions to channels over one connection, which is used for nothing else: SUBSCRIBE, or SSUBSCRIBE at a node of
// a cluster.
//
// After each end of the connection all channels are subscribed again, and what was published meanwhile is lost. A
// connection that is silent for too long is asked with PING, and ended when nothing comes; that a server which answers
// PING also delivers is for a canary to find out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exec/control.h"
#include "redis/channels.h"

namespace foyer::redis {

class Subscriber final : public Channels {
 public:
  using Events = ChannelEvents;
  // At a node of a cluster.
  struct Sharded {
    exec::ControlPlane& plane; // its thread has others, too: the object is made, used and destroyed there
    // This node does not have the channel, or not any more; the order for it is forgotten, with a failure to those who
    // wait. Nothing: it was ended unasked.
    std::function<void(const std::string& channel, const std::optional<Redirect>& to)> moved;
  };

  Subscriber(Server server, Policy policy, Entropy& entropy, Events events); // with a thread of its own
  Subscriber(Server server, Policy policy, Entropy& entropy, Events events, Sharded sharded);
  ~Subscriber() override;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void subscribe(std::string channel, Completion<bool, Failure> done) override;
  void unsubscribe(std::string channel) override;
  void stop() override;
  [[nodiscard]] bool open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::redis
