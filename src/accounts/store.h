// The interface of the accounts store. Each function is one transaction that includes its audit
// row: either all of it happens or nothing. A change is answered after
// its commit. Callbacks run on the store's threads and must be short.
//
// Every function may also return BUSY, STORE_FULL, STORE_READ_ONLY, STORE_LOCKED,
// STORE_FAILED. Every implementation passes accounts/testing/store_contract.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accounts/model/records.h"
#include "accounts/session/refresh.h"
#include "auth/contract/auth_service.h"
#include "store/age_gate.h"

namespace foyer::accounts {

struct NewSession {
  SessionRow session = {};
  std::string refresh_hash = {}; // empty: the session has a cookie instead
  std::string verified = {};     // the hash that the password was compared with; empty: none
};

struct SessionAndUser {
  SessionRow session = {};
  UserRow user = {};
};

struct UserListing {
  UserRow user = {};
  std::optional<WallTime> last_seen = {}; // of its newest session
};

struct RefreshRequest {
  std::string hash = {};           // of the presented token, or of the cookie
  std::string successor_hash = {}; // empty: by cookie
  RefreshPolicy policy = {};
  SessionPolicy sessions = {};
  AuditRow audit = {}; // at = now; outcome and user are filled in by the store
};
struct RefreshOutcome {
  std::optional<Refusal> refusal = {}; // decided and audited; the end of a killed family is committed
  SessionAndUser who = {};             // without a refusal
};

struct RefreshTokenInfo {
  RefreshRow token = {};
  SessionAndUser who = {};
};

struct RevocationPage {
  std::int64_t cursor = 0; // of the last event, or the requested one
  std::vector<auth::RevocationEvent> events = {};
};

class AccountStore {
 public:
  virtual ~AccountStore() = default;

  // K of refresh.h: 32 bytes, generated once and stored. Any thread.
  [[nodiscard]] virtual const std::string& refresh_key() const = 0;
  // Identifies this table of revocations: random, generated once and stored. Any thread.
  [[nodiscard]] virtual const std::string& stream() const = 0;

  // NAME_TAKEN; INVITATION_REJECTED if the given digest belongs to no live invitation.
  virtual void create_user(UserRow user, std::optional<std::string> invitation_hash, std::optional<NewSession> session,
      AuditRow audit, Completion<bool> done) = 0;
  virtual void find_user_by_name(std::string name_key, Completion<std::optional<UserRow>> done) = 0;
  virtual void find_user(UserId id, Completion<std::optional<UserRow>> done) = 0;
  virtual void list_users(Completion<std::vector<UserListing>> done) = 0; // by name
  // Costs of all stored hashes, as the prefix of their PHC strings before the salt, each once.
  virtual void password_costs(Completion<std::vector<std::string>> done) = 0;

  // A new session of an active user, with a better hash of the password if given.
  // USER_DISABLED, USER_UNKNOWN; CREDENTIALS_REJECTED if the user's hash is no longer session.verified.
  // Beyond `limit` live sessions the least recently used ends.
  virtual void open_session(NewSession session, std::optional<std::string> rehashed, std::size_t limit, AuditRow audit,
      Completion<bool> done) = 0;
  virtual void find_session(SessionId session, Completion<std::optional<SessionAndUser>> done) = 0;
  virtual void find_session_by_cookie(std::string cookie_hash, Completion<std::optional<SessionAndUser>> done) = 0;
  virtual void touch_session(SessionId session, WallTime now, Completion<bool> done) = 0;
  virtual void sessions_of(UserId user, Completion<std::vector<SessionRow>> done) = 0; // not ended; newest first
  virtual void refresh(RefreshRequest question, Completion<RefreshOutcome> done) = 0;

  // Each ended session becomes a revocation. False, 0: there was none.
  virtual void end_session(UserId user, SessionId session, SessionEnd why, AuditRow audit, Completion<bool> done) = 0;
  virtual void end_sessions(
      UserId user, std::optional<SessionId> but, SessionEnd why, AuditRow audit, Completion<std::size_t> done) = 0;

  // Also ends all sessions but `keep`. USER_UNKNOWN; SESSION_REVOKED if `keep` has already ended.
  virtual void set_password(
      UserId user, std::string phc, std::optional<SessionId> keep, AuditRow audit, Completion<bool> done) = 0;
  // A revocation of the user. Its sessions are invalid while it is disabled, and end when it is
  // enabled: the user must log in again. False: no change. USER_UNKNOWN.
  virtual void set_disabled(UserId user, bool disabled, AuditRow audit, Completion<bool> done) = 0;
  // Deletes the user, its sessions and tokens; the audit keeps its rows. USER_UNKNOWN.
  virtual void delete_user(UserId user, AuditRow audit, Completion<bool> done) = 0;

  virtual void invitation_lives(
      std::string hash, WallTime now, Completion<bool> done) = 0; // unused and not expired; create_user checks again
  virtual void add_invitation(InvitationRow invitation, AuditRow audit, Completion<bool> done) = 0;

  // Does not use it: for introspection and revocation.
  virtual void find_refresh(std::string hash, Completion<std::optional<RefreshTokenInfo>> done) = 0;
  // An access token by its jti; all tokens of a user that were issued before `at` (and its sessions with them). Each
  // becomes a revocation.
  virtual void revoke_token(TokenId token, AuditRow audit, Completion<bool> done) = 0;
  virtual void revoke_before(UserId user, WallTime at, AuditRow audit, Completion<bool> done) = 0;
  virtual void token_revoked(TokenId token, Completion<bool> done) = 0;

  // Second factors. Each use is atomic: of two concurrent ones, one succeeds.
  virtual void find_second_factor(UserId user, Completion<std::optional<SecondFactorRow>> done) = 0;
  virtual void put_second_factor(SecondFactorRow row, AuditRow audit,
      Completion<bool> done) = 0; // new, or replaces the old one. USER_UNKNOWN; TOTP_ALREADY_ON for an unconfirmed
                                  // one over a confirmed one
  virtual void use_second_factor(
      UserId user, std::int64_t step, Completion<bool> done) = 0; // true: `step` is later than any used before
  virtual void use_recovery_code(UserId user, std::string digest, AuditRow audit,
      Completion<bool> done) = 0; // true: it existed, and is used up
  virtual void remove_second_factor(UserId user, AuditRow audit, Completion<bool> done) = 0; // false: there was none

  virtual void list_services(Completion<std::vector<ServiceRow>> done) = 0; // by id
  virtual void find_service(std::string id, Completion<std::optional<ServiceRow>> done) = 0;
  virtual void add_service(ServiceRow row, AuditRow audit, Completion<bool> done) = 0; // NAME_TAKEN
  virtual void change_service(
      ServiceRow row, AuditRow audit, Completion<bool> done) = 0; // replaces the row with its id. SERVICE_UNKNOWN

  virtual void list_signing_keys(Completion<std::vector<SigningKeyRow>> done) = 0; // by active_from
  // Adds a key; sets `retired` of earlier keys to its active_from where it is not set.
  virtual void add_signing_key(SigningKeyRow row, AuditRow audit,
      Completion<bool> done) = 0; // NAME_TAKEN: the kid exists; ROTATION_UNSUPPORTED: too many
  virtual void remove_signing_key(std::string kid, AuditRow audit, Completion<bool> done) = 0; // false: there was none

  // Events after `cursor` in order, at most `limit`.
  virtual void revocations_after(std::int64_t cursor, std::size_t limit, Completion<RevocationPage> done) = 0;

  // Events after `from` up to `to`: an "all before" ahead of `now` becomes now.
  virtual void settle_revocations(std::int64_t from, std::int64_t to, WallTime now, Completion<bool> done) = 0;

  virtual void append_audit(std::vector<AuditRow> rows, Completion<bool> done) = 0;
  virtual void audit(std::size_t limit, Completion<std::vector<AuditRow>> done) = 0; // newest first

  // Deletion by age, and whether it waits until the clock is trusted (store/age_guard.h). Any thread.
  [[nodiscard]] virtual store::UpkeepState upkeep_state() const = 0;
  [[nodiscard]] virtual bool deletes_by_age() const = 0;
  virtual void upkeep_now() = 0; // an operator confirms the clock

  [[nodiscard]] virtual Result<bool> probe() = 0; // can it write now? Any thread, does not wait
};

} // namespace foyer::accounts
