#include "engine/sql/members_seen.h"

#include <sstream>
#include <utility>

#include "engine/sql/duty.h"

namespace foyer::engine {
namespace {

std::string in_ms(const std::string& time) { return "CAST(floor(extract(epoch FROM " + time + ") * 1000) AS BIGINT)"; }

// As a MemberState. ?1: silence in ms. A session that the server still sees belongs to a process that may only be
// paused.
const std::string kStateNow =
    "CASE WHEN n.ended IS NOT NULL THEN 3 WHEN n.heard_until <= now() THEN 2 WHEN coalesce(n.reported >= now() - "
    "CAST(?1 "
    "AS BIGINT) * interval '1 millisecond', true) THEN 0 WHEN EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.pid = "
    "n.session AND coalesce(a.backend_start = n.session_began, true)) THEN 1 ELSE 2 END";
const std::string kSee = "SELECT n.node, n.incarnation, n.mode, n.bus, n.protocol, " + kStateNow + ", " +
    in_ms("n.heard_until") + ", " + in_ms("n.started") + ", " + in_ms("n.ended") + ", " + in_ms("now() - n.reported") +
    ", n.unheard, n.trouble, n.held_ms, n.host, n.url, n.version, n.build, n.roles FROM nodes n ORDER BY n.node";
const std::string kState = "SELECT " + kStateNow + " FROM nodes n WHERE n.node = ?2 FOR UPDATE";
const std::string kDuty =
    "SELECT holder, term, until_ms - " + in_ms("statement_timestamp()") + " FROM leases WHERE kind = ? AND name = ?";

std::optional<WallTime> time_at(const store::Statement& rows, int column) {
  if (rows.is_null(column)) return std::nullopt;
  return rows.time(column);
}

MemberSeen member_of(const store::Statement& rows) {
  MemberSeen out{.member = {.node = rows.text(0),
                     .incarnation = rows.count(1),
                     .mode = static_cast<Writers>(rows.integer(2)),
                     .bus = rows.text(3),
                     .protocol = static_cast<std::uint32_t>(rows.integer(4))},
      .state = static_cast<MemberState>(rows.integer(5)),
      .heard_until = rows.time(6),
      .started = time_at(rows, 7),
      .ended = time_at(rows, 8),
      .trouble = rows.text(11),
      .held_open = Millis{rows.integer(12)}};
  out.member.alive = out.state == MemberState::alive || out.state == MemberState::silent;
  out.member.about = {.host = rows.text(13),
      .url = rows.text(14),
      .version = rows.text(15),
      .build = rows.text(16),
      .roles = rows.text(17),
      .started = out.started.value_or(WallTime{})};
  if (!rows.is_null(9)) out.tail_lag = Millis{rows.integer(9)};
  std::istringstream names(rows.text(10));
  for (std::string name; names >> name;) out.unheard.push_back(std::move(name));
  return out;
}

Result<bool> knows_members(store::Database& db) {
  TRY(rows,
      db.query(
          "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('nodes') AND attname = 'held_ms')"));
  TRY(there, rows.step());
  return there && rows.integer(0) != 0;
}

Result<std::optional<DutySeen>> duty_of(store::Database& db) {
  TRY(rows, db.query(kDuty, kDutyKind, kDutyName));
  TRY(there, rows.step());
  if (!there) return std::nullopt;
  const std::string holder = rows.text(0);
  const auto slash = holder.find('/');
  if (slash == std::string::npos) return std::nullopt; // of an earlier release
  return DutySeen{.node = holder.substr(0, slash), .term = rows.count(1), .left = Millis{rows.integer(2)}};
}

// Entries of presence have the name of their node, or NODE.1, NODE.2.
Result<void> end_leases(store::Database& db, std::string_view node) {
  TRY_VOID(db.change("DELETE FROM leases WHERE split_part(holder, '/', 1) = ?", node));
  TRY_VOID(
      db.change("UPDATE present_nodes SET until = now() WHERE until > now() AND split_part(node, '.', 1) = ?", node));
  return {};
}

} // namespace

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::alive: return "alive";
    case MemberState::silent: return "silent";
    case MemberState::dead: return "dead";
    case MemberState::ended: return "ended";
  }
  std::unreachable();
}

Result<MembersSeen> see_members(store::Database& db, Millis silence) {
  MembersSeen out;
  TRY(known, knows_members(db));
  out.known = known;
  if (!known) return out;
  TRY(rows, db.query(kSee, silence.count()));
  for (;;) {
    TRY(more, rows.step());
    if (!more) break;
    out.members.push_back(member_of(rows));
  }
  TRY(duty, duty_of(db));
  out.duty = std::move(duty);
  return out;
}

Result<Removal> remove_member(store::Database& db, std::string_view node, Millis silence) {
  TRY(known, knows_members(db));
  if (!known) return Removal::unknown;
  TRY(transaction, store::Transaction::begin(db));
  {
    TRY(rows, db.query(kState, silence.count(), node));
    TRY(there, rows.step());
    if (!there) return Removal::unknown;
    const auto state = static_cast<MemberState>(rows.integer(0));
    if (state == MemberState::alive) return Removal::alive;
    if (state == MemberState::silent) return Removal::silent;
    TRY_VOID(rows.run());
  }
  TRY_VOID(db.change("DELETE FROM nodes WHERE node = ?", node));
  TRY_VOID(end_leases(db, node));
  TRY_VOID(transaction.commit());
  return Removal::removed;
}

} // namespace foyer::engine
