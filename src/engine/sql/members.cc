#include "engine/sql/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

constexpr Millis kDeadKept = std::chrono::days{1};

} // namespace

Result<std::vector<Member>> read_members(store::Database& db) {
  std::vector<Member> out;
  TRY(rows, db.query("SELECT node, incarnation, mode, bus, protocol, heard_until > now() FROM nodes ORDER BY node"));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({.node = rows.text(0),
        .incarnation = rows.count(1),
        .mode = static_cast<Writers>(rows.integer(2)),
        .bus = rows.text(3),
        .protocol = static_cast<std::uint32_t>(rows.integer(4)),
        .alive = rows.integer(5) != 0});
  }
}

Result<void> OwnMember::enter(store::Database& db) {
  if (self_.mode == Writers::one)
    self_.incarnation = 0; // its lock shows that nobody else is there, under whatever name
  TRY(transaction, store::Transaction::begin(db));
  TRY_VOID(db.script("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE")); // two that start at once see each other
  // The lock of this connection proves that members of the other mode have ended, and with it alone all others.
  TRY_VOID(
      db.change("DELETE FROM nodes WHERE node <> ?1 AND (?2 = 0 OR mode = 0 OR heard_until < now() - CAST(?3 AS "
                "BIGINT) * interval '1 millisecond')",
          self_.node, self_.mode, kDeadKept.count()));
  TRY_VOID(agree(db));
  TRY_VOID(put(db));
  return transaction.commit();
}

Result<void> OwnMember::agree(store::Database& db) const {
  TRY(members, read_members(db));
  for (const Member& other : members) {
    if (!other.alive || other.node == self_.node) continue;
    if (other.bus != self_.bus)
      return refuse(Cause::CLUSTER_MISMATCH,
          fmt::format("{}: the node {} is on the bus \"{}\", this one on \"{}\"", db.name(), printable(other.node, 64),
              printable(other.bus, 64), printable(self_.bus, 64)));
    if (std::max(other.protocol, self_.protocol) - std::min(other.protocol, self_.protocol) > 1)
      return refuse(Cause::CLUSTER_MISMATCH,
          fmt::format("{}: the node {} speaks version {} of the protocol between nodes, this one version {}", db.name(),
              printable(other.node, 64), other.protocol, self_.protocol));
  }
  return {};
}

Result<void> OwnMember::put(store::Database& db) {
  const bool starts = self_.incarnation == 0;
  const MemberAbout& about = self_.about;
  // The session shows whether the process is there, as long as the server sees it.
  TRY(rows,
      db.query(
          "INSERT INTO nodes (node, incarnation, mode, bus, protocol, heard_until, host, url, version, build, roles, "
          "started, session, session_began) SELECT ?1, CASE WHEN CAST(?2 AS BIGINT) = 0 THEN 1 ELSE CAST(?2 AS BIGINT) "
          "END, CAST(?3 AS BIGINT), ?4, CAST(?5 AS BIGINT), now() + CAST(?6 AS BIGINT) * interval '1 millisecond', ?7, "
          "?8, ?9, ?10, ?11, "
          "to_timestamp(CAST(?12 AS BIGINT) / 1000.0), pid, backend_start FROM pg_stat_activity WHERE pid = "
          "pg_backend_pid() ON CONFLICT (node) DO UPDATE SET incarnation = nodes.incarnation + CASE WHEN CAST(?2 AS "
          "BIGINT) = 0 THEN 1 ELSE 0 END, mode = excluded.mode, bus = excluded.bus, protocol = excluded.protocol, "
          "heard_until = excluded.heard_until, host = excluded.host, url = excluded.url, version = excluded.version, "
          "build = excluded.build, roles = excluded.roles, started = excluded.started, session = excluded.session, "
          "session_began = excluded.session_began, ended = NULL WHERE CAST(?2 AS BIGINT) IN (0, nodes.incarnation) "
          "RETURNING incarnation",
          self_.node, self_.incarnation, self_.mode, self_.bus, self_.protocol, kMemberLife.count(), about.host,
          about.url, about.version, about.build, about.roles, about.started));
  TRY(there, rows.step());
  if (!there) return replaced(db);
  if (starts) self_.incarnation = rows.count(0);
  return rows.run();
}

std::unexpected<Refusal> OwnMember::replaced(const store::Database& db) const {
  return refuse(Cause::CHAT_STORE_IN_USE,
      fmt::format(
          "{}: a process that started later has the name {} of this node", db.name(), printable(self_.node, 64)));
}

Result<void> OwnMember::sign(store::Database& db, MonoTime now) {
  if (left_ || now < next_sign_) return {};
  next_sign_ = now + kMemberSigns;
  TRY(there,
      db.change(
          "UPDATE nodes SET heard_until = now() + CAST(? AS BIGINT) * interval '1 millisecond' WHERE node = ? AND "
          "incarnation = ?",
          kMemberLife.count(), self_.node, self_.incarnation));
  return there == 0 ? put(db) : Result<void>{};
}

Result<bool> OwnMember::leave(store::Database& db) {
  left_ = true;
  TRY(there,
      db.change("UPDATE nodes SET heard_until = now(), ended = now() WHERE node = ? AND incarnation = ?", self_.node,
          self_.incarnation));
  return there == 1;
}

} // namespace foyer::engine
