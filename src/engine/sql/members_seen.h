// The members of a database as an operator sees them: who is there, since when, what each says of itself, and which one
// has the duty (duty.h). By the server's clock. PostgreSQL only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sql/members.h"

namespace foyer::engine {

enum class MemberState : std::uint8_t {
  alive,  // it gives signs
  silent, // its row is alive, but it has said nothing for a while; perhaps it is paused, or starts again
  dead,   // it ended without a word
  ended,  // in order
};
[[nodiscard]] std::string_view to_string(MemberState state);

struct MemberSeen {
  Member member;
  MemberState state = MemberState::alive;
  WallTime heard_until{};
  std::optional<WallTime> started = {}, ended = {}; // nothing: not known; it has not ended in order
  std::optional<Millis> tail_lag = {};              // since it last read what others do; nothing: it never said so
  std::vector<std::string> unheard = {};            // nodes that it does not hear over the bus
  std::string trouble = {};                         // code of what is wrong with its bus; empty: nothing
  Millis held_open{0};                              // age of a transaction as it sees it, if that is too long
};
struct DutySeen {
  std::string node;
  std::uint64_t term = 0;
  Millis left{0}; // of the lease; negative: it has lapsed
};
struct MembersSeen {
  bool known = true;                    // false: no server of this release has used the database yet
  std::vector<MemberSeen> members = {}; // by name
  std::optional<DutySeen> duty = {};    // nothing: nobody had it yet, or the last holder is unknown
};

// A member that says nothing for `silence` is not alive.
[[nodiscard]] Result<MembersSeen> see_members(store::Database& db, Millis silence);

enum class Removal : std::uint8_t { removed, unknown, alive, silent };
// Removes the row of a member that is dead or has ended, with its leases: nobody waits for it any more. If it lives all
// the same, it writes its row again.
[[nodiscard]] Result<Removal> remove_member(store::Database& db, std::string_view node, Millis silence);

} // namespace foyer::engine
