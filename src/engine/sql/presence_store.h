// Presence over several nodes with PostgreSQL alone, in unlogged tables: a commit waits for no disk, and a crash of the
// server empties them.
//
// It follows the same plan as presence on a bus: a node has one lease, which it renews; entries of nodes without one do
// not count, and one of the others removes them and reports who has left with them. Entries are written when something
// changes, and in full when the server may have lost them: after a failed transaction, or when the lease was gone. A
// node whose lease ended while it was alive goes on under a new name and writes everything again. Time is the
// server's.
//
// After an outage of the server nobody has a lease. Therefore a node cleans up after others only when it has had a
// lease for so long that every living one has begun a new one.
//
// If the lease is gone because the server lost its memory, nobody was told that the users had left. So nobody is told
// that they came, but how many there are.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "engine/control_bus.h"
#include "engine/presence_store.h"
#include "store/writer.h"

namespace foyer::engine {

inline constexpr Millis kSqlPresenceRound{3'000};          // the lease is renewed
inline constexpr Millis kSqlPresenceLease{10'000};         // and ends without that
inline constexpr int kPresenceLooks = 4;                   // rounds with a lease, before others are cleaned up
inline constexpr std::size_t kPresenceStatement = 500;     // users in one statement
inline constexpr std::size_t kPresenceTransaction = 5'000; // users that a round writes or removes in one transaction

struct SqlPresenceOptions {
  NodeId node;                                             // this one
  std::function<void(const PresenceReport&)> report = {};  // on the writer's thread; for all nodes
  std::function<void(const PresenceReport&)> recount = {}; // likewise, for this one: what others said was lost
  Millis tick{1'000};                                      // the times above are for ticks of a second
};

class SqlPresenceStore final : public PresenceStore {
 public:
  // `writer` and `executor` outlive this; the writer's other jobs should not wait for a disk either. Rounds begin on
  // the executor, the first one at once; answers come on the writer's thread.
  SqlPresenceStore(SqlPresenceOptions options, store::Writer& writer, Executor& executor);
  ~SqlPresenceStore() override; // leaves its entries to the others, as a crash does

  // Any thread. After a refusal the store goes by what it was told, and writes the room again in the next round.
  void touch(RoomName room, rooms::Member member, Completion<PresenceChange> done) override;
  void leave(RoomName room, UserId user, Completion<PresenceChange> done) override;
  void members(RoomName room, std::size_t most, Completion<PresentMembers> done) override;

  // Counts the users of the rooms of this node soon, and reports all of them. Any thread.
  void recount();

  // A round now: renews the lease, writes what has to be written, cleans up after dead nodes. `done` when it has ended.
  void round(std::function<void()> done = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::function<void()> go_;
  Executor& executor_;
  TimerId timer_ = 0;
};

} // namespace foyer::engine
