// Presence over several nodes, on the bus.
//
// A node that has users has a lease, which it renews. Entries of nodes whose lease has ended do not count any more, and
// one of the other nodes removes them and reports who has left with them. Entries are written when something changes,
// and in full when the bus may have lost them: after a failed command, when the lease was gone (the bus was restarted
// or flushed), and from time to time, because each room's entries end by themselves.
//
// A server that was promoted may not know of the last changes: everything is written in full again, and rooms that
// nobody here uses any more are cleaned, if they were used lately. After that, and after a silence of the server, the
// leases of all nodes get another term.
//
// A node whose lease ended while it was alive (it was paused, or cut off) goes on under a new name and writes
// everything again. The entries under the old name belong to whoever cleans up. If the lease is gone because the bus
// lost its memory, nobody was told that the users had left, so nobody is told that they came.
//
// Counts include users of a dead node until its entries are removed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/control_bus.h"
#include "engine/presence_store.h"
#include "engine/redis/names.h"
#include "engine/redis/ticker.h"
#include "redis/commands.h"

namespace foyer::engine {

inline constexpr Millis kPresenceRound{3'000};                      // the lease is renewed
inline constexpr Millis kPresenceLease{10'000};                     // and ends without that
inline constexpr Millis kPresenceRoomLife{std::chrono::hours{1}};   // of a room's entries
inline constexpr Millis kPresenceRewrite{std::chrono::minutes{20}}; // they are written again after that
inline constexpr Millis kPresenceLately{std::chrono::minutes{1}};   // a replica that is promoted is not older
inline constexpr Millis kPresenceNodeLife{std::chrono::hours{24}};  // of the registry, and of a node's list of rooms

struct RedisPresenceOptions {
  BusNames names = BusNames();
  NodeId node;                                            // this one; without white space
  std::function<void(const PresenceReport&)> report = {}; // on the connection's thread
  Millis tick{1'000};                                     // the times above are for ticks of a second
};

class RedisPresenceStore final : public PresenceStore {
 public:
  // `commands` and `executor` outlive this. Rounds begin on the executor, the first one here; answers come on the
  // connection's thread.
  RedisPresenceStore(RedisPresenceOptions options, redis::Commands& commands, Executor& executor, const Clock& clock,
      Entropy& entropy);
  ~RedisPresenceStore() override; // leaves its entries to the others, as a crash does

  // Any thread. After a refusal the store goes by what it was told, and writes the room again in the next round.
  void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) override;
  void leave(RoomName room, UserId user, Completion<PresenceChange> done) override;
  void members(RoomName room, std::size_t most, Completion<PresentMembers> done) override;

  // A round now: renews the lease, writes what has to be written, cleans up after dead nodes. `done` when it has ended.
  void round(std::function<void()> done = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
  Ticker ticker_;
};

} // namespace foyer::engine
