// Rooms as an application manages them: created for others, emptied, removed. The writer's jobs.
//
// However long a history is, each of these is a few rows: messages go with the row of a room that has lost its name,
// and are swept away little by little (Sweep in retention.h).
#include <optional>
#include <string>

#include "engine/sql/writes.h"

namespace foyer::engine {

Result<RoomRow> Writes::create_for(store::Database& db, const RoomName& name, const std::vector<UserId>& members) {
  TRY(kind, kind_of(name.view()));
  if (kind != RoomKind::private_)
    return refuse_field(Cause::ROOM_NAME_INVALID, "room", "only private rooms are created by name");
  TRY(found, find(db, name.view()));
  if (found != nullptr) return refuse(Cause::ROOM_EXISTS);
  TRY(room, make(db, name.view(), kind, std::nullopt, std::nullopt));
  if (room == nullptr) return refuse(Cause::ROOM_EXISTS);
  for (const UserId& member : members) {
    TRY_VOID(has_place(db, *room));
    TRY_VOID(put_member(db, room->id, member));
    if (db.changes() == 1) report_member(HookType::member_added, name.view(), member);
  }
  return row(db, name.view(), *room);
}

// The history moves to a row without a name, and a new row takes everything else.
Result<bool> Writes::clear(store::Database& db, const RoomName& name) {
  TRY(room, find(db, name.view()));
  if (room == nullptr) return refuse_field(Cause::NOT_FOUND, "room");
  const std::int64_t old = room->id;
  std::string pair;
  std::optional<Offset> doubted;
  {
    TRY(rows, db.query("SELECT pair, doubted FROM rooms WHERE id = ?", old));
    TRY(there, rows.step());
    if (there && !rows.is_null(0)) pair = rows.text(0);
    if (there && !rows.is_null(1)) doubted = rows.count(1);
  }
  TRY_VOID(db.change("UPDATE rooms SET name = NULL, pair = NULL WHERE id = ?", old));
  std::int64_t fresh = 0;
  {
    // The last offset and change as they are known here: those of the row may be older.
    const auto nothing_if_empty = [](std::string_view text) {
      return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
    };
    TRY(rows,
        db.query("INSERT INTO rooms (name, kind, pair, creator, epoch, last_offset, active_ms, last_change) VALUES "
                 "(?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            name, room->kind, nothing_if_empty(pair), nothing_if_empty(room->creator.view()), room->epoch, room->last,
            room->active, room->change));
    TRY_VOID(rows.step());
    fresh = rows.integer(0);
  }
  if (doubted) TRY_VOID(db.change("UPDATE rooms SET doubted = ? WHERE id = ?", *doubted, fresh));
  for (const std::string_view table : {"members", "room_invitations", "changes"})
    TRY_VOID(db.change("UPDATE " + std::string(table) + " SET room_id = ? WHERE room_id = ?", fresh, old));
  TRY_VOID(tell_others(db, fresh));
  room->id = fresh; // nothing refuses from here on
  return true;
}

Result<bool> Writes::remove_room(store::Database& db, const RoomName& name) {
  TRY(kind, kind_of(name.view()));
  TRY(room, find(db, name.view()));
  if (room == nullptr) return false;
  TRY_VOID(db.change("UPDATE rooms SET name = NULL, pair = NULL WHERE id = ?", room->id));
  TRY_VOID(tell_taken(db, TakenAway::room, name.view(), {}));
  rooms_.erase(name.str());
  report_room(HookType::room_deleted, name.view(), kind);
  return true;
}

} // namespace foyer::engine
