// The transactions of the accounts as functions over one connection, for
// the writer's or the reader's thread. Each is called inside a transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "accounts/store.h"
#include "store/database.h"

namespace foyer::accounts::sql {

using store::Database;

[[nodiscard]] Result<bool> create_user(Database& db, const UserRow& user,
    const std::optional<std::string>& invitation_hash, const std::optional<NewSession>& session, const AuditRow& audit);
[[nodiscard]] Result<std::optional<UserRow>> find_user_by_name(Database& db, const std::string& name_key);
[[nodiscard]] Result<std::optional<UserRow>> find_user(Database& db, const UserId& id);
[[nodiscard]] Result<std::vector<UserListing>> list_users(Database& db);
[[nodiscard]] Result<std::vector<std::string>> password_costs(Database& db);

[[nodiscard]] Result<bool> open_session(Database& db, const NewSession& session,
    const std::optional<std::string>& rehashed, std::size_t limit, const AuditRow& audit);
[[nodiscard]] Result<std::optional<SessionAndUser>> find_session(Database& db, const SessionId& session);
[[nodiscard]] Result<std::optional<SessionAndUser>> find_session_by_cookie(
    Database& db, const std::string& cookie_hash);
[[nodiscard]] Result<bool> touch_session(Database& db, const SessionId& session, WallTime now);
[[nodiscard]] Result<std::vector<SessionRow>> sessions_of(Database& db, const UserId& user);
[[nodiscard]] Result<RefreshOutcome> refresh(Database& db, const RefreshRequest& question);

[[nodiscard]] Result<bool> end_session(
    Database& db, const UserId& user, const SessionId& session, SessionEnd why, const AuditRow& audit);
[[nodiscard]] Result<std::size_t> end_sessions(
    Database& db, const UserId& user, const std::optional<SessionId>& but, SessionEnd why, const AuditRow& audit);
[[nodiscard]] Result<bool> set_password(Database& db, const UserId& user, const std::string& phc,
    const std::optional<SessionId>& keep, const AuditRow& audit);
[[nodiscard]] Result<bool> set_disabled(Database& db, const UserId& user, bool disabled, const AuditRow& audit);
[[nodiscard]] Result<bool> delete_user(Database& db, const UserId& user, const AuditRow& audit);
[[nodiscard]] Result<bool> invitation_lives(Database& db, const std::string& hash, WallTime now);
[[nodiscard]] Result<bool> add_invitation(Database& db, const InvitationRow& invitation, const AuditRow& audit);

[[nodiscard]] Result<std::optional<RefreshTokenInfo>> find_refresh(Database& db, const std::string& hash);
[[nodiscard]] Result<bool> revoke_token(Database& db, const TokenId& token, const AuditRow& audit);
[[nodiscard]] Result<bool> revoke_before(Database& db, const UserId& user, WallTime at, const AuditRow& audit);
[[nodiscard]] Result<bool> token_revoked(Database& db, const TokenId& token);

// queries_registry.cc
[[nodiscard]] Result<std::optional<SecondFactorRow>> find_second_factor(Database& db, const UserId& user);
[[nodiscard]] Result<bool> put_second_factor(Database& db, const SecondFactorRow& row, const AuditRow& audit);
[[nodiscard]] Result<bool> use_second_factor(Database& db, const UserId& user, std::int64_t step);
[[nodiscard]] Result<bool> use_recovery_code(
    Database& db, const UserId& user, const std::string& digest, const AuditRow& audit);
[[nodiscard]] Result<bool> remove_second_factor(Database& db, const UserId& user, const AuditRow& audit);
[[nodiscard]] Result<std::vector<ServiceRow>> list_services(Database& db);
[[nodiscard]] Result<std::optional<ServiceRow>> find_service(Database& db, const std::string& id);
[[nodiscard]] Result<bool> add_service(Database& db, const ServiceRow& row, const AuditRow& audit);
[[nodiscard]] Result<bool> change_service(Database& db, const ServiceRow& row, const AuditRow& audit);
[[nodiscard]] Result<std::vector<SigningKeyRow>> list_signing_keys(Database& db);
[[nodiscard]] Result<bool> add_signing_key(Database& db, const SigningKeyRow& row, const AuditRow& audit);
[[nodiscard]] Result<bool> remove_signing_key(Database& db, const std::string& kid, const AuditRow& audit);

// A refusal repeated within an hour, with equal action, outcome, user, address and detail, is counted in the
// first one's row.
[[nodiscard]] Result<void> write_audit(Database& db, const AuditRow& row);
[[nodiscard]] Result<RevocationPage> revocations_after(Database& db, std::int64_t cursor, std::size_t limit);
[[nodiscard]] Result<bool> settle_revocations(Database& db, std::int64_t from, std::int64_t to, WallTime now);
// Deletes the oldest refusals beyond so many; returns the number deleted.
[[nodiscard]] Result<std::int64_t> bound_refusals(Database& db, std::size_t most);
[[nodiscard]] Result<bool> append_audit(Database& db, const std::vector<AuditRow>& rows);
[[nodiscard]] Result<std::vector<AuditRow>> audit(Database& db, std::size_t limit);

// The secret with that name, stored from `candidate` (raw bytes) at the first call.
[[nodiscard]] Result<std::string> secret(Database& db, std::string_view name, std::string_view candidate);

struct Horizons {
  WallTime audit;    // older rows are deleted
  WallTime refusals; // audit rows of refusals
  WallTime ended;
  WallTime revocations;
};
// The number of rows past their horizons.
struct OldRows {
  std::int64_t sessions = 0, refresh_tokens = 0, audit = 0, revocations = 0, invitations = 0;
  [[nodiscard]] std::int64_t all() const { return sessions + refresh_tokens + audit + revocations + invitations; }
};
[[nodiscard]] Result<OldRows> count_old(Database& db, const Horizons& horizons);
// Deletes a bounded number of old rows; returns the number deleted.
[[nodiscard]] Result<std::int64_t> forget(Database& db, const Horizons& horizons);

} // namespace foyer::accounts::sql
