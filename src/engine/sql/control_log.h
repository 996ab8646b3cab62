// What takes a right away in the database of rooms, for all nodes: a row in the transaction of the change. Each node
// reads them once a second, so a member who was removed on one node is removed on every other, whether or not a bus
// works. Blocks and revocations have rows of their own with numbers (engine/subject_endings.h). PostgreSQL only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/record_changes.h"
#include "engine/sql/commit_tail.h"
#include "engine/values.h"
#include "store/database.h"

namespace foyer::engine {

[[nodiscard]] Result<void> note_taken(
    store::Database& db, TakenAway what, std::string_view room, std::string_view user);

// For one thread at a time, with any connection of the writing server.
class ControlLog {
 public:
  // Those since the last reading, perhaps more than once, in no order. Nothing: rows may have been missed, so that
  // every right has to be read again; later readings go on from here. So is the first one.
  [[nodiscard]] Result<std::optional<std::vector<ControlRow>>> read(store::Database& db, MonoTime now);
  // The connection was replaced: the server may be another one.
  void reconnected() { tail_.forget(); }

 private:
  CommitTail tail_;
};

} // namespace foyer::engine
