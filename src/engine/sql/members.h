// The processes that have a chat database of PostgreSQL open, as rows: who they are, and until when they count as
// alive.
//
// Whether a process may be there at all is decided by a lock (store::Owner): one that is alone keeps everybody else
// out, and several let each other in. The lock ends with its connection, so nobody waits for the row of a process that
// crashed. The rows say what a lock cannot: that members agree on the bus and on what they send to each other, and who
// should be heard on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/sql/member_about.h"
#include "engine/sql/writes.h"
#include "store/database.h"

namespace foyer::engine {

inline constexpr Millis kMemberLife{30'000};      // after its last sign
inline constexpr Millis kMemberSigns{10'000};     // between two signs
inline constexpr std::uint32_t kNodeProtocol = 1; // of what nodes send to each other; one step of difference works

struct Member {
  std::string node;              // its name, the same after a restart
  std::uint64_t incarnation = 0; // counts the starts of its process
  Writers mode = Writers::one;
  std::string bus = {}; // identity of the bus between nodes; empty: none
  std::uint32_t protocol = kNodeProtocol;
  bool alive = true;
  MemberAbout about = {};
};

// All, by name; those that are not alive stay for a day. By the server's clock.
[[nodiscard]] Result<std::vector<Member>> read_members(store::Database& db);

// The row of this process. For the writer's thread.
class OwnMember {
 public:
  explicit OwnMember(Member self) : self_(std::move(self)) {}

  // On a new writing connection, which holds the lock, before any other use. CLUSTER_MISMATCH if a living member has
  // another bus, or speaks a protocol that is too far away; CHAT_STORE_IN_USE if a later process has the same name.
  [[nodiscard]] Result<void> enter(store::Database& db);
  // Now and then, inside a transaction: still alive. CHAT_STORE_IN_USE as above. Writes the row again if somebody took
  // this process for dead and removed it.
  [[nodiscard]] Result<void> sign(store::Database& db, MonoTime now);
  // The last change of the process.
  [[nodiscard]] Result<bool> leave(store::Database& db);

 private:
  [[nodiscard]] Result<void> agree(store::Database& db) const;
  [[nodiscard]] Result<void> put(store::Database& db);
  [[nodiscard]] std::unexpected<Refusal> replaced(const store::Database& db) const;

  Member self_; // incarnation 0: not entered yet
  MonoTime next_sign_{};
  bool left_ = false;
};

} // namespace foyer::engine
