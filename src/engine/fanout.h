// Brings what happens in a room to everybody who listens to it, on every node.
//
// Delivery is a hint and the log is the truth: what arrives goes through a StreamFollower, which notices gaps and
// repeats by the offsets. Events of one publisher arrive in the order of its calls, unless may_lose() says otherwise.
#pragma once

#include <memory>

#include "base/completion.h"
#include "base/executor.h"
#include "base/ids.h"
#include "rooms/model/event.h"

namespace foyer::engine {

// Somebody who listens: one for each loop, not for each connection. Its last reference may end on any thread.
class FanoutListener {
 public:
  virtual ~FanoutListener() = default;
  // To the listener's thread, in the order of the calls; from any thread. May run it at once when called there.
  virtual void post(Task task) = 0;
  // On the listener's thread.
  virtual void arrived(const RoomName& room, const rooms::EventPtr& event) = 0;
};

class Fanout {
 public:
  virtual ~Fanout() = default;

  // Any thread.
  virtual void publish(const RoomName& room, rooms::EventPtr event) = 0;
  // What is published after the answer arrives. So who asks the log for the position after it knows of everything
  // before, and misses nothing. False: it listened already. A listener that is destroyed listens no longer.
  virtual void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) = 0;
  // What is published from now on does not arrive; what is on its way may.
  virtual void unsubscribe(const RoomName& room, const FanoutListener& listener) = 0;
  // Events may be lost, doubled or late: whoever follows a room has to ask the log from time to time.
  [[nodiscard]] virtual bool may_lose() const = 0;
};

} // namespace foyer::engine
