// Where a room's home sends its events. Called on the home's loop; an implementation delivers on the listener's, and
// what one home sends to one listener arrives in the order of the calls, also with respect to the answers of requests.
#pragma once

#include "base/refusal.h"
#include "rooms/actor.h"
#include "rooms/model/audience.h"
#include "rooms/model/event.h"

namespace foyer::rooms {

class Listeners {
 public:
  virtual ~Listeners() = default;
  // To every subscriber of the event's room.
  virtual void publish(const Audience& audience, EventPtr event) = 0;
  // All subscriptions of a user to a room end, from the next event on.
  virtual void evict(const Audience& audience, const RoomName& room, const UserId& user) = 0;
  // Every subscription to the event's room ends: its history begins anew (RoomReset). A join that still waits for
  // its answer continues.
  virtual void reset(const Audience& audience, EventPtr event) = 0;
  // Every session that is subscribed to a room, or is joining it, is closed.
  virtual void close_all(const Audience& audience, const RoomName& room, const Refusal& refusal) = 0;
  // To every session of a user, wherever it is, but for one.
  virtual void to_user(const UserId& user, EventPtr event, SessionKey except) = 0;
};

} // namespace foyer::rooms
