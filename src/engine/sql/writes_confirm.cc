// Where rooms stand, for whoever confirms what it knows of them.
#include <map>

#include "engine/sql/writes.h"
#include "store/postgres_array.h"

namespace foyer::engine {
namespace {

// One statement, so that a room and its members are of one moment. Nothing is locked: an append that comes after it
// is an event that follows.
constexpr std::string_view kStand =
    "SELECT r.name, r.kind, r.epoch, r.last_offset, r.last_change, r.creator, r.doubted, m.time_ms, p.\"user\" FROM "
    "rooms r LEFT JOIN messages m ON m.room_id = r.id AND m.\"offset\" = r.last_offset LEFT JOIN members p ON "
    "p.room_id = r.id AND r.kind <> ?2 WHERE r.name = ANY(CAST(?1 AS TEXT[])) ORDER BY r.id, p.\"user\"";

bool is_of_the_room(const Refusal& why) {
  return why.cause == Cause::NOT_A_MEMBER || why.cause == Cause::ROOM_NAME_INVALID;
}

} // namespace

Result<RoomRow> Writes::confirm(store::Database& db, const RoomName& name, const Known& known) {
  TRY(room, find_or_make(db, name.view(), {}));
  TRY(found, row(db, name.view(), *room));
  {
    TRY(rows,
        db.query("SELECT r.doubted, m.time_ms FROM rooms r LEFT JOIN messages m ON m.room_id = r.id AND m.\"offset\" = "
                 "?2 WHERE r.id = ?1",
            room->id, room->last));
    TRY(there, rows.step());
    if (there && !rows.is_null(0)) found.doubted = rows.count(0);
    if (there && !rows.is_null(1)) found.time = rows.time(1);
  }
  TRY_VOID(renew_if_behind(db, *room, known)); // last: nothing after it refuses
  if (found.epoch.view() != room->epoch) found.epoch = Epoch(room->epoch), found.doubted.reset();
  return found;
}

Result<std::vector<Result<RoomRow>>> Writes::confirm_all(
    store::Database& db, const std::vector<Confirmation>& questions) {
  std::vector<std::string_view> names;
  for (const Confirmation& question : questions) names.push_back(question.room.view());
  std::map<std::string, RoomRow, std::less<>> found;
  {
    TRY(rows, db.query(kStand, store::array_of(names), RoomKind::own));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      auto [entry, is_new] = found.try_emplace(rows.text(0));
      RoomRow& row = entry->second;
      if (!rows.is_null(8)) row.members.emplace_back(rows.view(8));
      if (!is_new) continue;
      row.room = RoomName(rows.view(0));
      row.kind = static_cast<RoomKind>(rows.integer(1));
      row.epoch = Epoch(rows.view(2));
      row.offset = rows.count(3);
      row.change = rows.count(4);
      if (row.kind == RoomKind::private_) row.creator = UserId(rows.view(5));
      if (!rows.is_null(6)) row.doubted = rows.count(6);
      if (!rows.is_null(7)) row.time = rows.time(7);
    }
  }
  std::vector<Result<RoomRow>> out;
  for (const auto& [room, known] : questions) {
    const auto row = found.find(room.view());
    const bool plain = row != found.end() && !rooms_.contains(room.view()) && // nothing of this transaction
        (row->second.epoch != known.epoch || row->second.offset >= known.offset);
    if (plain) {
      out.emplace_back(row->second);
      continue;
    }
    auto confirmed = confirm(db, room, known);
    if (!confirmed && !is_of_the_room(confirmed.error())) return std::unexpected(std::move(confirmed).error());
    out.push_back(std::move(confirmed));
  }
  return out;
}

} // namespace foyer::engine
