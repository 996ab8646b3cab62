// The auth service. It registers users, signs them in, refreshes tokens, ends
// sessions, mints and redeems tickets, and answers the gateways' calls
// (auth/contract). No HTTP here; that is routes.h.
//
// Its state belongs to the control plane's thread, on which every function except those of
// auth::AuthService is called; answers arrive there, too. Hashing and the
// database have their own threads. Before it is destroyed the control plane
// and the hashing queue must have stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accounts/guard/audit.h"
#include "accounts/guard/lockouts.h"
#include "accounts/guard/login_shares.h"
#include "accounts/keys/signing_keys.h"
#include "accounts/policy.h"
#include "accounts/runners.h"
#include "accounts/session/revocations.h"
#include "accounts/store.h"
#include "auth/contract/auth_service.h"
#include "base/limit_metrics.h"
#include "base/log_budget.h"
#include "jose/verifier.h"

namespace foyer::accounts {

// The caller, for limits and for the audit.
struct Caller {
  std::string address = {};
  std::string device = {}; // User-Agent
  Ref ref = {};
};

struct RegisterRequest {
  std::string name = {};
  std::string password = {};
  std::string email = {};
  std::optional<std::string> invitation = {};
  bool cookie = false;
};
struct LoginRequest {
  std::string name = {};
  std::string password = {};
  std::optional<std::string> factor = {}; // a code of the authenticator, or a recovery code
  bool cookie = false;
};
// One of the two is set.
struct RefreshByRequest {
  std::optional<std::string> refresh_token = {};
  std::optional<std::string> cookie = {};
};
struct TicketRequest {
  std::optional<std::string> origin = {};
  bool bind_address = false;
  std::optional<Millis> ttl = {};
};

struct SignedIn {
  std::string access_token = {};
  Millis expires_in{};
  std::optional<std::string> refresh_token = {};
  std::optional<std::string> cookie = {}; // set in place of the refresh token
  Millis cookie_life{};
  UserId user = {};
  std::string name = {};
  SessionId session = {};
};
struct Ticket {
  std::string ticket = {};
  Millis expires_in{};
  WallTime expires_at{};
};
struct FactorState {
  bool on = false;
  std::size_t recovery_codes_left = 0;
};
// A second factor that must be confirmed with one of its codes.
struct PendingFactor {
  std::string secret = {}; // base32
  std::string uri = {};    // otpauth://…, for a QR code
  Millis expires_in{};
};
// A page of users by name, after a given name.
struct UserPageRequest {
  std::string after = {};
  std::size_t limit = 100;
};
struct UserPage {
  std::vector<UserListing> users = {}; // without their hashes
  std::string next = {};               // the name to continue after; empty: the last page
};
// The identity behind a Bearer token. `own`: an account of ours; absent for other
// tokens that are signed with an accepted key.
struct Principal {
  Identity identity = {};
  std::optional<SessionAndUser> own = {};
};

inline constexpr std::uint32_t kLoginLines = 20; // info lines per second about logins

class AccountService final : public auth::AuthService {
 public:
  // The references must outlive the service. `seal`: encrypts secrets in the store. `shared` keeps
  // tickets, and answers on the control plane.
  AccountService(AccountStore& store, SigningKeys& keys, store::SealKey seal, AccountsPolicy policy, Runners runners,
      engine::SharedEntries& shared, Lockouts& lockouts, const Clock& clock, Entropy& entropy, Log& log,
      Metrics& metrics);

  // Starts watching the revocations. Once, from any thread.
  void start();

  void register_account(RegisterRequest question, Caller caller, Completion<SignedIn> done);
  void login(LoginRequest question, Caller caller, Completion<SignedIn> done);
  void refresh(RefreshByRequest question, Caller caller, Completion<SignedIn> done);
  // The causes of the steps credential_form, credential_valid, revocation and user (base/cause.h).
  void authenticate(std::string token, Completion<Principal> done);
  void logout(const Principal& who, Caller caller, Completion<bool> done);
  void sessions(const Principal& who, Completion<std::vector<SessionRow>> done);
  void end_session(const Principal& who, SessionId session, Caller caller, Completion<bool> done); // NOT_FOUND
  void end_sessions(const Principal& who, bool others_only, Caller caller, Completion<bool> done);
  void change_password(
      const Principal& who, std::string password, std::string new_password, Caller caller, Completion<bool> done);
  void delete_account(
      const Principal& who, std::string password, Caller caller, Completion<bool> done); // CREDENTIALS_REJECTED

  // The second factor (service_factor.cc). `typed` is a code; TOTP_REJECTED, LOGIN_LOCKED as at the login.
  void second_factor(const Principal& who, Completion<FactorState> done);
  void begin_second_factor(const Principal& who, std::string password, Caller caller,
      Completion<PendingFactor> done); // CREDENTIALS_REJECTED, TOTP_ALREADY_ON
  void confirm_second_factor(const Principal& who, std::string typed, Caller caller,
      Completion<std::vector<std::string>> done); // NOT_FOUND, TOTP_ALREADY_ON; recovery codes
  void renew_recovery_codes(
      const Principal& who, std::string typed, Caller caller, Completion<std::vector<std::string>> done); // NOT_FOUND
  void remove_second_factor(const Principal& who, std::string typed, Caller caller,
      Completion<bool> done); // NOT_FOUND; also by recovery code
  void mint_ticket(const Principal& who, TicketRequest request, Caller caller, Completion<Ticket> done);

  // For administrators (service_admin.cc); PERMISSION_DENIED for others.
  void admin_users(const Principal& who, UserPageRequest question, Caller caller, Completion<UserPage> done);
  void admin_set_disabled(const Principal& who, UserId user, bool disabled, Caller caller,
      Completion<bool> done); // NOT_FOUND; PERMISSION_DENIED: oneself
  void admin_delete_user(const Principal& who, UserId user, Caller caller, Completion<bool> done); // likewise
  void admin_services(
      const Principal& who, Caller caller, Completion<std::vector<ServiceRow>> done); // without their secrets
  void admin_keys(const Principal& who, Caller caller, Completion<std::vector<KeyTimes>> done);
  void admin_rotate_key(const Principal& who, std::optional<Millis> publish_for, Caller caller,
      Completion<KeyTimes> done); // ROTATION_UNSUPPORTED
  void admin_audit(const Principal& who, std::size_t limit, Caller caller, Completion<std::vector<AuditRow>> done);

  // ADDRESS_RATE_LIMIT.
  [[nodiscard]] Result<bool> take(std::string_view endpoint, const Caller& caller, const Rate& rate);
  void run(Task task) { runners_->control.post(std::move(task)); } // any thread
  [[nodiscard]] const AccountsPolicy& policy() const { return policy_; }
  [[nodiscard]] const std::string& jwks() const { return keys_.jwks(); }
  [[nodiscard]] SigningKeys& keys() { return keys_; }
  [[nodiscard]] Result<bool> probe() { return store_.probe(); } // any thread

  // The identity behind a cookie or a ticket; a ticket is not used up. The causes of the steps
  // credential_valid, revocation and user (base/cause.h).
  void examine_cookie(std::string_view cookie, Completion<Identity> done);
  void examine_ticket(const auth::TicketRequest& question, Completion<Identity> done);

  // auth::AuthService; from any thread.
  void redeem_ticket(auth::TicketRequest question, Completion<Identity> answer) override;
  void check_cookie(auth::CookieRequest question, Completion<Identity> answer) override;
  void find_person(auth::PersonRequest question, Completion<std::optional<auth::Person>> answer) override;
  void watch_revocations(std::function<void(const std::vector<auth::RevocationEvent>&)> on_events,
      std::function<void(WallTime)> synchronised) override;

 private:
  // One action, from the request to its outcome.
  struct Attempt {
    std::string action;
    Caller caller;
    UserId user; // once it is known
    std::string detail;
  };
  using AttemptPtr = std::shared_ptr<Attempt>;
  AttemptPtr begin(std::string action, Caller caller) {
    return std::make_shared<Attempt>(Attempt{std::move(action), std::move(caller), {}, {}});
  }
  [[nodiscard]] AuditRow audit_row(const Attempt& attempt, std::string_view outcome = "OK") const;
  void count(const Attempt& attempt, std::string_view outcome);
  // Counts, audits (unless the store did), returns the refusal.
  std::unexpected<Refusal> refused(const Attempt& attempt, Refusal refusal, bool audited = false);
  void succeeded(const Attempt& attempt); // counts, and logs logins and registrations

  // A callback for the store that continues on the control plane.
  template <class T, class Then>
  Completion<T> back(Then then) {
    return [runners = runners_, then = std::move(then)](Result<T> result) mutable {
      runners->control.post(
          [then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
    };
  }
  // Runs `job` on the hashing queue in this share's turn, then `then` on the control plane;
  // BUSY when the queue is full, or the work had to make room for an owner with less of it.
  template <class T, class Job, class Then>
  void on_hashing(exec::Share share, Job job, Then then);

  // By name and address.
  [[nodiscard]] static GuessKey login_key(std::string_view name, const Caller& caller);
  // Counts a wrong guess, then refuses with `why`.
  template <class T>
  void wrong_guess(const GuessKey& key, AttemptPtr attempt, Refusal why, Completion<T> done) {
    lockouts_.end(key, GuessEnd::wrong,
        [this, attempt = std::move(attempt), why = std::move(why), done = std::move(done)](
            Result<bool> counted) mutable {
      done(refused(*attempt, counted ? std::move(why) : std::move(counted).error()));
    });
  }

  // Whether it is the password of the signed-in user: a stolen token must not allow what only its
  // owner may do. Counted and locked like a login. CREDENTIALS_REJECTED, LOGIN_LOCKED, already counted in `attempt`.
  void with_password(const Principal& who, std::string password, AttemptPtr attempt, Completion<bool> done);

  // A wrong second factor counts twice: for (name, address) like a wrong password, and
  // for the user from any address, since whoever guesses here knows the password.
  struct FactorGuess {
    GuessKey login, factor;
  };
  void begin_factor_guess(const UserRow& user, const Caller& caller, Completion<FactorGuess> done); // LOGIN_LOCKED
  void end_factor_guess(const FactorGuess& guess, Result<bool> right, Completion<bool> done);       // TOTP_REJECTED
  // True: it was right, and is now used up.
  void use_factor(
      const SecondFactorRow& row, std::string_view typed, bool recovery_too, AttemptPtr attempt, Completion<bool> done);
  enum class FactorNeeded : std::uint8_t { pending, on, on_or_recovery };
  // Continues with the row as it is after `typed` was used.
  void with_factor(const Principal& who, std::string typed, FactorNeeded needed, AttemptPtr attempt,
      Completion<SecondFactorRow> done);
  void put_pending_factor(std::string name, AttemptPtr attempt, Completion<PendingFactor> done);
  void put_with_new_codes(SecondFactorRow row, AttemptPtr attempt, Completion<std::vector<std::string>> done);
  void compare_password(LoginRequest question, GuessKey key, AttemptPtr attempt, Completion<SignedIn> done);
  void after_password(UserRow user, LoginRequest question, std::optional<std::string> rehashed, AttemptPtr attempt,
      Completion<SignedIn> done);
  // A user whose password was right, as read then.
  struct ProvenUser {
    UserRow user; // with the hash that was compared
    std::string password;
    std::optional<std::string> rehashed;
    bool cookie = false;
    bool again = false; // compared a second time, after the hash had changed
  };
  void login_with_factor(
      ProvenUser who, SecondFactorRow row, std::string typed, AttemptPtr attempt, Completion<SignedIn> done);

  void prove_factor(const UserRow& user, SecondFactorRow row, std::string typed, bool recovery_too, AttemptPtr attempt,
      Completion<SecondFactorRow> done);
  void set_new_password(SessionId keep, std::string phc, AttemptPtr attempt, Completion<bool> done);
  void register_invited(RegisterRequest question, AttemptPtr attempt, Completion<SignedIn> done);
  void sign_up(RegisterRequest question, std::string phc, AttemptPtr attempt, Completion<SignedIn> done);
  void open_session(ProvenUser who, AttemptPtr attempt, Completion<SignedIn> done);
  void look_again(ProvenUser who, AttemptPtr attempt, Completion<SignedIn> done);
  struct Opened {
    NewSession session;
    std::string secret; // the cookie or the refresh token
    bool cookie = false;
  };
  [[nodiscard]] Opened new_session(const UserId& user, bool cookie, const Caller& caller);
  [[nodiscard]] SignedIn sign_in(const UserRow& user, const SessionRow& session);
  [[nodiscard]] SignedIn sign_in(const UserRow& user, const Opened& opened);
  void find_principal(Identity identity, Completion<Principal> done);
  void find_by_cookie(std::string_view cookie, Completion<SessionAndUser> done);
  [[nodiscard]] Identity seen_by_cookie(SessionAndUser who);
  // For a ticket: whatever ended the token that requested it, its session or its user ends it too.
  void check_grantor(Identity identity, Completion<Identity> done);
  [[nodiscard]] Result<bool> check_who(const SessionAndUser& who) const; // ended, expired, disabled
  [[nodiscard]] Result<bool> needs_account(const Principal& who) const;  // USER_UNKNOWN for foreign tokens
  void read_password_costs();
  void measure_tables();
  [[nodiscard]] Result<bool> needs_admin(const Principal& who) const;
  [[nodiscard]] Result<bool> needs_admin_of_other(const Principal& who, const UserId& user) const;
  AttemptPtr begin_admin(std::string action, const Principal& who, Caller caller);
  void finish_admin_change(const Attempt& attempt, Result<bool> changed, Completion<bool>& done);

  AccountStore& store_;
  SigningKeys& keys_;
  const store::SealKey seal_;
  const AccountsPolicy policy_;
  std::shared_ptr<const jose::Verifier> verifier_;
  const std::shared_ptr<const Runners> runners_;
  const Clock& clock_;
  Entropy& entropy_;
  Log& log_;
  Metrics& metrics_;
  Histogram& hash_seconds_;

  AuditTrail audit_;
  RevocationFeed revocations_;
  Lockouts& lockouts_;
  RateLimits limits_;
  Tickets tickets_;
  LoginShares shares_;
  LimitMeter pairs_meter_, guesses_meter_, buckets_meter_, tickets_meter_;
  std::string dummy_hash_;                                           // compared with the password of an unknown user
  std::map<std::pair<std::string, std::string>, Counter*> counters_; // (action, outcome)
  LogBudget login_lines_{kLoginLines};
};

template <class T, class Job, class Then>
void AccountService::on_hashing(exec::Share share, Job job, Then then) {
  const auto go_on = std::make_shared<Then>(std::move(then));
  const auto busy = [](std::string evidence) {
    return Result<T>{
        std::unexpected(Refusal{.cause = Cause::BUSY, .evidence = std::move(evidence), .retry_after = Millis{2'000}})};
  };
  Task run = [runners = runners_, go_on, job = std::move(job), &clock = clock_, &seconds = hash_seconds_]() mutable {
    const MonoTime from = clock.mono();
    T value = job();
    seconds.observe(std::chrono::duration<double>(clock.mono() - from).count());
    runners->control.post([go_on, value = std::move(value)]() mutable { (*go_on)(Result<T>{std::move(value)}); });
  };
  Task dropped = [runners = runners_, go_on, busy] {
    runners->control.post([go_on, busy] {
      (*go_on)(busy("the queue of passwords to be hashed is full, and this one was dropped in favour of others"));
    });
  };
  if (!runners_->hashing({.run = std::move(run), .dropped = std::move(dropped), .share = std::move(share)}))
    (*go_on)(busy("the queue of passwords to be hashed is full"));
}

} // namespace foyer::accounts
