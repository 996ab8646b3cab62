#include "engine/sql/control_log.h"

#include <string>
#include <utility>

namespace foyer::engine {
namespace {

// From the number that is given, or with an empty text only where the next reading begins.
constexpr std::string_view kReadTaken =
    "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT), c.kind, c.room, c.\"user\" FROM (SELECT 1) one LEFT "
    "JOIN "
    "control_log c ON c.xid >= CAST(NULLIF(CAST(? AS TEXT), '') AS XID8)";

} // namespace

Result<void> note_taken(store::Database& db, TakenAway what, std::string_view room, std::string_view user) {
  TRY_VOID(db.change("INSERT INTO control_log (kind, room, \"user\") VALUES (?, ?, ?)", what, room, user));
  return {};
}

Result<std::optional<std::vector<ControlRow>>> ControlLog::read(store::Database& db, MonoTime now) {
  const std::string from = tail_.from(now);
  std::vector<ControlRow> out;
  std::string next;
  TRY(rows, db.query(kReadTaken, from));
  for (;;) {
    TRY(more, rows.step());
    if (!more) break;
    next = rows.text(0);
    if (!rows.is_null(1))
      out.push_back({.what = static_cast<TakenAway>(rows.integer(1)),
          .room = RoomName(rows.view(2)),
          .user = UserId(rows.view(3))});
  }
  tail_.read(std::move(next), now);
  if (from.empty()) return std::nullopt;
  return out;
}

} // namespace foyer::engine
