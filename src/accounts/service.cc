#include "accounts/service.h"

#include <fmt/format.h>

#include "accounts/model/names.h"
#include "accounts/model/token_forms.h"
#include "accounts/password/foreign_hashes.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

constexpr Millis kTouchEvery = std::chrono::minutes{1}; // for a session's last_seen, when only its cookie is used

constexpr Millis kReadCostsEvery = std::chrono::minutes{15};
constexpr Millis kMeasureEvery = std::chrono::seconds{1};

// A hash that nothing matches, at the cost of new passwords.
std::string own_dummy(const HashCost& cost) {
  return dummy_hash(fmt::format("$argon2id$v=19$m={},t={},p={}$", cost.memory_kib, cost.passes, cost.lanes));
}

jose::VerifierPolicy verifier_policy(const AccountsPolicy& policy) {
  return {.issuer = policy.issuer,
      .audience = policy.audience,
      .token_types = policy.token_types,
      .environment = policy.environment,
      .require_environment_claim = policy.require_environment_claim,
      .own_accounts = true,
      .leeway = policy.leeway};
}

} // namespace

AccountService::AccountService(AccountStore& store, SigningKeys& keys, store::SealKey seal, AccountsPolicy policy,
    Runners runners, engine::SharedEntries& shared, Lockouts& lockouts, const Clock& clock, Entropy& entropy, Log& log,
    Metrics& metrics)
    : store_(store),
      keys_(keys),
      seal_(std::move(seal)),
      policy_(std::move(policy)),
      verifier_(std::make_shared<const jose::Verifier>(keys.key_set(), verifier_policy(policy_))),
      runners_(std::make_shared<const Runners>(std::move(runners))),
      clock_(clock),
      entropy_(entropy),
      log_(log),
      metrics_(metrics),
      hash_seconds_(metrics.histogram("foyer_password_hash_seconds", "Time to compute or compare one password hash.",
          {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5})),
      audit_(store, runners_, log, metrics),
      revocations_(store, runners_, clock, log),
      lockouts_(lockouts),
      tickets_(shared, policy_.tickets),
      pairs_meter_(metrics, "login_pairs", policy_.lockout.max_pairs),
      guesses_meter_(metrics, "factor_guesses", policy_.factor_lockout.max_pairs),
      buckets_meter_(metrics, "auth_buckets", limits_.max_size()),
      tickets_meter_(metrics, "tickets", policy_.tickets.max_tickets),
      dummy_hash_(own_dummy(policy_.hash_cost)) {}

void AccountService::start() {
  run([this] {
    keys_.watch([this](std::shared_ptr<const jose::KeySet> keys) {
      verifier_ = std::make_shared<const jose::Verifier>(std::move(keys), verifier_policy(policy_));
    });
    read_password_costs();
    runners_->control.every(kReadCostsEvery, [this] { read_password_costs(); }); // others may import users meanwhile
    // Revocations from a clock that is ahead have to be settled, also where no gateway watches.
    revocations_.watch({}, {});
    runners_->control.every(policy_.revocation_poll, [this] { revocations_.poll(); });
    runners_->control.every(kMeasureEvery, [this] { measure_tables(); });
  });
}

// An unknown user must take as long as the most expensive hash in the store.
void AccountService::read_password_costs() {
  store_.password_costs(back<std::vector<std::string>>([this](Result<std::vector<std::string>> costs) {
    if (!costs) return; // the next reading
    std::string dearest = own_dummy(policy_.hash_cost);
    for (const auto& beginning : *costs) {
      std::string other = dummy_hash(beginning);
      if (verification_time(other) > verification_time(dearest)) dearest = std::move(other);
    }
    dummy_hash_ = std::move(dearest);
  }));
}

void AccountService::measure_tables() {
  pairs_meter_.used(lockouts_.size(GuessKind::login));
  guesses_meter_.used(lockouts_.size(GuessKind::factor));
  buckets_meter_.used(limits_.size());
  tickets_meter_.used(tickets_.size());
}

AuditRow AccountService::audit_row(const Attempt& attempt, std::string_view outcome) const {
  return {.at = clock_.wall(),
      .action = attempt.action,
      .outcome = std::string{outcome},
      .user = attempt.user,
      .address = attempt.caller.address,
      .ref = attempt.caller.ref,
      .detail = attempt.detail};
}

void AccountService::count(const Attempt& attempt, std::string_view outcome) {
  Counter*& counter = counters_[{attempt.action, std::string{outcome}}];
  if (counter == nullptr)
    counter = &metrics_.counter("foyer_accounts_outcomes_total", "Requests to the accounts, by kind and outcome.",
        {{"action", attempt.action}, {"outcome", std::string{outcome}}});
  counter->add();
}

// Refusals are logged where they are answered.
void AccountService::succeeded(const Attempt& attempt) {
  count(attempt, "OK");
  const bool login = attempt.action == "login";
  if (!login && attempt.action != "register") return;
  if (const auto left_out = login_lines_.take(clock_.mono()))
    log_.info(login ? "logged_in" : "registered", login ? "A user logged in." : "An account was registered.",
        {{"user", attempt.user.view()}, {"address", attempt.caller.address}, {"ref", attempt.caller.ref.view()},
            {"left_out", *left_out}});
}

std::unexpected<Refusal> AccountService::refused(const Attempt& attempt, Refusal refusal, bool audited) {
  count(attempt, refusal.code());
  if (!audited) audit_.add(audit_row(attempt, refusal.code()));
  if (refusal.cause == Cause::REFRESH_REUSED)
    log_.warning("refresh_reused", "A refresh token was used a second time; its session was ended.",
        {{"ref", attempt.caller.ref.view()}, {"address", attempt.caller.address}, {"evidence", refusal.evidence}});
  return std::unexpected(std::move(refusal));
}

Result<bool> AccountService::take(std::string_view endpoint, const Caller& caller, const Rate& rate) {
  auto taken = limits_.take(endpoint, caller.address, rate, clock_.mono());
  if (taken) return true;
  Attempt attempt{std::string{endpoint}, caller, {}, {}};
  return refused(attempt, std::move(taken.error().refusal), !taken.error().first);
}

Result<bool> AccountService::check_who(const SessionAndUser& who) const {
  TRY_VOID(check_session(who.session, policy_.sessions, clock_.wall()));
  if (who.user.disabled) return refuse(Cause::USER_DISABLED, fmt::format("user {}", who.user.id.view()));
  return true;
}

void AccountService::authenticate(std::string token, Completion<Principal> done) {
  auto claims = verifier_->verify(token, clock_.wall());
  if (!claims) return done(std::unexpected(std::move(claims).error()));
  TokenId id = claims->identity.token;
  store_.token_revoked(std::move(id),
      back<bool>([this, identity = std::move(claims->identity), done = std::move(done)](Result<bool> revoked) mutable {
    if (!revoked) return done(std::unexpected(std::move(revoked).error()));
    if (*revoked) return done(refuse(Cause::TOKEN_REVOKED, "the token was revoked by itself"));
    find_principal(std::move(identity), std::move(done));
  }));
}

void AccountService::find_principal(Identity identity, Completion<Principal> done) {
  if (!identity.own_account) return done(Principal{std::move(identity), std::nullopt});
  SessionId session = identity.session;
  store_.find_session(std::move(session),
      back<std::optional<SessionAndUser>>([this, identity = std::move(identity), done = std::move(done)](
                                              Result<std::optional<SessionAndUser>> found) mutable {
    if (!found) return done(std::unexpected(std::move(found).error()));
    if (!*found)
      return done(refuse(Cause::USER_UNKNOWN,
          "the token's session is not in the store: the account was deleted, or the store is another one"));
    SessionAndUser& own = **found;
    if (own.user.id != identity.user)
      return done(refuse(Cause::SESSION_UNKNOWN, "the token's session belongs to another user"));
    if (auto fit = check_who(own); !fit) return done(std::unexpected(std::move(fit).error()));
    done(Principal{std::move(identity), std::move(own)});
  }));
}

// ---- calls of gateways

void AccountService::redeem_ticket(auth::TicketRequest question, Completion<Identity> answer) {
  run([this, q = std::move(question), answer = std::move(answer)]() mutable {
    auto attempt = begin("ticket_use", Caller{.address = q.address, .ref = q.ref});
    Tickets::Use use{.ticket = std::move(q.ticket),
        .origin = std::move(q.origin),
        .address = std::move(q.address),
        .attempt = std::move(q.attempt)};
    tickets_.redeem(std::move(use), [this, attempt](Identity seen, Completion<Identity> good) {
      attempt->user = seen.user;
      attempt->detail = seen.session.str();
      check_grantor(std::move(seen), std::move(good));
    }, [this, attempt, answer = std::move(answer)](Result<Identity> identity) mutable {
      if (!identity) return answer(refused(*attempt, std::move(identity).error()));
      succeeded(*attempt);
      audit_.add(audit_row(*attempt));
      answer(std::move(identity));
    });
  });
}

void AccountService::find_person(auth::PersonRequest question, Completion<std::optional<auth::Person>> answer) {
  auto found_user = [answer = std::move(answer)](Result<std::optional<UserRow>> found) mutable {
    if (!found) return answer(std::unexpected(std::move(found).error()));
    if (!*found) return answer(std::nullopt);
    answer(auth::Person{.id = (*found)->id, .name = (*found)->name});
  };
  if (!question.id.empty())
    store_.find_user(UserId{std::move(question.id)}, std::move(found_user));
  else
    store_.find_user_by_name(name_key(question.name), std::move(found_user));
}

void AccountService::check_cookie(auth::CookieRequest question, Completion<Identity> answer) {
  run([this, q = std::move(question), answer = std::move(answer)]() mutable {
    auto attempt = begin("cookie_use", Caller{.address = q.address, .ref = q.ref});
    find_by_cookie(q.cookie, [this, attempt, answer = std::move(answer)](Result<SessionAndUser> found) mutable {
      if (!found) return answer(refused(*attempt, std::move(found).error()));
      attempt->user = found->user.id;
      attempt->detail = found->session.id.str();
      if (auto fit = check_who(*found); !fit) return answer(refused(*attempt, std::move(fit).error()));
      succeeded(*attempt);
      audit_.add(audit_row(*attempt));
      answer(seen_by_cookie(std::move(*found)));
    });
  });
}

// The session with that cookie, valid or not.
void AccountService::find_by_cookie(std::string_view cookie, Completion<SessionAndUser> done) {
  if (auto wrong = wrong_in_cookie(cookie)) return done(std::unexpected(std::move(*wrong)));
  store_.find_session_by_cookie(digest(cookie),
      back<std::optional<SessionAndUser>>(
          [done = std::move(done)](Result<std::optional<SessionAndUser>> found) mutable {
    if (!found) return done(std::unexpected(std::move(found).error()));
    if (!*found)
      return done(std::unexpected(Refusal{.cause = Cause::SESSION_UNKNOWN, .evidence = "no session with that cookie"}));
    done(std::move(**found));
  }));
}

// The cookie was used: its session is extended.
Identity AccountService::seen_by_cookie(SessionAndUser who) {
  const WallTime now = clock_.wall();
  if (now - who.session.last_seen >= kTouchEvery) {
    who.session.last_seen = now;
    store_.touch_session(who.session.id, now, [](Result<bool>) {});
  }
  return {.user = who.user.id,
      .name = who.user.name,
      .session = who.session.id,
      .token = {},
      .permissions = permissions_of(who.user),
      .issued_at = now,
      .expires_at = session_expiry(who.session, policy_.sessions),
      .own_account = true};
}

// ---- checks for proxies: frequent, so they are not audited

void AccountService::examine_cookie(std::string_view cookie, Completion<Identity> done) {
  find_by_cookie(cookie, [this, done = std::move(done)](Result<SessionAndUser> found) mutable {
    if (!found) return done(std::unexpected(std::move(found).error()));
    if (auto fit = check_who(*found); !fit) return done(std::unexpected(std::move(fit).error()));
    done(seen_by_cookie(std::move(*found)));
  });
}

void AccountService::examine_ticket(const auth::TicketRequest& question, Completion<Identity> done) {
  tickets_.examine({.ticket = question.ticket, .origin = question.origin, .address = question.address, .attempt = {}},
      [this, done = std::move(done)](Result<Identity> seen) mutable {
    if (!seen) return done(std::move(seen));
    check_grantor(std::move(*seen), std::move(done));
  });
}

void AccountService::check_grantor(Identity identity, Completion<Identity> done) {
  TokenId token = identity.token;
  store_.token_revoked(std::move(token),
      back<bool>([this, identity = std::move(identity), done = std::move(done)](Result<bool> revoked) mutable {
    if (!revoked) return done(std::unexpected(std::move(revoked).error()));
    if (*revoked) return done(refuse(Cause::TOKEN_REVOKED, "the token that asked for the ticket was revoked"));
    if (!identity.own_account) return done(std::move(identity));
    SessionId session = identity.session;
    store_.find_session(std::move(session),
        back<std::optional<SessionAndUser>>([this, identity = std::move(identity), done = std::move(done)](
                                                Result<std::optional<SessionAndUser>> found) mutable {
      if (!found) return done(std::unexpected(std::move(found).error()));
      if (!*found) return done(refuse(Cause::USER_UNKNOWN, "the account was deleted after the ticket was given"));
      if (auto fit = check_who(**found); !fit) return done(std::unexpected(std::move(fit).error()));
      done(std::move(identity));
    }));
  }));
}

void AccountService::watch_revocations(std::function<void(const std::vector<auth::RevocationEvent>&)> on_events,
    std::function<void(WallTime)> synchronised) {
  run([this, on_events = std::move(on_events), synchronised = std::move(synchronised)]() mutable {
    revocations_.watch(std::move(on_events), std::move(synchronised));
  });
}

} // namespace foyer::accounts
