// The audit, secrets of the installation, and deletion by age.
#include "accounts/sql/queries.h"

#include <algorithm>

#include "accounts/model/names.h"
#include "base/bytes.h"

namespace foyer::accounts::sql {
namespace {

using store::Statement;

constexpr std::int64_t kForgetAtOnce = 500; // rows of a table

} // namespace

Result<bool> append_audit(Database& db, const std::vector<AuditRow>& rows) {
  for (const auto& row : rows) TRY_VOID(write_audit(db, row));
  return true;
}

Result<std::int64_t> bound_refusals(Database& db, std::size_t most) {
  return db.change(
      "DELETE FROM audit WHERE outcome <> 'OK' AND number <="
      " (SELECT number FROM audit WHERE outcome <> 'OK' ORDER BY number DESC LIMIT 1 OFFSET ?)",
      most);
}

Result<std::vector<AuditRow>> audit(Database& db, std::size_t limit) {
  TRY(rows,
      db.query("SELECT at, action, outcome, \"user\", address, ref, detail, repeats, last_at FROM audit ORDER BY "
               "number DESC LIMIT ?",
          limit));
  std::vector<AuditRow> out;
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back({.at = rows.time(0),
        .action = rows.text(1),
        .outcome = rows.text(2),
        .user = UserId{rows.text(3)},
        .address = rows.text(4),
        .ref = Ref{rows.text(5)},
        .detail = rows.text(6),
        .repeats = rows.count(7),
        .last_at = {}});
    if (!rows.is_null(8)) out.back().last_at = rows.time(8);
  }
}

Result<std::string> secret(Database& db, std::string_view name, std::string_view candidate) {
  constexpr std::string_view kSelect = "SELECT value FROM secrets WHERE name = ?";
  const auto read = [&](Statement rows) -> Result<std::optional<std::string>> {
    TRY(found, rows.step());
    if (!found) return std::nullopt;
    auto bytes = base64url_decode(rows.view(0));
    if (!bytes) return refuse(Cause::STORE_FAILED, "a secret of the accounts is damaged: " + std::string{name});
    return bytes;
  };
  // Read before writing: a read-only database can still be served in part.
  TRY(first, db.query(kSelect, name));
  TRY(kept, read(std::move(first)));
  if (kept) return std::move(*kept);
  TRY_VOID(db.change("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name,
      base64url_encode(candidate)));
  TRY(second, db.query(kSelect, name));
  TRY(stored, read(std::move(second)));
  if (!stored) return refuse(Cause::STORE_FAILED, "a secret of the accounts cannot be kept: " + std::string{name});
  return std::move(*stored);
}

Result<OldRows> count_old(Database& db, const Horizons& horizons) {
  TRY(rows,
      db.query(
          "SELECT (SELECT count(*) FROM sessions WHERE last_seen < ?1), (SELECT count(*) FROM refresh_tokens WHERE "
          "created < ?1),"
          " (SELECT count(*) FROM audit WHERE at < ?2) + (SELECT count(*) FROM audit WHERE outcome <> 'OK' AND at < "
          "?4),"
          " (SELECT count(*) FROM revocations WHERE at < ?3), (SELECT count(*) FROM invitations WHERE expires < ?1)",
          horizons.ended, horizons.audit, horizons.revocations, horizons.refusals));
  TRY_VOID(rows.step());
  return OldRows{.sessions = rows.integer(0),
      .refresh_tokens = rows.integer(1),
      .audit = rows.integer(2),
      .revocations = rows.integer(3),
      .invitations = rows.integer(4)};
}

Result<std::int64_t> forget(Database& db, const Horizons& horizons) {
  TRY(tokens,
      db.change(
          "DELETE FROM refresh_tokens WHERE digest IN (SELECT digest FROM refresh_tokens WHERE created < ? LIMIT ?)",
          horizons.ended, kForgetAtOnce));
  // A session has ended at the latest when it was unused for so long.
  TRY(with_session,
      db.change("DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE last_seen < ? ORDER BY "
                "last_seen LIMIT ?)",
          horizons.ended, kForgetAtOnce));
  TRY(sessions,
      db.change(
          "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE last_seen < ? ORDER BY last_seen LIMIT ?)",
          horizons.ended, kForgetAtOnce));
  TRY(rows,
      db.change("DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < ? LIMIT ?)", horizons.audit,
          kForgetAtOnce));
  TRY(refusals,
      db.change("DELETE FROM audit WHERE number IN"
                " (SELECT number FROM audit WHERE outcome <> 'OK' AND at < ? LIMIT ?)",
          horizons.refusals, kForgetAtOnce));
  TRY(events,
      db.change("DELETE FROM revocations WHERE cursor IN (SELECT cursor FROM revocations WHERE at < ? LIMIT ?)",
          horizons.revocations, kForgetAtOnce));
  TRY(invitations,
      db.change("DELETE FROM invitations WHERE digest IN (SELECT digest FROM invitations WHERE expires < ? LIMIT ?)",
          horizons.ended, kForgetAtOnce));
  return tokens + with_session + sessions + rows + refusals + events + invitations;
}

} // namespace foyer::accounts::sql
