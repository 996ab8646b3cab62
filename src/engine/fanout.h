// Brings what happens in a room to everybody who listens to it, on every node.
//
// Delivery is a hint and the log is the truth: what arrives goes through a StreamFollower, which notices gaps and
// repeats by the offsets. Publications of one publisher arrive in the order of its calls, unless may_lose() says
// otherwise.
#pragma once

#include <memory>

#include "base/completion.h"
#include "base/ids.h"
#include "rooms/model/publication.h"

namespace foyer::engine {

// Somebody who listens: one for each loop, not for each connection. Its last reference may end on any thread.
class FanoutListener {
 public:
  virtual ~FanoutListener() = default;
  // From any thread: has it arrive on the listener's own, in the order of the calls.
  virtual void post(rooms::PublicationPtr publication) = 0;
  // On the listener's thread.
  virtual void arrived(rooms::Publication& publication) = 0;
};

class Fanout {
 public:
  virtual ~Fanout() = default;

  // To the room of its event, from any thread. All listeners of a process get the same object. With `here`, the
  // listener of the calling thread, that one has heard it when the call returns; it is posted to the others.
  virtual void publish(rooms::PublicationPtr publication, const FanoutListener* here = nullptr) = 0;
  // What is published after the answer arrives. So who asks the log for the position after it knows of everything
  // before, and misses nothing. False: it listened already. A listener that is destroyed listens no longer. The answer
  // comes before the call returns, or on the executor that the implementation was given.
  virtual void subscribe(const RoomName& room, std::shared_ptr<FanoutListener> listener, Completion<bool> done) = 0;
  // What is published from now on does not arrive; what is on its way may.
  virtual void unsubscribe(const RoomName& room, const FanoutListener& listener) = 0;
  // Publications may be lost, doubled or late: whoever follows a room has to ask the log from time to time.
  [[nodiscard]] virtual bool may_lose() const = 0;
};

} // namespace foyer::engine
