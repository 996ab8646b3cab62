#include "engine/sql/changed_rooms.h"

#include "store/postgres_array.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kStart =
    "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT), r.name, r.epoch, r.last_offset, r.last_change FROM "
    "(SELECT 1) one LEFT JOIN rooms r ON r.name = ANY(CAST(? AS TEXT[]))";
constexpr std::string_view kReadChanged =
    "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT), r.name, r.epoch, r.last_offset, r.last_change, "
    "c.room_id FROM (SELECT 1) one LEFT JOIN (SELECT DISTINCT room_id FROM changed WHERE xid >= CAST(CAST(? AS TEXT) "
    "AS "
    "XID8)) c ON TRUE LEFT JOIN rooms r ON r.id = c.room_id";

// Of the current row; nothing: it stands for no room that has a name.
std::optional<ChangedRoom> room_of(const store::Statement& rows) {
  if (rows.is_null(1)) return std::nullopt;
  return ChangedRoom{
      .room = RoomName(rows.view(1)), .epoch = Epoch(rows.view(2)), .head = rows.count(3), .change = rows.count(4)};
}

} // namespace

Result<std::vector<ChangedRoom>> ChangedRooms::start(
    store::Database& db, const std::vector<RoomName>& rooms, MonoTime now) {
  std::vector<std::string_view> names;
  for (const RoomName& room : rooms) names.push_back(room.view());
  std::vector<ChangedRoom> out;
  std::string next;
  TRY(found, db.query(kStart, store::array_of(names)));
  for (;;) {
    TRY(more, found.step());
    if (!more) break;
    next = found.text(0);
    if (auto room = room_of(found)) out.push_back(std::move(*room));
  }
  tail_.read(std::move(next), now);
  return out;
}

Result<std::optional<std::vector<ChangedRoom>>> ChangedRooms::read(store::Database& db, MonoTime now) {
  const std::string from = tail_.from(now);
  if (from.empty()) return std::nullopt;
  std::vector<ChangedRoom> out;
  std::string next;
  bool all = false;
  TRY(found, db.query(kReadChanged, from));
  for (;;) {
    TRY(more, found.step());
    if (!more) break;
    next = found.text(0);
    all = all || (!found.is_null(5) && found.integer(5) == 0);
    if (auto room = room_of(found)) out.push_back(std::move(*room));
  }
  if (all) {
    tail_.forget();
    return std::nullopt;
  }
  tail_.read(std::move(next), now);
  return out;
}

Result<void> note_changed(store::Database& db, std::int64_t room) {
  TRY_VOID(db.change("INSERT INTO changed (room_id, head) SELECT id, last_offset FROM rooms WHERE id = ?", room));
  return {};
}

Result<void> note_all_changed(store::Database& db) {
  TRY_VOID(db.change("INSERT INTO changed (room_id, head) VALUES (0, 0)"));
  return {};
}

} // namespace foyer::engine
