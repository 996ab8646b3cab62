#include "engine/sql/hook_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"

namespace foyer::engine {
namespace {

constexpr std::uint64_t kTrimAtOnce = 1'000;
constexpr std::int64_t kMovedAtOnce = 1'000;
constexpr std::string_view kSendAgain =
    "INSERT INTO hook_events (hook_id, event_id, type, room, message, at_ms, queued_ms, data) SELECT hook_id, "
    "event_id, "
    "type, room, message, at_ms, CAST(? AS BIGINT), data FROM hook_dead WHERE again = 2 ORDER BY number";
constexpr std::string_view kSendAgainArrives =
    "INSERT INTO hook_arrivals (hook_id, event_id, type, room, message, at_ms, queued_ms, data) SELECT hook_id, "
    "event_id, type, room, message, at_ms, CAST(? AS BIGINT), data FROM hook_dead WHERE again = 2 ORDER BY number";

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(' ');
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::unexpected<Refusal> no_such_hook(const std::string& id) {
  return refuse(Cause::NOT_FOUND, "there is no webhook " + printable(id, 64));
}

// The fact `hooks` counts what a running server has to notice.
Result<void> changed(store::Database& db) {
  TRY_VOID(
      db.change("INSERT INTO facts (name, value) VALUES ('hooks', '1') ON CONFLICT (name) DO UPDATE SET value = "
                "CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)"));
  return {};
}

Result<std::string> version_of(store::Database& db) {
  TRY(rows, db.query("SELECT value FROM facts WHERE name = 'hooks'"));
  TRY(there, rows.step());
  return there ? rows.text(0) : std::string("0");
}

Result<bool> exists(store::Database& db, const std::string& id) {
  TRY(rows, db.query("SELECT 1 FROM hooks WHERE id = ?", id));
  return rows.step();
}

// Of what waits for a hook: a number, and its rows up to there.
struct Cut {
  std::uint64_t up_to = 0;
  std::uint64_t rows = 0;
  WallTime from{}, to{}; // when the first and the last happened
};

Result<std::uint64_t> newest_beyond(store::Database& db, const std::string& hook, std::uint64_t rows) {
  TRY(found,
      db.query("SELECT number FROM hook_events WHERE hook_id = ? ORDER BY number DESC LIMIT 1 OFFSET ?", hook, rows));
  TRY(there, found.step());
  return there ? found.count(0) : 0;
}

// At most kTrimAtOnce rows; a hook.gap is never given up.
Result<Cut> cut_of(store::Database& db, const std::string& hook, const HookLimits& limits, WallTime now) {
  TRY(by_rows, newest_beyond(db, hook, limits.rows));
  Cut cut;
  TRY(rows,
      db.query(
          "SELECT number, at_ms FROM hook_events WHERE hook_id = ? AND type <> ? AND (number <= ? OR queued_ms < ?)"
          " ORDER BY number LIMIT ?",
          hook, kHookGap, by_rows, now - limits.age, kTrimAtOnce));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return cut;
    if (cut.rows++ == 0) cut.from = rows.time(1);
    cut.to = rows.time(1);
    cut.up_to = rows.count(0);
  }
}

std::string gap_data(const Cut& cut) {
  return json::write(json::Object{{"from", rfc3339(cut.from)}, {"to", rfc3339(cut.to)}, {"events", cut.rows}});
}

// One gap for each hook: it grows until it was sent.
Result<void> put_gap(store::Database& db, const std::string& hook, Cut cut, const std::string& gap_id, WallTime now) {
  std::uint64_t number = 0;
  {
    TRY(rows, db.query("SELECT number, data FROM hook_events WHERE hook_id = ? AND type = ? LIMIT 1", hook, kHookGap));
    TRY(there, rows.step());
    if (there) {
      number = rows.count(0);
      const auto earlier = json::parse(rows.view(1));
      if (earlier && earlier->is_object()) {
        const auto from = read_rfc3339(json::get_string(earlier->get_object(), "from").value_or(""));
        cut.from = from ? std::min(*from, cut.from) : cut.from;
        cut.rows += static_cast<std::uint64_t>(json::get_int(earlier->get_object(), "events").value_or(0));
      }
    }
  }
  if (number != 0) {
    TRY_VOID(db.change("UPDATE hook_events SET data = ? WHERE number = ?", gap_data(cut), number));
    return {};
  }
  TRY_VOID(
      db.change("INSERT INTO hook_events (hook_id, event_id, type, room, at_ms, queued_ms, data) VALUES (?, ?, ?, '', "
                "?, ?, ?)",
          hook, gap_id, kHookGap, now, now, gap_data(cut)));
  return {};
}

Result<void> bound_dead_letters(store::Database& db, const std::string& hook, const HookLimits& limits, WallTime now) {
  TRY_VOID(
      db.change("DELETE FROM hook_dead WHERE hook_id = ?1 AND (since_ms < ?2 OR number <= (SELECT coalesce("
                "(SELECT number FROM hook_dead WHERE hook_id = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?3), 0)))",
          hook, now - limits.dead_age, limits.dead_rows));
  return {};
}

} // namespace

Result<bool> add_hook(store::Database& db, const HookRow& hook) {
  TRY_VOID(changed(db)); // first: nobody else adds one until this is committed
  {
    TRY(rows, db.query("SELECT count(*) FROM hooks"));
    TRY_VOID(rows.step());
    if (rows.count(0) >= kMostHooks)
      return refuse(Cause::INVALID_VALUE, fmt::format("there are {} webhooks, as many as there may be", kMostHooks));
  }
  TRY_VOID(db.change("INSERT INTO hooks (id, url, types, rooms, secret, created_ms, why) VALUES (?, ?, ?, ?, ?, ?, '')",
      hook.id, hook.url, joined(hook.types), joined(hook.rooms), hook.secret, hook.created));
  return true;
}

Result<bool> rotate_hook(store::Database& db, const std::string& id, const std::string& sealed) {
  TRY(found,
      sealed.empty() ? db.change("UPDATE hooks SET old_secret = NULL WHERE id = ?", id)
                     : db.change("UPDATE hooks SET old_secret = secret, secret = ?2 WHERE id = ?1", id, sealed));
  if (found == 0) return no_such_hook(id);
  TRY_VOID(changed(db));
  return true;
}

Result<bool> disable_hook(
    store::Database& db, const std::string& id, std::optional<WallTime> since, const std::string& why) {
  TRY(there, exists(db, id));
  if (!there) return no_such_hook(id);
  TRY(done,
      since
          ? db.change("UPDATE hooks SET disabled_ms = ?, why = ? WHERE id = ? AND disabled_ms IS NULL", *since, why, id)
          : db.change("UPDATE hooks SET disabled_ms = NULL, why = '' WHERE id = ? AND disabled_ms IS NOT NULL", id));
  if (done > 0) TRY_VOID(changed(db));
  return done > 0;
}

// Its events are deleted by the process that writes them (take_up_asked), after it has noticed.
Result<bool> remove_hook(store::Database& db, const std::string& id) {
  TRY(removed, db.change("DELETE FROM hooks WHERE id = ?", id));
  if (removed == 0) return no_such_hook(id);
  TRY_VOID(db.change("DELETE FROM hook_dead WHERE hook_id = ?", id));
  TRY_VOID(changed(db));
  return true;
}

Result<std::vector<HookRow>> read_hooks(store::Database& db) {
  std::vector<HookRow> out;
  TRY(rows,
      db.query("SELECT id, url, types, rooms, secret, old_secret, created_ms, disabled_ms, why FROM hooks ORDER BY "
               "created_ms, id"));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    HookRow hook{.id = rows.text(0),
        .url = rows.text(1),
        .types = split(rows.view(2)),
        .rooms = split(rows.view(3)),
        .secret = rows.text(4),
        .created = rows.time(6),
        .why = rows.text(8)};
    if (!rows.is_null(5)) hook.old_secret = rows.text(5);
    if (!rows.is_null(7)) hook.disabled = rows.time(7);
    out.push_back(std::move(hook));
  }
}

Result<std::optional<HookList>> read_hooks_since(store::Database& db, const std::string& version) {
  TRY(current, version_of(db));
  if (current == version) return std::nullopt;
  TRY(hooks, read_hooks(db));
  return HookList{.version = std::move(current), .hooks = std::move(hooks)};
}

Result<std::vector<DeadLetter>> read_dead_letters(
    store::Database& db, const std::string& hook, std::uint64_t after, std::size_t limit) {
  std::vector<DeadLetter> out;
  TRY(rows,
      db.query("SELECT number, hook_id, event_id, type, room, at_ms, data, tries, why, since_ms FROM hook_dead WHERE "
               "number > ?1 AND (?2 = '' OR hook_id = ?2) AND again = 0 ORDER BY number LIMIT ?3",
          after, hook, limit));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({.hook = rows.text(1),
        .event = {.number = rows.count(0),
            .id = rows.text(2),
            .type = rows.text(3),
            .room = rows.text(4),
            .at = rows.time(5),
            .queued = rows.time(9),
            .data = rows.text(6)},
        .tries = static_cast<std::uint32_t>(rows.integer(7)),
        .why = rows.text(8),
        .since = rows.time(9)});
  }
}

Result<std::uint64_t> ask_replay(store::Database& db, const std::string& hook, const std::vector<std::string>& ids) {
  TRY(there, exists(db, hook));
  if (!there) return no_such_hook(hook);
  std::int64_t asked = 0;
  if (ids.empty()) {
    TRY(all, db.change("UPDATE hook_dead SET again = 1 WHERE hook_id = ? AND again = 0", hook));
    asked = all;
  }
  for (const auto& id : ids) {
    TRY(one, db.change("UPDATE hook_dead SET again = 1 WHERE hook_id = ? AND event_id = ? AND again = 0", hook, id));
    if (one == 0) return refuse(Cause::NOT_FOUND, "the webhook has no dead letter with the id " + printable(id, 64));
    asked += one;
  }
  if (asked > 0) TRY_VOID(changed(db));
  return static_cast<std::uint64_t>(asked);
}

Result<std::string> ask_test(store::Database& db, const std::string& hook, const std::string& event_id, WallTime now) {
  TRY(there, exists(db, hook));
  if (!there) return no_such_hook(hook);
  TRY_VOID(db.change(
      "INSERT INTO hook_dead (hook_id, event_id, type, room, at_ms, data, tries, why, since_ms, again) VALUES "
      "(?, ?, ?, '', ?, ?, 0, '', ?, 1)",
      hook, event_id, kHookTest, now, json::write(json::Object{{"hook", hook}}), now));
  TRY_VOID(changed(db));
  return event_id;
}

// Other processes may ask for more meanwhile: what is taken up here is marked first, and its mark is seen by nobody
// else.
Result<bool> take_up_asked(store::Database& db, WallTime now, bool arrivals) {
  TRY(taken, db.change("UPDATE hook_dead SET again = 2 WHERE again = 1"));
  if (taken > 0) {
    TRY_VOID(db.change(arrivals ? kSendAgainArrives : kSendAgain, now));
    TRY_VOID(db.change("DELETE FROM hook_dead WHERE again = 2"));
  }
  TRY_VOID(db.change("DELETE FROM hook_events WHERE hook_id NOT IN (SELECT id FROM hooks)"));
  if (arrivals) TRY_VOID(db.change("DELETE FROM hook_arrivals WHERE hook_id NOT IN (SELECT id FROM hooks)"));
  return taken > 0;
}

Result<std::int64_t> move_arrivals(store::Database& db) {
  return db.change(
      "WITH moved AS (DELETE FROM hook_arrivals WHERE number IN (SELECT number FROM hook_arrivals ORDER BY number "
      "LIMIT ?) RETURNING number, hook_id, event_id, type, room, message, at_ms, queued_ms, data) INSERT INTO "
      "hook_events (hook_id, event_id, type, room, message, at_ms, queued_ms, data) SELECT hook_id, event_id, type, "
      "room, message, at_ms, queued_ms, data FROM moved ORDER BY number",
      kMovedAtOnce);
}

Result<std::vector<HookEvent>> read_waiting(store::Database& db, const std::string& hook,
    const std::optional<std::string>& room, std::uint64_t after, std::size_t limit) {
  std::vector<HookEvent> out;
  TRY(rows,
      room ? db.query("SELECT number, event_id, type, room, at_ms, queued_ms, data FROM hook_events WHERE hook_id = ? "
                      "AND room = ? AND number > ? ORDER BY number LIMIT ?",
                 hook, *room, after, limit)
           : db.query("SELECT number, event_id, type, room, at_ms, queued_ms, data FROM hook_events WHERE hook_id = ? "
                      "AND number > ? ORDER BY number LIMIT ?",
                 hook, after, limit));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({.number = rows.count(0),
        .id = rows.text(1),
        .type = rows.text(2),
        .room = rows.text(3),
        .at = rows.time(4),
        .queued = rows.time(5),
        .data = rows.text(6)});
  }
}

Result<bool> delete_sent(store::Database& db, const std::string& hook, const std::vector<std::uint64_t>& numbers) {
  bool any = false;
  for (const std::uint64_t number : numbers) {
    TRY(gone, db.change("DELETE FROM hook_events WHERE number = ? AND hook_id = ?", number, hook));
    any = any || gone > 0;
  }
  return any;
}

Result<bool> bury_event(store::Database& db, const std::string& hook, std::uint64_t number, std::uint32_t tries,
    const std::string& why, WallTime now) {
  std::string event_id, type, room, data;
  std::optional<Offset> message;
  WallTime at{};
  {
    // Deleted first, so that of two that bury it one does.
    TRY(rows,
        db.query("DELETE FROM hook_events WHERE number = ? AND hook_id = ? RETURNING event_id, type, room, message, "
                 "at_ms, data",
            number, hook));
    TRY(there, rows.step());
    if (!there) return false;
    event_id = rows.text(0), type = rows.text(1), room = rows.text(2), data = rows.text(5);
    if (!rows.is_null(3)) message = rows.count(3);
    at = rows.time(4);
    TRY_VOID(rows.run());
  }
  TRY_VOID(
      db.change("INSERT INTO hook_dead (hook_id, event_id, type, room, message, at_ms, data, tries, why, since_ms, "
                "again) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
          hook, event_id, type, room, message, at, data, tries, why, now));
  return true;
}

Result<std::uint64_t> trim_events(
    store::Database& db, const std::string& hook, const HookLimits& limits, const std::string& gap_id, WallTime now) {
  TRY_VOID(bound_dead_letters(db, hook, limits, now));
  TRY(cut, cut_of(db, hook, limits, now));
  if (cut.rows == 0) return 0;
  TRY_VOID(
      db.change("INSERT INTO hook_dead (hook_id, event_id, type, room, message, at_ms, data, tries, why, since_ms, "
                "again) SELECT hook_id, event_id, type, room, message, at_ms, data, 0, CAST(?4 AS TEXT), CAST(?5 AS "
                "BIGINT), 0 FROM hook_events WHERE hook_id = ?1 AND number <= ?2 AND type <> ?3 ORDER BY number",
          hook, cut.up_to, kHookGap, code_of(Cause::WEBHOOK_BACKLOG), now));
  TRY_VOID(
      // Not by number alone: others may have committed a lower one since.
      db.change("DELETE FROM hook_events WHERE hook_id = ?1 AND number <= ?2 AND type <> ?3 AND event_id IN (SELECT "
                "event_id FROM hook_dead WHERE hook_id = ?1)",
          hook, cut.up_to, kHookGap));
  TRY_VOID(put_gap(db, hook, cut, gap_id, now));
  return cut.rows;
}

} // namespace foyer::engine
