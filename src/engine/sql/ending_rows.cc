#include "engine/sql/ending_rows.h"

#include <fmt/format.h>

#include <charconv>

namespace foyer::engine {
namespace {

constexpr std::string_view kChange = "subject_endings"; // a fact: the number of the last change
// Longer than any token lives: max_token_life is 30 days at most.
constexpr Millis kKept = std::chrono::days{31};

// The number of the last change; with `next` a new one, whose row keeps others from changing anything until the commit.
// So numbers appear in their order, and whoever has read up to one has missed nothing.
Result<std::uint64_t> change_number(store::Database& db, bool next) {
  if (next)
    TRY_VOID(
        db.change("INSERT INTO facts (name, value) VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = "
                  "CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)",
            kChange));
  TRY(rows, db.query("SELECT value FROM facts WHERE name = ?", kChange));
  TRY(there, rows.step());
  std::uint64_t number = 0;
  if (!there) return number;
  const std::string_view text = rows.view(0);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<std::optional<Ending>> find(store::Database& db, EndingKind kind, const std::string& id) {
  TRY(rows, db.query("SELECT at_ms, until_ms, lifted FROM subject_endings WHERE kind = ? AND subject = ?", kind, id));
  TRY(there, rows.step());
  if (!there) return std::nullopt;
  Ending out{.kind = kind, .id = id, .at = rows.time(0), .lifted = rows.integer(2) != 0};
  if (!rows.is_null(1)) out.until = rows.time(1);
  return out;
}

Result<void> has_place(store::Database& db, EndingKind kind, WallTime now) {
  {
    TRY(rows, db.query("SELECT count(*) FROM subject_endings"));
    TRY_VOID(rows.step());
    if (rows.count(0) >= kMostEndings)
      return refuse(Cause::BUSY, fmt::format("subject_endings: {} blocks and revocations are stored", kMostEndings));
  }
  if (kind != EndingKind::block) return {};
  TRY(rows,
      db.query(
          "SELECT count(*) FROM subject_endings WHERE kind = ? AND lifted = 0 AND (until_ms IS NULL OR until_ms > ?)",
          kind, now));
  TRY_VOID(rows.step());
  if (rows.count(0) >= kMostBlocks)
    return refuse(Cause::BUSY, fmt::format("blocked_users: {} users are blocked", kMostBlocks));
  return {};
}

} // namespace

Result<bool> put_ending(store::Database& db, const Ending& ending, WallTime now) {
  const auto holds = [&](const std::optional<Ending>& known) {
    return known && (ending.kind == EndingKind::token || (ending.kind == EndingKind::before && known->at >= ending.at));
  };
  TRY(seen, find(db, ending.kind, ending.id));
  if (holds(seen)) return true;
  TRY(change, change_number(db, true));
  TRY(known, find(db, ending.kind, ending.id)); // as it is now that nobody else changes it
  if (holds(known)) return true;
  if (!known || ending.kind == EndingKind::block) TRY_VOID(has_place(db, ending.kind, now));
  TRY_VOID(db.change(
      "INSERT INTO subject_endings (kind, subject, at_ms, until_ms, lifted, change) VALUES (?, ?, ?, ?, 0, ?) "
      "ON CONFLICT (kind, subject) DO UPDATE SET at_ms = excluded.at_ms, until_ms = excluded.until_ms, "
      "lifted = 0, change = excluded.change",
      ending.kind, ending.id, ending.at, ending.until, change));
  return true;
}

Result<bool> lift_block(store::Database& db, const std::string& user, WallTime now) {
  TRY(seen, find(db, EndingKind::block, user));
  if (!seen || seen->lifted) return false;
  TRY(change, change_number(db, true));
  TRY(known, find(db, EndingKind::block, user)); // as it is now that nobody else changes it
  if (!known || known->lifted) return false;
  TRY_VOID(db.change("UPDATE subject_endings SET lifted = 1, until_ms = ?, change = ? WHERE kind = ? AND subject = ?",
      now, change, EndingKind::block, user));
  return !known->until || *known->until > now;
}

Result<EndingPage> read_endings_after(store::Database& db, std::uint64_t after, std::size_t limit) {
  EndingPage page;
  TRY(last, change_number(db, false));
  page.change = last;
  if (after == last) return page;
  if (after > last) after = 0;
  TRY(rows,
      db.query("SELECT kind, subject, at_ms, until_ms, lifted, change FROM subject_endings WHERE change > ? ORDER BY "
               "change LIMIT ?",
          after, limit + 1));
  for (;;) {
    TRY(there, rows.step());
    if (!there) return page;
    if (page.endings.size() == limit) {
      page.more = true;
      return page;
    }
    Ending ending{.kind = static_cast<EndingKind>(rows.integer(0)),
        .id = rows.text(1),
        .at = rows.time(2),
        .lifted = rows.integer(4) != 0};
    if (!rows.is_null(3)) ending.until = rows.time(3);
    page.endings.push_back(std::move(ending));
    if (page.endings.size() == limit) page.change = rows.count(5);
  }
}

Result<bool> has_old_endings(store::Database& db, WallTime now) {
  TRY(rows,
      db.query("SELECT 1 FROM subject_endings WHERE at_ms < ?1 AND (kind <> 1 OR until_ms < ?1) LIMIT 1", now - kKept));
  return rows.step();
}

Result<std::int64_t> sweep_endings(store::Database& db, WallTime now, std::int64_t limit) {
  return db.change(
      "DELETE FROM subject_endings WHERE (kind, subject) IN (SELECT kind, subject FROM subject_endings WHERE "
      "at_ms < ?1 AND (kind <> 1 OR until_ms < ?1) LIMIT ?2)",
      now - kKept, limit);
}

} // namespace foyer::engine
