// Delivers the events of a room to all its listeners, on every node.
//
// Delivery is a hint and the log is the truth: events go through a StreamFollower, which detects gaps and
// duplicates by the offsets. Publications of one publisher arrive in the order of its calls, unless may_lose() says
// otherwise.
#pragma once

#include <memory>

#include "base/completion.h"
#include "base/ids.h"
#include "rooms/model/publication.h"

namespace foyer::engine {

// A listener: one for each loop, not for each connection. Its last reference may end on any thread.
class FanoutListener {
 public:
  virtual ~FanoutListener() = default;
  // From any thread: posts it to the listener's own, in the order of the calls.
  virtual void post(rooms::PublicationPtr publication) = 0;
  // On the listener's thread.
  virtual void arrived(rooms::Publication& publication) = 0;
};

class Fanout {
 public:
  virtual ~Fanout() = default;

  // To the room of its event, from any thread. All listeners of a process get the same object. `here`, the
  // listener of the calling thread, has received it when the call returns; it is posted to the others.
  virtual void publish(rooms::PublicationPtr publication, const FanoutListener* here = nullptr) = 0;
  // Publications after the answer arrive. So a caller that then asks the log for the position knows everything
  // before, and misses nothing. False: it was subscribed already. A destroyed listener gets nothing. The answer
  // comes before the call returns, or on the implementation's executor.
  virtual void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) = 0;
  // Later publications do not arrive; those on their way may.
  virtual void unsubscribe(const RoomName& room, const FanoutListener& listener) = 0;
  // Publications may be lost, duplicated or late: a follower must query the log from time to time.
  [[nodiscard]] virtual bool may_lose() const = 0;
};

} // namespace foyer::engine
