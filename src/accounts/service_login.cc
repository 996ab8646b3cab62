// Registering, signing in, refreshing.
#include <algorithm>
#include <utility>

#include "accounts/model/names.h"
#include "accounts/service.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kMaxDeviceBytes = 128;
constexpr std::size_t kMaxAddressBytes = 64;

struct Verified {
  PasswordMatch match = PasswordMatch::no;
  std::optional<std::string> rehashed;
};

// The key for lookup and lockout; longer names belong to nobody.
std::string lookup_key(std::string_view name) { return name_key(name.substr(0, kMaxNameBytes + 1)); }

} // namespace

void AccountService::register_account(RegisterRequest question, Caller caller, Completion<SignedIn> done) {
  auto attempt = begin("register", std::move(caller));
  const auto fit = [&]() -> Result<bool> {
    if (policy_.registration == Registration::closed) return refuse(Cause::REGISTRATION_CLOSED);
    if (policy_.registration == Registration::invite && !question.invitation)
      return refuse_field(Cause::INVITATION_REJECTED, "invitation", "the request has none");
    TRY_VOID(check_name(question.name));
    if (is_reserved_name(question.name, policy_.reserved_names))
      return refuse_field(Cause::NAME_RESERVED, "name", "the name is reserved; `foyer user add` can give it");
    TRY_VOID(check_new_password(question.password, question.name, policy_.min_password_characters));
    if (!question.email.empty()) TRY_VOID(check_email(question.email));
    return true;
  }();
  if (!fit) return done(refused(*attempt, fit.error()));
  if (policy_.registration != Registration::invite)
    return register_invited(std::move(question), std::move(attempt), std::move(done));
  // First of all: without an invitation no hash is computed, and the reply does not reveal taken names.
  std::string invitation = digest(*question.invitation);
  store_.invitation_lives(std::move(invitation), clock_.wall(),
      back<bool>([this, attempt, question = std::move(question), done = std::move(done)](Result<bool> lives) mutable {
    if (!lives) return done(refused(*attempt, std::move(lives).error()));
    if (!*lives)
      return done(refused(*attempt,
          Refusal{.cause = Cause::INVITATION_REJECTED,
              .evidence = "no live invitation: unknown, used or expired",
              .field = "invitation"}));
    register_invited(std::move(question), std::move(attempt), std::move(done));
  }));
}

void AccountService::register_invited(RegisterRequest question, AttemptPtr attempt, Completion<SignedIn> done) {
  // A taken name need not cost a hash; the store checks again when it writes.
  std::string key = name_key(question.name);
  store_.find_user_by_name(std::move(key),
      back<std::optional<UserRow>>([this, attempt, question = std::move(question), done = std::move(done)](
                                       Result<std::optional<UserRow>> found) mutable {
    if (!found) return done(refused(*attempt, std::move(found).error()));
    if (*found) return done(refused(*attempt, Refusal{.cause = Cause::NAME_TAKEN, .field = "name"}));
    auto job = [password = question.password, cost = policy_.hash_cost, &entropy = entropy_] {
      return hash_password(password, cost, entropy);
    };
    exec::Share share = shares_.take(exec::WorkClass::other, attempt->caller.address, {}, clock_.mono());
    on_hashing<std::string>(std::move(share), std::move(job),
        [this, attempt, question = std::move(question), done = std::move(done)](Result<std::string> phc) mutable {
      if (!phc) return done(refused(*attempt, std::move(phc).error()));
      if (phc->empty())
        return done(refused(
            *attempt, Refusal{.cause = Cause::INTERNAL_ERROR, .evidence = "argon2 could not hash: out of memory"}));
      sign_up(std::move(question), std::move(*phc), std::move(attempt), std::move(done));
    });
  }));
}

void AccountService::sign_up(RegisterRequest question, std::string phc, AttemptPtr attempt, Completion<SignedIn> done) {
  UserRow user{.id = UserId{"u_" + entropy_.short_id()},
      .name = std::move(question.name),
      .email = std::move(question.email),
      .password = std::move(phc),
      .created = clock_.wall()};
  std::optional<std::string> invitation;
  if (policy_.registration == Registration::invite) invitation = digest(*question.invitation);
  Opened opened = new_session(user.id, question.cookie, attempt->caller);
  attempt->user = user.id;
  attempt->detail = opened.session.session.id.str();
  AuditRow row = audit_row(*attempt);
  NewSession session = opened.session;
  UserRow copy = user;
  store_.create_user(std::move(copy), std::move(invitation), std::move(session), std::move(row),
      back<bool>([this, attempt, user = std::move(user), opened = std::move(opened), done = std::move(done)](
                     Result<bool> created) mutable {
    if (!created) {
      attempt->user = {};
      attempt->detail.clear();
      return done(refused(*attempt, std::move(created).error()));
    }
    succeeded(*attempt);
    shares_.signed_in(attempt->caller.address, user.id.view());
    done(sign_in(user, opened));
  }));
}

GuessKey AccountService::login_key(std::string_view name, const Caller& caller) {
  return {.kind = GuessKind::login, .name = lookup_key(name), .address = address_key(caller.address)};
}

void AccountService::login(LoginRequest question, Caller caller, Completion<SignedIn> done) {
  auto attempt = begin("login", std::move(caller));
  const GuessKey key = login_key(question.name, attempt->caller);
  lockouts_.begin(
      key, [this, attempt, key, question = std::move(question), done = std::move(done)](Result<bool> free) mutable {
    if (!free) return done(refused(*attempt, std::move(free).error()));
    compare_password(std::move(question), std::move(key), std::move(attempt), std::move(done));
  });
}

void AccountService::compare_password(
    LoginRequest question, GuessKey key, AttemptPtr attempt, Completion<SignedIn> done) {
  std::string name = key.name;
  store_.find_user_by_name(std::move(name),
      back<std::optional<UserRow>>([this, attempt, key = std::move(key), question = std::move(question),
                                       done = std::move(done)](Result<std::optional<UserRow>> found) mutable {
    if (!found) {
      lockouts_.end(key, GuessEnd::neither);
      return done(refused(*attempt, std::move(found).error()));
    }
    std::optional<UserRow> user = std::move(*found);
    if (user) attempt->user = user->id;
    auto job = [password = question.password, phc = user ? user->password : dummy_hash_, known = user.has_value(),
                   cost = policy_.hash_cost, &entropy = entropy_] {
      Verified out{.match = verify_password(password, phc, cost), .rehashed = {}};
      if (known && out.match == PasswordMatch::yes_and_stale) out.rehashed = hash_password(password, cost, entropy);
      if (!known) out.match = PasswordMatch::no;
      return out;
    };
    exec::Share share =
        shares_.take(exec::WorkClass::login, attempt->caller.address, attempt->user.view(), clock_.mono());
    on_hashing<Verified>(std::move(share), std::move(job),
        [this, attempt, key = std::move(key), question = std::move(question), user = std::move(user),
            done = std::move(done)](Result<Verified> verified) mutable {
      if (verified && verified->match == PasswordMatch::no)
        return wrong_guess(key, std::move(attempt), Refusal{.cause = Cause::CREDENTIALS_REJECTED}, std::move(done));
      // Right, so far; failures are forgotten only when no further factor is required.
      lockouts_.end(key, GuessEnd::neither);
      if (!verified) return done(refused(*attempt, std::move(verified).error()));
      if (user->disabled) return done(refused(*attempt, Refusal{.cause = Cause::USER_DISABLED}));
      std::optional<std::string> rehashed = std::move(verified->rehashed);
      if (rehashed && rehashed->empty()) rehashed.reset();
      after_password(std::move(*user), std::move(question), std::move(rehashed), std::move(attempt), std::move(done));
    });
  }));
}

void AccountService::after_password(UserRow user, LoginRequest question, std::optional<std::string> rehashed,
    AttemptPtr attempt, Completion<SignedIn> done) {
  const UserId id = user.id;
  store_.find_second_factor(id,
      back<std::optional<SecondFactorRow>>(
          [this, attempt, user = std::move(user), question = std::move(question), rehashed = std::move(rehashed),
              done = std::move(done)](Result<std::optional<SecondFactorRow>> found) mutable {
    if (!found) return done(refused(*attempt, std::move(found).error()));
    if (!*found || !(*found)->confirmed) {
      lockouts_.forgive(login_key(question.name, attempt->caller));
      return open_session({.user = std::move(user),
                              .password = std::move(question.password),
                              .rehashed = std::move(rehashed),
                              .cookie = question.cookie},
          std::move(attempt), std::move(done));
    }
    if (!question.factor) return done(refused(*attempt, Refusal{.cause = Cause::TOTP_REQUIRED, .field = "totp"}));
    std::string typed = std::move(*question.factor);
    login_with_factor({.user = std::move(user),
                          .password = std::move(question.password),
                          .rehashed = std::move(rehashed),
                          .cookie = question.cookie},
        std::move(**found), std::move(typed), std::move(attempt), std::move(done));
  }));
}

void AccountService::open_session(ProvenUser who, AttemptPtr attempt, Completion<SignedIn> done) {
  Opened opened = new_session(who.user.id, who.cookie, attempt->caller);
  opened.session.verified = who.user.password;
  attempt->detail = opened.session.session.id.str();
  AuditRow row = audit_row(*attempt);
  NewSession session = opened.session;
  std::optional<std::string> rehashed = std::exchange(who.rehashed, std::nullopt);
  store_.open_session(std::move(session), std::move(rehashed), policy_.sessions_per_user, std::move(row),
      back<bool>([this, attempt, who = std::move(who), opened = std::move(opened), done = std::move(done)](
                     Result<bool> made) mutable {
    if (!made && made.error().cause == Cause::CREDENTIALS_REJECTED && !who.again)
      return look_again(std::move(who), std::move(attempt), std::move(done));
    if (!made) return done(refused(*attempt, std::move(made).error()));
    succeeded(*attempt);
    shares_.signed_in(attempt->caller.address, who.user.id.view());
    done(sign_in(who.user, opened));
  }));
}

// The hash is not the compared one: the password has changed, or another login
// has rehashed the same one. A second comparison decides.
void AccountService::look_again(ProvenUser who, AttemptPtr attempt, Completion<SignedIn> done) {
  attempt->detail.clear();
  std::string key = name_key(who.user.name);
  store_.find_user_by_name(std::move(key),
      back<std::optional<UserRow>>(
          [this, attempt, who = std::move(who), done = std::move(done)](Result<std::optional<UserRow>> found) mutable {
    if (!found) return done(refused(*attempt, std::move(found).error()));
    if (!*found || (*found)->id != who.user.id)
      return done(refused(*attempt, Refusal{.cause = Cause::CREDENTIALS_REJECTED}));
    who.user = std::move(**found);
    who.again = true;
    auto job = [password = who.password, phc = who.user.password, cost = policy_.hash_cost] {
      return verify_password(password, phc, cost) != PasswordMatch::no;
    };
    exec::Share share =
        shares_.take(exec::WorkClass::login, attempt->caller.address, attempt->user.view(), clock_.mono());
    on_hashing<bool>(std::move(share), std::move(job),
        [this, attempt, who = std::move(who), done = std::move(done)](Result<bool> right) mutable {
      if (!right) return done(refused(*attempt, std::move(right).error()));
      if (!*right) return done(refused(*attempt, Refusal{.cause = Cause::CREDENTIALS_REJECTED}));
      open_session(std::move(who), std::move(attempt), std::move(done));
    });
  }));
}

void AccountService::refresh(RefreshByRequest question, Caller caller, Completion<SignedIn> done) {
  auto attempt = begin("refresh", std::move(caller));
  std::string successor;
  RefreshRequest q{.policy = policy_.refresh, .sessions = policy_.sessions, .audit = audit_row(*attempt)};
  if (question.refresh_token) {
    successor = refresh_successor(store_.refresh_key(), *question.refresh_token);
    q.hash = digest(*question.refresh_token);
    q.successor_hash = digest(successor);
  } else if (question.cookie) {
    q.hash = digest(*question.cookie);
  } else {
    return done(refused(*attempt,
        Refusal{.cause = Cause::REFRESH_UNKNOWN, .evidence = "neither refresh_token nor the session cookie was sent"}));
  }
  store_.refresh(std::move(q),
      back<RefreshOutcome>([this, attempt, successor = std::move(successor), cookie = std::move(question.cookie),
                               by_token = question.refresh_token.has_value(),
                               done = std::move(done)](Result<RefreshOutcome> outcome) mutable {
    if (!outcome) return done(refused(*attempt, std::move(outcome).error()));
    if (outcome->refusal) {
      if (outcome->refusal->cause == Cause::REFRESH_REUSED) revocations_.poll();
      return done(refused(*attempt, std::move(*outcome->refusal), true));
    }
    succeeded(*attempt);
    shares_.signed_in(attempt->caller.address, outcome->who.user.id.view());
    SignedIn in = sign_in(outcome->who.user, outcome->who.session);
    if (by_token) {
      in.refresh_token = std::move(successor);
    } else {
      in.cookie = std::move(cookie);
      in.cookie_life = session_expiry(outcome->who.session, policy_.sessions) - clock_.wall();
    }
    done(std::move(in));
  }));
}

AccountService::Opened AccountService::new_session(const UserId& user, bool cookie, const Caller& caller) {
  const WallTime now = clock_.wall();
  Opened out{.session = {}, .secret = entropy_.token(), .cookie = cookie};
  out.session.session = {.id = SessionId{entropy_.short_id()},
      .user = user,
      .created = now,
      .last_seen = now,
      .device = printable(caller.device, kMaxDeviceBytes),
      .address = printable(caller.address, kMaxAddressBytes)};
  (cookie ? out.session.session.cookie_hash : out.session.refresh_hash) = digest(out.secret);
  return out;
}

SignedIn AccountService::sign_in(const UserRow& user, const SessionRow& session) {
  const WallTime now = clock_.wall();
  SignedIn out{.expires_in = policy_.access_ttl, .user = user.id, .name = user.name, .session = session.id};
  out.access_token = keys_.signer().access_token({.issuer = policy_.issuer,
      .audience = policy_.audience,
      .subject = user.id,
      .issued_at = now,
      .expires_at = now + policy_.access_ttl,
      .token = TokenId{entropy_.short_id()},
      .client_id = policy_.client_id,
      .session = session.id,
      .name = user.name,
      .permissions = permissions_of(user),
      .environment = policy_.environment});
  return out;
}

SignedIn AccountService::sign_in(const UserRow& user, const Opened& opened) {
  SignedIn out = sign_in(user, opened.session.session);
  if (opened.cookie) {
    out.cookie = opened.secret;
    out.cookie_life = std::min(policy_.sessions.idle, policy_.sessions.absolute);
  } else {
    out.refresh_token = opened.secret;
  }
  return out;
}

} // namespace foyer::accounts
