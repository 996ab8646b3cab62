#include "engine/sql/commit_tail.h"

#include <array>

namespace foyer::engine {
namespace {

constexpr Millis kOften{5'000}; // between two deletions

constexpr std::array<TailTable, 2> kTables{
    {{.from_another_history = "DELETE FROM changed WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())",
         .below = "DELETE FROM changed WHERE xid < CAST(CAST(? AS TEXT) AS XID8)"},
        {.from_another_history = "DELETE FROM control_log WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())",
            .below = "DELETE FROM control_log WHERE xid < CAST(CAST(? AS TEXT) AS XID8)"}}};

} // namespace

TailTrim::TailTrim() : TailTrim(kTables) {}

Result<void> TailTrim::step(store::Database& db, MonoTime now) {
  if (!marks_.empty() && now - marks_.back().at < kOften) return {};
  // Rows with a number that is still to come are from another history of the database, and would be seen for ever.
  if (marks_.empty())
    for (const TailTable& table : tables_) TRY_VOID(db.change(table.from_another_history));
  {
    TRY(rows, db.query("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT)"));
    TRY_VOID(rows.step());
    marks_.push_back({now, rows.text(0)});
  }
  std::string below;
  while (marks_.size() > 1 && now - marks_.front().at >= kTailKept) {
    below = marks_.front().xid;
    marks_.erase(marks_.begin());
  }
  if (below.empty()) return {};
  for (const TailTable& table : tables_) TRY_VOID(db.change(table.below, below));
  return {};
}

} // namespace foyer::engine
