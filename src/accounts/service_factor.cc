// The second factor: turning it on and off, and requiring it at login.
#include <fmt/format.h>

#include "accounts/factor/second_factor.h"
#include "accounts/factor/totp.h"
#include "accounts/model/names.h"
#include "accounts/service.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

std::string about(const UserId& user) { return "totp:" + user.str(); }

// The account label in an authenticator: the host, without scheme.
std::string label_of(const AccountsPolicy& policy) {
  const std::string& name = policy.public_url.empty() ? policy.issuer : policy.public_url;
  const auto scheme = name.find("://");
  return scheme == std::string::npos ? name : name.substr(scheme + 3);
}

std::vector<std::string> digests(const UserId& user, const std::vector<std::string>& codes) {
  std::vector<std::string> out;
  for (const auto& code : codes) out.push_back(recovery_digest(user, read_factor(code).code));
  return out;
}

Refusal none_on() { return Refusal{.cause = Cause::NOT_FOUND, .evidence = "this user has no second factor"}; }

} // namespace

// ---- guesses

void AccountService::begin_factor_guess(const UserRow& user, const Caller& caller, Completion<FactorGuess> done) {
  FactorGuess guess{
      .login = login_key(user.name, caller), .factor = {.kind = GuessKind::factor, .name = user.id.str()}};
  const GuessKey login = guess.login;
  lockouts_.begin(login, [this, guess = std::move(guess), done = std::move(done)](Result<bool> free) mutable {
    if (!free) return done(std::unexpected(std::move(free).error()));
    const GuessKey factor = guess.factor;
    lockouts_.begin(factor, [this, guess = std::move(guess), done = std::move(done)](Result<bool> also_free) mutable {
      if (also_free) return done(std::move(guess));
      lockouts_.end(guess.login, GuessEnd::neither);
      done(std::unexpected(std::move(also_free).error()));
    });
  });
}

void AccountService::end_factor_guess(const FactorGuess& guess, Result<bool> right, Completion<bool> done) {
  const GuessEnd how = !right ? GuessEnd::neither : *right ? GuessEnd::right : GuessEnd::wrong;
  if (how != GuessEnd::wrong) {
    lockouts_.end(guess.login, how);
    lockouts_.end(guess.factor, how);
    return done(std::move(right));
  }
  lockouts_.end(guess.login, how, [this, factor = guess.factor, done = std::move(done)](Result<bool> counted) mutable {
    lockouts_.end(factor, GuessEnd::wrong,
        [counted = std::move(counted), done = std::move(done)](Result<bool> counted_too) mutable {
      if (!counted) return done(std::move(counted));
      if (!counted_too) return done(std::move(counted_too));
      done(refuse_field(Cause::TOTP_REJECTED, "totp"));
    });
  });
}

void AccountService::use_factor(
    const SecondFactorRow& row, std::string_view typed, bool recovery_too, AttemptPtr attempt, Completion<bool> done) {
  TypedFactor factor = read_factor(typed);
  if (factor.kind == FactorKind::recovery && recovery_too) {
    AuditRow audit = audit_row(*attempt);
    audit.action = "recovery_code";
    return store_.use_recovery_code(
        row.user, recovery_digest(row.user, factor.code), std::move(audit), back<bool>(std::move(done)));
  }
  if (factor.kind != FactorKind::totp) return done(false);
  auto secret = seal_.open(row.sealed_secret, about(row.user));
  if (!secret) return done(std::unexpected(std::move(secret).error()));
  const auto step = match_totp(*secret, factor.code, clock_.wall());
  if (!step) return done(false);
  store_.use_second_factor(row.user, *step, back<bool>(std::move(done)));
}

void AccountService::login_with_factor(
    ProvenUser who, SecondFactorRow row, std::string typed, AttemptPtr attempt, Completion<SignedIn> done) {
  const UserRow user = who.user;
  prove_factor(user, std::move(row), std::move(typed), true, attempt,
      [this, attempt, who = std::move(who), done = std::move(done)](Result<SecondFactorRow> proven) mutable {
    if (!proven) return done(refused(*attempt, std::move(proven).error()));
    open_session(std::move(who), std::move(attempt), std::move(done));
  });
}

// Answers with the row as it was before.
void AccountService::prove_factor(const UserRow& user, SecondFactorRow row, std::string typed, bool recovery_too,
    AttemptPtr attempt, Completion<SecondFactorRow> done) {
  const Caller caller = attempt->caller;
  begin_factor_guess(user, caller,
      [this, attempt = std::move(attempt), row = std::move(row), typed = std::move(typed), recovery_too,
          done = std::move(done)](Result<FactorGuess> guess) mutable {
    if (!guess) return done(std::unexpected(std::move(guess).error()));
    const SecondFactorRow used = row;
    use_factor(used, typed, recovery_too, std::move(attempt),
        [this, guess = std::move(*guess), row = std::move(row), done = std::move(done)](Result<bool> right) mutable {
      end_factor_guess(
          guess, std::move(right), [row = std::move(row), done = std::move(done)](Result<bool> fit) mutable {
        if (!fit) return done(std::unexpected(std::move(fit).error()));
        done(std::move(row));
      });
    });
  });
}

// ---- on, renewed, off

void AccountService::second_factor(const Principal& who, Completion<FactorState> done) {
  if (!who.own) return done(FactorState{});
  store_.find_second_factor(who.own->user.id,
      back<std::optional<SecondFactorRow>>(
          [done = std::move(done)](Result<std::optional<SecondFactorRow>> found) mutable {
    if (!found) return done(std::unexpected(std::move(found).error()));
    if (!*found || !(*found)->confirmed) return done(FactorState{});
    done(FactorState{.on = true, .recovery_codes_left = (*found)->recovery.size()});
  }));
}

void AccountService::begin_second_factor(
    const Principal& who, std::string password, Caller caller, Completion<PendingFactor> done) {
  auto attempt = begin("totp_begin", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->user = who.own->user.id;
  with_password(who, std::move(password), attempt,
      [this, attempt, name = who.own->user.name, done = std::move(done)](Result<bool> right) mutable {
    if (!right) return done(std::unexpected(std::move(right).error()));
    put_pending_factor(std::move(name), std::move(attempt), std::move(done));
  });
}

void AccountService::put_pending_factor(std::string name, AttemptPtr attempt, Completion<PendingFactor> done) {
  const UserId user = attempt->user;
  store_.find_second_factor(user,
      back<std::optional<SecondFactorRow>>([this, attempt, user, name = std::move(name), done = std::move(done)](
                                               Result<std::optional<SecondFactorRow>> found) mutable {
    if (!found) return done(refused(*attempt, std::move(found).error()));
    if (*found && (*found)->confirmed) return done(refused(*attempt, Refusal{.cause = Cause::TOTP_ALREADY_ON}));
    std::string secret(kTotpSecretBytes, '\0');
    entropy_.fill(std::as_writable_bytes(std::span{secret}));
    SecondFactorRow row{.user = user,
        .sealed_secret = seal_.seal(secret, about(user), entropy_),
        .confirmed = false,
        .created = clock_.wall(),
        .last_step = 0,
        .recovery = {}};
    PendingFactor pending{.secret = base32_encode(secret),
        .uri = totp_uri(label_of(policy_), name, secret),
        .expires_in = kFactorPending};
    store_.put_second_factor(std::move(row), audit_row(*attempt),
        back<bool>([this, attempt, pending = std::move(pending), done = std::move(done)](Result<bool> put) mutable {
      if (!put) return done(refused(*attempt, std::move(put).error()));
      succeeded(*attempt);
      done(std::move(pending));
    }));
  }));
}

void AccountService::with_factor(const Principal& who, std::string typed, FactorNeeded needed, AttemptPtr attempt,
    Completion<SecondFactorRow> done) {
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  const UserRow& user = who.own->user;
  attempt->user = user.id;
  store_.find_second_factor(user.id,
      back<std::optional<SecondFactorRow>>(
          [this, attempt, user, needed, typed = std::move(typed), done = std::move(done)](
              Result<std::optional<SecondFactorRow>> found) mutable {
    if (!found) return done(refused(*attempt, std::move(found).error()));
    if (!*found) return done(refused(*attempt, none_on()));
    SecondFactorRow row = std::move(**found);
    if (needed == FactorNeeded::pending && row.confirmed)
      return done(refused(*attempt, Refusal{.cause = Cause::TOTP_ALREADY_ON}));
    if (needed != FactorNeeded::pending && !row.confirmed) return done(refused(*attempt, none_on()));
    if (needed == FactorNeeded::pending && clock_.wall() >= row.created + kFactorPending)
      return done(refused(*attempt,
          Refusal{.cause = Cause::NOT_FOUND, .evidence = "the second factor was not confirmed in time; start again"}));
    prove_factor(user, std::move(row), typed, needed == FactorNeeded::on_or_recovery, attempt,
        [this, attempt, done = std::move(done)](Result<SecondFactorRow> proven) mutable {
      if (!proven) return done(refused(*attempt, std::move(proven).error()));
      // Again: its newest step has changed, and a login may have used a later one.
      store_.find_second_factor(proven->user,
          back<std::optional<SecondFactorRow>>(
              [this, attempt, secret = std::move(proven->sealed_secret), done = std::move(done)](
                  Result<std::optional<SecondFactorRow>> now) mutable {
        if (!now) return done(refused(*attempt, std::move(now).error()));
        if (!*now || (*now)->sealed_secret != secret)
          return done(refused(*attempt, none_on())); // replaced or removed meanwhile
        done(std::move(**now));
      }));
    });
  }));
}

void AccountService::put_with_new_codes(
    SecondFactorRow row, AttemptPtr attempt, Completion<std::vector<std::string>> done) {
  auto codes = make_recovery_codes(entropy_);
  row.confirmed = true;
  row.recovery = digests(row.user, codes);
  store_.put_second_factor(std::move(row), audit_row(*attempt),
      back<bool>([this, attempt, codes = std::move(codes), done = std::move(done)](Result<bool> put) mutable {
    if (!put) return done(refused(*attempt, std::move(put).error()));
    succeeded(*attempt);
    done(std::move(codes));
  }));
}

void AccountService::confirm_second_factor(
    const Principal& who, std::string typed, Caller caller, Completion<std::vector<std::string>> done) {
  auto attempt = begin("totp_confirm", std::move(caller));
  with_factor(who, std::move(typed), FactorNeeded::pending, attempt,
      [this, attempt, done = std::move(done)](Result<SecondFactorRow> row) mutable {
    if (!row) return done(std::unexpected(std::move(row).error()));
    put_with_new_codes(std::move(*row), std::move(attempt), std::move(done));
  });
}

void AccountService::renew_recovery_codes(
    const Principal& who, std::string typed, Caller caller, Completion<std::vector<std::string>> done) {
  auto attempt = begin("totp_recovery", std::move(caller));
  with_factor(who, std::move(typed), FactorNeeded::on, attempt,
      [this, attempt, done = std::move(done)](Result<SecondFactorRow> row) mutable {
    if (!row) return done(std::unexpected(std::move(row).error()));
    put_with_new_codes(std::move(*row), std::move(attempt), std::move(done));
  });
}

void AccountService::remove_second_factor(
    const Principal& who, std::string typed, Caller caller, Completion<bool> done) {
  auto attempt = begin("totp_remove", std::move(caller));
  with_factor(who, std::move(typed), FactorNeeded::on_or_recovery, attempt,
      [this, attempt, done = std::move(done)](Result<SecondFactorRow> row) mutable {
    if (!row) return done(std::unexpected(std::move(row).error()));
    store_.remove_second_factor(row->user, audit_row(*attempt),
        back<bool>([this, attempt, done = std::move(done)](Result<bool> removed) mutable {
      if (!removed) return done(refused(*attempt, std::move(removed).error()));
      succeeded(*attempt);
      done(true);
    }));
  });
}

} // namespace foyer::accounts
