#include "accounts/sql/queries.h"

#include <algorithm>

#include "accounts/model/names.h"
#include "base/bytes.h"

namespace foyer::accounts::sql {
namespace {

using auth::RevocationEvent;
using store::Statement;

constexpr Millis kSameRefusal = std::chrono::hours{1};

#define USER_COLUMNS "u.id, u.name, u.email, u.password, u.admin, u.disabled, u.created"
#define SESSION_COLUMNS "s.id, s.\"user\", s.created, s.last_seen, s.device, s.address, s.cookie, s.ended"

UserRow read_user(const Statement& row, int at) {
  return {.id = UserId{row.text(at)},
      .name = row.text(at + 1),
      .email = row.text(at + 2),
      .password = row.text(at + 3),
      .admin = row.integer(at + 4) != 0,
      .disabled = row.integer(at + 5) != 0,
      .created = row.time(at + 6)};
}

SessionRow read_session(const Statement& row, int at) {
  return {.id = SessionId{row.text(at)},
      .user = UserId{row.text(at + 1)},
      .created = row.time(at + 2),
      .last_seen = row.time(at + 3),
      .device = row.text(at + 4),
      .address = row.text(at + 5),
      .cookie_hash = row.text(at + 6),
      .end = static_cast<SessionEnd>(row.integer(at + 7))};
}

Result<void> revoke(Database& db, RevocationEvent::Kind kind, std::string_view id, WallTime at,
    RevocationEvent::Reason reason = RevocationEvent::Reason::none) {
  TRY_VOID(db.change("INSERT INTO revocations (kind, id, at, reason) VALUES (?, ?, ?, ?)", kind, id, at, reason));
  return {};
}

Result<void> insert_session(Database& db, const NewSession& made) {
  const auto& s = made.session;
  std::optional<std::string> cookie;
  if (!s.cookie_hash.empty()) cookie = s.cookie_hash;
  TRY_VOID(
      db.change("INSERT INTO sessions (id, \"user\", created, last_seen, device, address, cookie, ended) VALUES (?, ?, "
                "?, ?, ?, ?, ?, 0)",
          s.id, s.user, s.created, s.last_seen, s.device, s.address, cookie));
  if (!made.refresh_hash.empty())
    TRY_VOID(db.change(
        "INSERT INTO refresh_tokens (digest, session, created) VALUES (?, ?, ?)", made.refresh_hash, s.id, s.created));
  return {};
}

Result<std::optional<SessionAndUser>> one_session(Statement rows) {
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  return SessionAndUser{.session = read_session(rows, 0), .user = read_user(rows, 8)};
}

Result<void> end_one(Database& db, std::string_view session, SessionEnd why, WallTime now) {
  TRY_VOID(db.change("UPDATE sessions SET ended = ?, ended_at = ? WHERE id = ?", why, now, session));
  return revoke(db, RevocationEvent::Kind::session, session, now);
}

// Ends the sessions of the query, whose first column is the session's id.
Result<std::size_t> end_all(Database& db, Statement rows, SessionEnd why, WallTime now) {
  std::vector<std::string> ids;
  for (;;) {
    TRY(more, rows.step());
    if (!more) break;
    ids.push_back(rows.text(0));
  }
  for (const auto& id : ids) TRY_VOID(end_one(db, id, why, now));
  return ids.size();
}

Result<std::size_t> end_all_but(
    Database& db, const UserId& user, const std::optional<SessionId>& but, SessionEnd why, WallTime now) {
  TRY(rows,
      db.query("SELECT id FROM sessions WHERE \"user\" = ? AND ended = 0 AND id <> ?", user,
          but ? but->view() : std::string_view{})); // no id is empty
  return end_all(db, std::move(rows), why, now);
}

Refusal unknown(const UserId& user) {
  return Refusal{.cause = Cause::USER_UNKNOWN, .evidence = "no user " + printable(user.view())};
}

} // namespace

Result<void> write_audit(Database& db, const AuditRow& row) {
  // Counts a refusal in an equal one of the last hour. One from the future is not of "the last hour".
  if (row.outcome != "OK") {
    TRY(counted,
        db.change("UPDATE audit SET repeats = repeats + ?1, last_at = ?2 WHERE number = (SELECT number FROM audit"
                  " WHERE outcome <> 'OK' AND address = ?3 AND action = ?4 AND outcome = ?5 AND \"user\" = ?6 AND "
                  "detail = ?8 AND at > ?7 AND at <= ?2 ORDER BY at DESC LIMIT 1)",
            row.repeats + 1, row.last_at.value_or(row.at), row.address, row.action, row.outcome, row.user,
            row.at - kSameRefusal, row.detail));
    if (counted > 0) return {};
  }
  TRY_VOID(
      db.change("INSERT INTO audit (at, action, outcome, \"user\", address, ref, detail, repeats, last_at) VALUES (?, "
                "?, ?, ?, ?, ?, ?, ?, ?)",
          row.at, row.action, row.outcome, row.user, row.address, row.ref, row.detail, row.repeats, row.last_at));
  return {};
}

Result<bool> create_user(Database& db, const UserRow& user, const std::optional<std::string>& invitation_hash,
    const std::optional<NewSession>& session, const AuditRow& audit) {
  TRY(added,
      db.change("INSERT INTO users (id, name, name_key, email, password, admin, disabled, created) VALUES (?, ?, ?, ?, "
                "?, ?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
          user.id, user.name, name_key(user.name), user.email, user.password, user.admin, user.disabled, user.created));
  if (added == 0) return refuse_field(Cause::NAME_TAKEN, "name");
  if (invitation_hash) {
    TRY(taken,
        db.change("UPDATE invitations SET used = ?, used_by = ? WHERE digest = ? AND used IS NULL AND expires > ?",
            audit.at, user.id, *invitation_hash, audit.at));
    if (taken == 0)
      return refuse_field(Cause::INVITATION_REJECTED, "invitation", "no live invitation: unknown, used or expired");
  }
  if (session) TRY_VOID(insert_session(db, *session));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<std::optional<UserRow>> find_user(Database& db, const UserId& id) {
  TRY(rows, db.query("SELECT " USER_COLUMNS " FROM users u WHERE u.id = ?", id));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  return read_user(rows, 0);
}

Result<std::optional<UserRow>> find_user_by_name(Database& db, const std::string& key) {
  TRY(rows, db.query("SELECT " USER_COLUMNS " FROM users u WHERE u.name_key = ?", key));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  return read_user(rows, 0);
}

Result<std::vector<UserListing>> list_users(Database& db) {
  TRY(rows,
      db.query("SELECT " USER_COLUMNS
               ", (SELECT max(last_seen) FROM sessions s WHERE s.\"user\" = u.id) FROM users u ORDER BY u.name_key"));
  std::vector<UserListing> out;
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    UserListing one{.user = read_user(rows, 0), .last_seen = {}};
    if (!rows.is_null(7)) one.last_seen = rows.time(7);
    out.push_back(std::move(one));
  }
}

Result<std::vector<std::string>> password_costs(Database& db) {
  // $argon2id$v=19$m=19456,t=2,p=1$SALT$TAG: removes the tag, its $, the salt.
#define BASE64 "'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/.='"
  TRY(rows, db.query("SELECT DISTINCT rtrim(rtrim(rtrim(password, " BASE64 "), '$'), " BASE64 ") FROM users"));
#undef BASE64
  std::vector<std::string> out;
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back(rows.text(0));
  }
}

Result<bool> open_session(Database& db, const NewSession& made, const std::optional<std::string>& rehashed,
    std::size_t limit, const AuditRow& audit) {
  TRY(user, find_user(db, made.session.user));
  if (!user) return std::unexpected(unknown(made.session.user));
  if (user->disabled) return refuse(Cause::USER_DISABLED);
  // The hash changed since it was read: create no session and store no better hash of the old password.
  if (!made.verified.empty() && made.verified != user->password)
    return refuse(Cause::CREDENTIALS_REJECTED, "the password changed meanwhile");
  if (rehashed) TRY_VOID(db.change("UPDATE users SET password = ? WHERE id = ?", *rehashed, user->id));
  TRY_VOID(insert_session(db, made));
  TRY(surplus,
      db.query("SELECT id FROM sessions WHERE \"user\" = ? AND ended = 0 AND id <> ? ORDER BY last_seen DESC LIMIT "
               "1000000 OFFSET ?",
          user->id, made.session.id, limit > 0 ? limit - 1 : 0));
  TRY_VOID(end_all(db, std::move(surplus), SessionEnd::too_many, audit.at));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<std::optional<SessionAndUser>> find_session(Database& db, const SessionId& session) {
  TRY(rows,
      db.query("SELECT " SESSION_COLUMNS ", " USER_COLUMNS
               " FROM sessions s JOIN users u ON u.id = s.\"user\" WHERE s.id = ?",
          session));
  return one_session(std::move(rows));
}

Result<std::optional<SessionAndUser>> find_session_by_cookie(Database& db, const std::string& cookie_hash) {
  TRY(rows,
      db.query("SELECT " SESSION_COLUMNS ", " USER_COLUMNS
               " FROM sessions s JOIN users u ON u.id = s.\"user\" WHERE s.cookie = ?",
          cookie_hash));
  return one_session(std::move(rows));
}

Result<bool> touch_session(Database& db, const SessionId& session, WallTime now) {
  TRY(changed,
      db.change("UPDATE sessions SET last_seen = ? WHERE id = ? AND ended = 0 AND last_seen < ?", now, session, now));
  return changed > 0;
}

Result<std::vector<SessionRow>> sessions_of(Database& db, const UserId& user) {
  TRY(rows,
      db.query("SELECT " SESSION_COLUMNS
               " FROM sessions s WHERE s.\"user\" = ? AND s.ended = 0 ORDER BY s.last_seen DESC, s.created DESC, s.id",
          user));
  std::vector<SessionRow> out;
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    out.push_back(read_session(rows, 0));
  }
}

Result<RefreshOutcome> refresh(Database& db, const RefreshRequest& q) {
  const WallTime now = q.audit.at;
  const bool by_cookie = q.successor_hash.empty();
  AuditRow audit = q.audit;
  RefreshOutcome out;
  const auto conclude = [&](std::optional<Refusal> refusal) -> Result<RefreshOutcome> {
    audit.outcome = refusal ? std::string{refusal->code()} : "OK";
    TRY_VOID(write_audit(db, audit));
    out.refusal = std::move(refusal);
    return std::move(out);
  };
  const auto unknown_token = [&] {
    return conclude(Refusal{.cause = Cause::REFRESH_UNKNOWN,
        .evidence = by_cookie ? "no session with that cookie" : "no such refresh token"});
  };

  RefreshRow token{.hash = q.hash, .session = {}, .created = {}, .used = {}, .successor_used = false};
  if (!by_cookie) {
    TRY(rows, db.query("SELECT session, created, used FROM refresh_tokens WHERE digest = ?", q.hash));
    TRY(found, rows.step());
    if (!found) return unknown_token();
    token.session = SessionId{rows.text(0)};
    token.created = rows.time(1);
    if (!rows.is_null(2)) token.used = rows.time(2);
  }
  if (token.used) {
    TRY(unused,
        db.query("SELECT 1 FROM refresh_tokens WHERE digest = ? AND session = ? AND used IS NULL", q.successor_hash,
            token.session));
    TRY(still, unused.step());
    token.successor_used = !still;
  }
  TRY(who, by_cookie ? find_session_by_cookie(db, q.hash) : find_session(db, token.session));
  if (!who) return unknown_token();
  audit.user = who->user.id;
  audit.detail = who->session.id.str();

  if (by_cookie) {
    if (auto fit = check_session(who->session, q.sessions, now); !fit)
      return conclude(
          Refusal{.cause = who->session.end == SessionEnd::none ? Cause::REFRESH_EXPIRED : Cause::REFRESH_UNKNOWN,
              .evidence = fit.error().evidence});
    if (who->user.disabled) return conclude(Refusal{.cause = Cause::USER_DISABLED});
  } else {
    auto decision = decide_refresh(token, who->session, q.policy, q.sessions, now);
    if (decision.step == RefreshStep::kill) TRY_VOID(end_one(db, who->session.id.view(), SessionEnd::reuse, now));
    if (decision.step == RefreshStep::kill || decision.step == RefreshStep::refuse)
      return conclude(std::move(decision.refusal));
    if (who->user.disabled) return conclude(Refusal{.cause = Cause::USER_DISABLED});
    if (decision.step == RefreshStep::repeat) audit.detail += "; " + decision.detail;
    if (decision.step == RefreshStep::rotate) {
      TRY_VOID(db.change("UPDATE refresh_tokens SET used = ? WHERE digest = ?", now, q.hash));
      TRY_VOID(db.change("INSERT INTO refresh_tokens (digest, session, created) VALUES (?, ?, ?)", q.successor_hash,
          token.session, now));
    }
  }
  TRY_VOID(touch_session(db, who->session.id, now));
  who->session.last_seen = std::max(who->session.last_seen, now);
  out.who = std::move(*who);
  return conclude(std::nullopt);
}

Result<bool> end_session(
    Database& db, const UserId& user, const SessionId& session, SessionEnd why, const AuditRow& audit) {
  TRY(rows, db.query("SELECT id FROM sessions WHERE id = ? AND \"user\" = ? AND ended = 0", session, user));
  TRY(count, end_all(db, std::move(rows), why, audit.at));
  if (count > 0) TRY_VOID(write_audit(db, audit));
  return count > 0;
}

Result<std::size_t> end_sessions(
    Database& db, const UserId& user, const std::optional<SessionId>& but, SessionEnd why, const AuditRow& audit) {
  TRY(count, end_all_but(db, user, but, why, audit.at));
  TRY_VOID(write_audit(db, audit));
  return count;
}

Result<bool> set_password(Database& db, const UserId& user, const std::string& phc,
    const std::optional<SessionId>& keep, const AuditRow& audit) {
  if (keep) { // another change may have ended it after the old password was verified
    TRY(rows, db.query("SELECT 1 FROM sessions WHERE id = ? AND \"user\" = ? AND ended = 0", *keep, user));
    TRY(lives, rows.step());
    if (!lives) {
      TRY(known, find_user(db, user));
      if (!known) return std::unexpected(unknown(user));
      return refuse(Cause::SESSION_REVOKED, "the session ended meanwhile");
    }
  }
  TRY(changed, db.change("UPDATE users SET password = ? WHERE id = ?", phc, user));
  if (changed == 0) return std::unexpected(unknown(user));
  TRY_VOID(end_all_but(db, user, keep, SessionEnd::password, audit.at));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> set_disabled(Database& db, const UserId& user, bool disabled, const AuditRow& audit) {
  TRY(found, find_user(db, user));
  if (!found) return std::unexpected(unknown(user));
  if (found->disabled == disabled) return false;
  TRY_VOID(db.change("UPDATE users SET disabled = ? WHERE id = ?", disabled, user));
  // Until now the disabled user invalidated them; from now on they must stay invalid.
  if (!disabled) TRY_VOID(end_all_but(db, user, std::nullopt, SessionEnd::disabled, audit.at));
  TRY_VOID(revoke(db, RevocationEvent::Kind::user, user.view(), audit.at,
      disabled ? RevocationEvent::Reason::disabled : RevocationEvent::Reason::enabled));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> delete_user(Database& db, const UserId& user, const AuditRow& audit) {
  TRY_VOID(db.change("DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE \"user\" = ?)", user));
  TRY_VOID(db.change("DELETE FROM sessions WHERE \"user\" = ?", user));
  TRY_VOID(db.change("DELETE FROM recovery_codes WHERE \"user\" = ?", user));
  TRY_VOID(db.change("DELETE FROM second_factors WHERE \"user\" = ?", user));
  TRY(gone, db.change("DELETE FROM users WHERE id = ?", user));
  if (gone == 0) return std::unexpected(unknown(user));
  TRY_VOID(revoke(db, RevocationEvent::Kind::user, user.view(), audit.at, RevocationEvent::Reason::deleted));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> invitation_lives(Database& db, const std::string& hash, WallTime now) {
  TRY(rows, db.query("SELECT 1 FROM invitations WHERE digest = ? AND used IS NULL AND expires > ?", hash, now));
  return rows.step();
}

Result<bool> add_invitation(Database& db, const InvitationRow& invitation, const AuditRow& audit) {
  TRY_VOID(db.change("INSERT INTO invitations (digest, created, expires) VALUES (?, ?, ?)", invitation.hash,
      invitation.created, invitation.expires));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<std::optional<RefreshTokenInfo>> find_refresh(Database& db, const std::string& hash) {
  RefreshTokenInfo out{
      .token = {.hash = hash, .session = {}, .created = {}, .used = {}, .successor_used = false}, .who = {}};
  TRY(rows, db.query("SELECT session, created, used FROM refresh_tokens WHERE digest = ?", hash));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  out.token.session = SessionId{rows.text(0)};
  out.token.created = rows.time(1);
  if (!rows.is_null(2)) out.token.used = rows.time(2);
  TRY(who, find_session(db, out.token.session));
  if (!who) return std::nullopt;
  out.who = std::move(*who);
  return out;
}

Result<bool> revoke_token(Database& db, const TokenId& token, const AuditRow& audit) {
  TRY_VOID(revoke(db, RevocationEvent::Kind::token, token.view(), audit.at));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> revoke_before(Database& db, const UserId& user, WallTime at, const AuditRow& audit) {
  TRY(found, find_user(db, user));
  if (!found) return std::unexpected(unknown(user));
  TRY_VOID(revoke(db, RevocationEvent::Kind::before, user.view(), at));
  TRY_VOID(end_all_but(db, user, std::nullopt, SessionEnd::ended, audit.at));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> token_revoked(Database& db, const TokenId& token) {
  TRY(rows,
      db.query("SELECT 1 FROM revocations WHERE id = ? AND kind = ? LIMIT 1", token, RevocationEvent::Kind::token));
  return rows.step();
}

Result<RevocationPage> revocations_after(Database& db, std::int64_t cursor, std::size_t limit) {
  TRY(rows,
      db.query("SELECT cursor, kind, id, at, reason FROM revocations WHERE cursor > ? ORDER BY cursor LIMIT ?", cursor,
          limit));
  RevocationPage page{.cursor = cursor, .events = {}};
  for (;;) {
    TRY(more, rows.step());
    if (!more) return page;
    page.cursor = rows.integer(0);
    page.events.push_back({.kind = static_cast<RevocationEvent::Kind>(rows.integer(1)),
        .id = rows.text(2),
        .at = rows.time(3),
        .reason = static_cast<RevocationEvent::Reason>(rows.integer(4))});
  }
}

Result<bool> settle_revocations(Database& db, std::int64_t from, std::int64_t to, WallTime now) {
  TRY(settled,
      db.change("UPDATE revocations SET at = ?1 WHERE cursor > ?2 AND cursor <= ?3 AND kind = ?4 AND at > ?1", now,
          from, to, RevocationEvent::Kind::before));
  return settled > 0;
}

} // namespace foyer::accounts::sql
