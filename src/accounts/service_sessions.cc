// Requests of a signed-in user.
#include <fmt/format.h>

#include "accounts/model/names.h"
#include "accounts/service.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

Refusal wrong_password() { return {.cause = Cause::CREDENTIALS_REJECTED, .field = "password"}; }

} // namespace

Result<bool> AccountService::needs_account(const Principal& who) const {
  if (!who.own) return refuse(Cause::USER_UNKNOWN, "the token names no session of an account here");
  return true;
}

void AccountService::logout(const Principal& who, Caller caller, Completion<bool> done) {
  auto attempt = begin("logout", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->user = who.own->user.id;
  attempt->detail = who.own->session.id.str();
  store_.end_session(attempt->user, who.own->session.id, SessionEnd::logout, audit_row(*attempt),
      back<bool>([this, attempt, done = std::move(done)](Result<bool> ended) mutable {
    if (!ended) return done(refused(*attempt, std::move(ended).error()));
    succeeded(*attempt);
    revocations_.poll();
    done(true);
  }));
}

void AccountService::sessions(const Principal& who, Completion<std::vector<SessionRow>> done) {
  if (auto fit = needs_account(who); !fit) return done(std::unexpected(std::move(fit).error()));
  store_.sessions_of(who.own->user.id,
      back<std::vector<SessionRow>>([this, done = std::move(done)](Result<std::vector<SessionRow>> rows) mutable {
    if (rows)
      std::erase_if(
          *rows, [this](const SessionRow& row) { return !check_session(row, policy_.sessions, clock_.wall()); });
    done(std::move(rows));
  }));
}

void AccountService::end_session(const Principal& who, SessionId session, Caller caller, Completion<bool> done) {
  auto attempt = begin("session_end", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->user = who.own->user.id;
  attempt->detail = printable(session.view(), 64);
  store_.end_session(attempt->user, std::move(session), SessionEnd::ended, audit_row(*attempt),
      back<bool>([this, attempt, done = std::move(done)](Result<bool> ended) mutable {
    if (!ended) return done(refused(*attempt, std::move(ended).error()));
    if (!*ended)
      return done(refused(
          *attempt, Refusal{.cause = Cause::NOT_FOUND, .evidence = "this user has no such session, or it has ended"}));
    succeeded(*attempt);
    revocations_.poll();
    done(true);
  }));
}

void AccountService::end_sessions(const Principal& who, bool others_only, Caller caller, Completion<bool> done) {
  auto attempt = begin("sessions_end", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->user = who.own->user.id;
  attempt->detail = others_only ? "all but " + who.own->session.id.str() : "all";
  std::optional<SessionId> but;
  if (others_only) but = who.own->session.id;
  store_.end_sessions(attempt->user, std::move(but), SessionEnd::ended, audit_row(*attempt),
      back<std::size_t>([this, attempt, done = std::move(done)](Result<std::size_t> ended) mutable {
    if (!ended) return done(refused(*attempt, std::move(ended).error()));
    succeeded(*attempt);
    revocations_.poll();
    done(true);
  }));
}

void AccountService::change_password(
    const Principal& who, std::string password, std::string new_password, Caller caller, Completion<bool> done) {
  auto attempt = begin("password", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  const UserRow& user = who.own->user;
  attempt->user = user.id;
  attempt->detail = who.own->session.id.str();
  if (auto fit = check_new_password(new_password, user.name, policy_.min_password_characters, "new_password"); !fit)
    return done(refused(*attempt, std::move(fit).error()));
  const GuessKey key = login_key(user.name, attempt->caller);
  auto job = [password = std::move(password), new_password = std::move(new_password), phc = user.password,
                 cost = policy_.hash_cost, &entropy = entropy_]() -> std::optional<std::string> {
    if (verify_password(password, phc, cost) == PasswordMatch::no) return std::nullopt;
    return hash_password(new_password, cost, entropy);
  };
  lockouts_.begin(key,
      [this, attempt, key, job = std::move(job), keep = who.own->session.id, done = std::move(done)](
          Result<bool> free) mutable {
    if (!free) return done(refused(*attempt, std::move(free).error()));
    exec::Share share = shares_.take(exec::WorkClass::known, attempt->caller.address, {}, clock_.mono());
    on_hashing<std::optional<std::string>>(std::move(share), std::move(job),
        [this, attempt, key, keep = std::move(keep), done = std::move(done)](
            Result<std::optional<std::string>> phc) mutable {
      if (phc && !*phc) return wrong_guess(key, std::move(attempt), wrong_password(), std::move(done));
      lockouts_.end(key, phc ? GuessEnd::right : GuessEnd::neither);
      if (!phc) return done(refused(*attempt, std::move(phc).error()));
      set_new_password(std::move(keep), std::move(**phc), std::move(attempt), std::move(done));
    });
  });
}

void AccountService::set_new_password(SessionId keep, std::string phc, AttemptPtr attempt, Completion<bool> done) {
  if (phc.empty())
    return done(
        refused(*attempt, Refusal{.cause = Cause::INTERNAL_ERROR, .evidence = "argon2 could not hash: out of memory"}));
  store_.set_password(attempt->user, std::move(phc), std::move(keep), audit_row(*attempt),
      back<bool>([this, attempt, done = std::move(done)](Result<bool> set) mutable {
    if (!set) return done(refused(*attempt, std::move(set).error()));
    succeeded(*attempt);
    revocations_.poll();
    done(true);
  }));
}

void AccountService::with_password(
    const Principal& who, std::string password, AttemptPtr attempt, Completion<bool> done) {
  const UserRow& user = who.own->user;
  const GuessKey key = login_key(user.name, attempt->caller);
  auto job = [password = std::move(password), phc = user.password, cost = policy_.hash_cost] {
    return verify_password(password, phc, cost) != PasswordMatch::no;
  };
  lockouts_.begin(key, [this, attempt, key, job = std::move(job), done = std::move(done)](Result<bool> free) mutable {
    if (!free) return done(refused(*attempt, std::move(free).error()));
    exec::Share share = shares_.take(exec::WorkClass::known, attempt->caller.address, {}, clock_.mono());
    on_hashing<bool>(
        std::move(share), std::move(job), [this, attempt, key, done = std::move(done)](Result<bool> right) mutable {
      if (right && !*right) return wrong_guess(key, std::move(attempt), wrong_password(), std::move(done));
      lockouts_.end(key, right ? GuessEnd::right : GuessEnd::neither);
      if (!right) return done(refused(*attempt, std::move(right).error()));
      done(true);
    });
  });
}

void AccountService::delete_account(const Principal& who, std::string password, Caller caller, Completion<bool> done) {
  auto attempt = begin("account_delete", std::move(caller));
  if (auto fit = needs_account(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->user = who.own->user.id;
  with_password(who, std::move(password), attempt, [this, attempt, done = std::move(done)](Result<bool> right) mutable {
    if (!right) return done(std::move(right));
    store_.delete_user(attempt->user, audit_row(*attempt),
        back<bool>([this, attempt, done = std::move(done)](Result<bool> deleted) mutable {
      if (!deleted) return done(refused(*attempt, std::move(deleted).error()));
      succeeded(*attempt);
      log_.info("account_deleted", "An account was deleted by its owner.",
          {{"user", attempt->user.view()}, {"ref", attempt->caller.ref.view()}});
      revocations_.poll();
      done(true);
    }));
  });
}

void AccountService::mint_ticket(const Principal& who, TicketRequest request, Caller caller, Completion<Ticket> done) {
  const auto attempt =
      std::make_shared<Attempt>(Attempt{"ticket", std::move(caller), who.identity.user, who.identity.session.str()});
  const Millis ttl = request.ttl.value_or(policy_.ticket_ttl);
  if (ttl <= Millis{0} || ttl > policy_.longest_ticket_ttl)
    return done(refused(*attempt,
        Refusal{.cause = Cause::BAD_REQUEST,
            .evidence = fmt::format(
                "ttl is 1 to {} seconds", std::chrono::floor<std::chrono::seconds>(policy_.longest_ticket_ttl).count()),
            .field = "ttl"}));
  TicketGrant grant{.identity = who.identity, .origin = std::move(request.origin), .address = {}};
  if (who.own) {
    // Never more than the token allows, and never more than the user has by now.
    const Permissions now = permissions_of(who.own->user);
    auto& p = grant.identity.permissions;
    p = {.chat_read = p.chat_read && now.chat_read,
        .chat_write = p.chat_write && now.chat_write,
        .admin = p.admin && now.admin};
  }
  if (request.bind_address) grant.address = attempt->caller.address;
  Ticket out{.ticket = entropy_.token(), .expires_in = ttl, .expires_at = clock_.wall() + ttl};
  const std::string ticket = out.ticket;
  tickets_.mint(
      ticket, grant, ttl, [this, attempt, out = std::move(out), done = std::move(done)](Result<bool> minted) mutable {
    if (!minted) {
      if (minted.error().cause == Cause::BUSY) tickets_meter_.refused();
      return done(refused(*attempt, std::move(minted).error()));
    }
    succeeded(*attempt);
    audit_.add(audit_row(*attempt));
    done(std::move(out));
  });
}

} // namespace foyer::accounts
