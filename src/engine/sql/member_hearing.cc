#include "engine/sql/member_hearing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

namespace foyer::engine {
namespace {

// In ticks.
constexpr int kFresh = 3;   // a report is of now
constexpr int kSilent = 10; // who reported once and not for that long is taken for dead before its row says so

} // namespace

Result<void> MemberHearing::read(store::Database& db, MonoTime now) {
  if (now < next_) return {};
  next_ = now + options_.tick - options_.tick / 4; // rounds come when the tail has time
  const auto mine = options_.unheard ? options_.unheard() : std::vector<std::string>{};
  TRY_VOID(db.change("UPDATE nodes SET unheard = ?, trouble = ?, held_ms = ?, reported = now() WHERE node = ?",
      fmt::format("{}", fmt::join(mine, " ")), options_.trouble ? options_.trouble() : std::string(),
      options_.held_open ? options_.held_open().count() : 0, options_.node));
  TRY(rows,
      db.query(
          "SELECT node, unheard, coalesce(reported > now() - CAST(?2 AS BIGINT) * interval '1 millisecond', false) "
          "FROM nodes WHERE node <> ?1 AND heard_until > now() AND coalesce(reported > now() - CAST(?3 AS BIGINT) "
          "* interval '1 millisecond', true)",
          options_.node, options_.tick.count() * kFresh, options_.tick.count() * kSilent));
  std::vector<MemberReport> others;
  for (;;) {
    TRY(more, rows.step());
    if (!more) break;
    MemberReport report{.node = rows.text(0)};
    if (rows.integer(2) != 0) {
      std::istringstream names(rows.text(1));
      auto& unheard = report.unheard.emplace();
      for (std::string name; names >> name;) unheard.push_back(std::move(name));
    }
    others.push_back(std::move(report));
  }
  if (options_.alive) options_.alive(others.size() + 1);
  if (options_.others) options_.others(std::move(others));
  return {};
}

} // namespace foyer::engine
