// The users in each room, over all nodes. A node reports for each user whether it has that user in a room; the number
// of connections, and the grace period after the last one, are the node's own concern (rooms/model/presence.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/completion.h"
#include "base/ids.h"
#include "rooms/model/presence.h"

namespace foyer::engine {

struct PresenceChange {
  bool changed = false;  // the user came to the room, or left it: no other node has that user there
  std::size_t count = 0; // users in the room now
  std::string name = {}; // as shown to others, of a user who left
  // Changes of one user have rising numbers, in the order in which they happened, whatever node made them: reports of
  // them may arrive in another order. 0: the store has no numbers.
  std::uint64_t order = 0;
};
// Of a store over several nodes: what nobody has been told yet. Users left because only dead nodes had them in the
// room, or came or left while the store could not be asked.
struct PresenceReport {
  RoomName room;
  std::vector<rooms::Member> came = {}, left = {};
  std::size_t count = 0;   // users in the room now
  std::uint64_t order = 0; // of these changes, as PresenceChange::order
  bool recount = false;    // the store lost its memory: perhaps others have left, too
};
struct PresentMembers {
  std::vector<rooms::Member> members; // some of them
  std::size_t count = 0;              // all
};

// One node's view. An answer comes before the call returns, or on the implementation's executor.
class PresenceStore {
 public:
  virtual ~PresenceStore() = default;

  // This node has the user in the room. Repeated: no change, and the first name stays visible to others.
  virtual void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) = 0;
  // This node no longer has the user there. The end of a node removes all its users.
  virtual void leave(RoomName room, UserId user, Completion<PresenceChange> done) = 0;
  // At most `most` of them, in no particular order.
  virtual void members(RoomName room, std::size_t most, Completion<PresentMembers> done) = 0;
};

} // namespace foyer::engine
