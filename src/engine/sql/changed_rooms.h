// What a node reads each second to learn which rooms other nodes changed. Each transaction that changes a room leaves a
// row in `changed`, which is read as commit_tail.h says, so that nothing is missed. Rows say where a room stands.
// PostgreSQL only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/record_changes.h"
#include "engine/sql/commit_tail.h"
#include "engine/values.h"
#include "store/database.h"

namespace foyer::engine {

// For one thread at a time, with any connection of the writing server.
class ChangedRooms {
 public:
  // The positions of the rooms that exist; changes after these are in the next reading.
  [[nodiscard]] Result<std::vector<ChangedRoom>> start(
      store::Database& db, const std::vector<RoomName>& rooms, MonoTime now);
  // Nothing: start() is due, since it was not called, or too long ago, or all rooms changed.
  [[nodiscard]] Result<std::optional<std::vector<ChangedRoom>>> read(store::Database& db, MonoTime now);
  // The connection was replaced: the server may be another one.
  void reconnected() { tail_.forget(); }

 private:
  CommitTail tail_;
};

// Inside the transaction that changed the room.
[[nodiscard]] Result<void> note_changed(store::Database& db, std::int64_t room);
[[nodiscard]] Result<void> note_all_changed(store::Database& db);

} // namespace foyer::engine
