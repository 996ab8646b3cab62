// How a transaction gets hold of rooms: remembered by the only writer, locked row by row by one of many.
//
// A room's row is locked as long as the transaction lasts, and read under the lock. Whoever waits for a row that loses
// its name meanwhile (removed, or cleared, which moves the name to another row) gets no row: that says nothing of the
// name, so it is asked again once.
#include <algorithm>
#include <string>

#include "engine/sql/changed_rooms.h"
#include "engine/sql/writes.h"
#include "store/postgres_array.h"

namespace foyer::engine {
namespace {

constexpr std::string_view kFind =
    "SELECT id, kind, epoch, last_offset, active_ms, last_change, creator, name FROM rooms WHERE name = ?";
constexpr std::string_view kFindAndLock =
    "SELECT id, kind, epoch, last_offset, active_ms, last_change, creator, name FROM rooms WHERE name = ? FOR UPDATE";
// The order of the names is the same for every writer; by `= ANY` alone rows are locked as they lie in the table.
constexpr std::string_view kLockAll =
    "SELECT id, kind, epoch, last_offset, active_ms, last_change, creator, name FROM rooms WHERE name = "
    "ANY(CAST(? AS TEXT[])) ORDER BY name COLLATE \"C\" FOR UPDATE";
constexpr std::string_view kHeld =
    "WITH free AS (SELECT id FROM rooms WHERE name = ANY(CAST(?1 AS TEXT[])) FOR UPDATE SKIP LOCKED) SELECT name FROM "
    "rooms r WHERE name = ANY(CAST(?1 AS TEXT[])) AND NOT EXISTS (SELECT 1 FROM free WHERE free.id = r.id)";
constexpr std::string_view kLockAllOfUser =
    "SELECT 1 FROM rooms WHERE name IS NOT NULL AND (creator = ?1 OR name = ?2 OR id IN (SELECT room_id FROM members "
    "WHERE \"user\" = ?1) OR id IN (SELECT room_id FROM authors WHERE author = ?1)) ORDER BY name COLLATE \"C\" FOR "
    "UPDATE";

constexpr std::string_view kMove =
    "WITH moved AS (UPDATE rooms SET last_offset = v.last, active_ms = v.active FROM unnest(CAST(? AS BIGINT[]), "
    "CAST(? AS "
    "BIGINT[]), CAST(? AS BIGINT[])) AS v (id, last, active) WHERE rooms.id = v.id RETURNING rooms.id, "
    "rooms.last_offset) INSERT INTO changed (room_id, head) SELECT id, last_offset FROM moved";

} // namespace

Result<void> Writes::begin(store::Database& db, std::vector<std::string_view> rooms) {
  if (!many_) return {};
  rooms_.clear();
  std::ranges::sort(rooms);
  rooms.erase(std::ranges::unique(rooms).begin(), rooms.end());
  std::erase(rooms, std::string_view{});
  if (rooms.empty()) return {};
  TRY(rows, db.query(kLockAll, store::array_of(rooms)));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return {};
    remember(rows, rows.text(7));
  }
}

Result<std::vector<std::string>> Writes::held(store::Database& db, const std::vector<std::string_view>& rooms) {
  std::vector<std::string> out;
  TRY(rows, db.query(kHeld, store::array_of(rooms)));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back(rows.text(0));
  }
}

Result<Writes::Room*> Writes::find(store::Database& db, std::string_view name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return &found->second;
  for (int tries = many_ ? 2 : 1; tries > 0; --tries) {
    TRY(rows, db.query(many_ ? kFindAndLock : kFind, name));
    TRY(there, rows.step());
    if (!there) continue;
    if (many_) found_rooms_.emplace_back(name);
    return &remember(rows, name);
  }
  return nullptr;
}

Writes::Room& Writes::remember(const store::Statement& rows, std::string_view name) {
  Room room{.id = rows.integer(0),
      .kind = static_cast<RoomKind>(rows.integer(1)),
      .epoch = rows.text(2),
      .last = rows.count(3),
      .change = rows.count(5),
      .active = rows.time(4),
      .creator = UserId(rows.view(6))};
  return rooms_.emplace(std::string(name), std::move(room)).first->second;
}

Result<void> Writes::store_moved(store::Database& db, const std::vector<Room*>& rooms) {
  if (rooms.empty()) return {};
  store::NumberArray ids, lasts, actives;
  for (const Room* room : rooms) {
    ids.add(room->id);
    lasts.add(room->last);
    actives.add(unix_millis(room->active));
  }
  TRY(moved, db.change(kMove, ids.text(), lasts.text(), actives.text()));
  if (static_cast<std::size_t>(moved) == rooms.size()) return {};
  return refuse(Cause::STORE_FAILED, "the row of a room disappeared while it was locked");
}

Result<void> Writes::tell_others(store::Database& db, std::int64_t room) {
  if (!many_) return {};
  return note_changed(db, room);
}

Result<void> Writes::tell_taken(store::Database& db, TakenAway what, std::string_view room, std::string_view user) {
  if (!many_) return {};
  return note_taken(db, what, room, user);
}

Result<void> Writes::lock_rooms_of(store::Database& db, const UserId& user) {
  if (!many_) return {};
  TRY(rows, db.query(kLockAllOfUser, user, "user:" + user.str()));
  return rows.run();
}

} // namespace foyer::engine
