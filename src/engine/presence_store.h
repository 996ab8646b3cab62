// Who is in which room, over all nodes. A node says of each user whether it has that user in a room; how many
// connections those are, and the time of grace after the last one, is the node's own business (rooms/model/presence.h).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/completion.h"
#include "base/ids.h"
#include "rooms/model/presence.h"

namespace foyer::engine {

struct PresenceChange {
  bool changed = false;  // the user came to the room, or left it: no other node has that user there
  std::size_t count = 0; // users in the room now
  std::string name = {}; // that others saw, of a user who left
};
struct PresentMembers {
  std::vector<rooms::Member> members; // some of them
  std::size_t count = 0;              // all
};

// One node's view. An answer comes before the call returns, or on the executor that the implementation was given.
class PresenceStore {
 public:
  virtual ~PresenceStore() = default;

  // This node has the user in the room. Again: no change, and the name that others see stays the first one.
  virtual void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) = 0;
  // This node has the user there no longer. The end of a node is a leave of all it had.
  virtual void leave(RoomName room, UserId user, Completion<PresenceChange> done) = 0;
  // At most `most` of them, in no particular order.
  virtual void members(RoomName room, std::size_t most, Completion<PresentMembers> done) = 0;
};

} // namespace foyer::engine
