// Rooms in which nobody has written and to which nobody belongs: they are removed when nobody is in them any more.
#include "engine/sql/writes.h"

namespace foyer::engine {

Result<bool> Writes::forget_empty(store::Database& db, const RoomName& name) {
  TRY(room, find(db, name.view()));
  if (room == nullptr || room->last > 0) return false;
  TRY(gone,
      db.change("DELETE FROM rooms WHERE id = ? AND last_offset = 0 AND kind IN (?, ?) AND NOT EXISTS (SELECT 1 FROM "
                "members WHERE room_id = rooms.id)",
          room->id, RoomKind::public_, RoomKind::own));
  if (gone == 0) return false;
  rooms_.erase(name.str());
  TRY(kind, kind_of(name.view()));
  report_room(HookType::room_deleted, name.view(), kind);
  return true;
}

Result<bool> Writes::forget_all_empty(store::Database& db) {
  if (events_.wants(HookType::room_deleted)) {
    TRY(rows,
        db.query("SELECT name, kind FROM rooms WHERE name IS NOT NULL AND last_offset = 0 AND kind IN (?, ?) AND NOT "
                 "EXISTS (SELECT 1 FROM members WHERE room_id = rooms.id)",
            RoomKind::public_, RoomKind::own));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      report_room(HookType::room_deleted, rows.view(0), static_cast<RoomKind>(rows.integer(1)));
    }
  }
  TRY(gone,
      db.change("DELETE FROM rooms WHERE name IS NOT NULL AND last_offset = 0 AND kind IN (?, ?) AND NOT EXISTS "
                "(SELECT 1 FROM members WHERE room_id = rooms.id)",
          RoomKind::public_, RoomKind::own));
  if (gone > 0) rooms_.clear();
  return gone > 0;
}

} // namespace foyer::engine
