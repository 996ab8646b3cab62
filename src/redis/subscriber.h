// Subscriptions to channels (SUBSCRIBE) over one connection, which is used for nothing else.
//
// Delivery is at most once. After each end of the connection all channels are subscribed again, and what was published
// meanwhile is lost: `again` says so for each channel that somebody was told about. A connection that is silent for too
// long is asked with PING, and ended when nothing comes; that a server which answers PING also delivers is for a canary
// to find out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/completion.h"
#include "redis/failure.h"
#include "redis/policy.h"

namespace foyer::redis {

class Subscriber {
 public:
  // On the connection's thread; short.
  struct Events {
    std::function<void(const std::string& channel, std::string payload)> message;
    // The channel is subscribed, after a time in which messages were lost.
    std::function<void(const std::string& channel)> again = {};
    std::function<void(const Failure&)> lost = {}; // an attempt failed, or the connection ended
  };

  Subscriber(Server server, Policy policy, Entropy& entropy, Events events);
  ~Subscriber(); // what waits for an answer fails with `closed`; no event follows
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // Any thread. The answer comes on the connection's thread, when the server has confirmed: messages that are published
  // from then on arrive. While a connection is being made it waits for it. When that has failed, the answer is the
  // failure, and the channel is subscribed with the next connection, which `again` reports. An unsubscribe() before the
  // answer: `closed`.
  void subscribe(std::string channel, Completion<bool, Failure> done);
  void unsubscribe(std::string channel);

  // Ends it early, for an owner whose events use this object. Not from the connection's thread.
  void stop();
  [[nodiscard]] bool open() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace foyer::redis
