// Where channels are heard: on one server (subscriber.h) or in a cluster (cluster_channels.h).
//
// Delivery is at most once. What is lost between two subscriptions to a channel is reported by `again`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/completion.h"
#include "redis/failure.h"
#include "redis/policy.h"

namespace foyer::redis {

// On one thread; short.
struct ChannelEvents {
  std::function<void(const std::string& channel, std::string payload)> message;
  // The channel is subscribed, after a time in which messages were lost.
  std::function<void(const std::string& channel)> again = {};
  std::function<void(const Failure&)> lost = {}; // an attempt failed, or a connection ended
};

class Channels {
 public:
  virtual ~Channels() = default; // what waits for an answer fails with `closed`; no event follows
  // Any thread. The answer comes on the thread of the events, when the server has confirmed: messages that are
  // published from then on arrive. While a connection is being made it waits for it. When that has failed, the answer
  // is the failure, and the channel is subscribed with the next connection, which `again` reports. An unsubscribe()
  // before the answer: `closed`.
  virtual void subscribe(std::string channel, Completion<bool, Failure> done) = 0;
  virtual void unsubscribe(std::string channel) = 0;
  // Ends it early, for an owner whose events use this object. Not from the thread of the events.
  virtual void stop() = 0;

 protected:
  Channels() = default;
  Channels(const Channels&) = default;
  Channels& operator=(const Channels&) = default;
};

} // namespace foyer::redis
