// The administrators' functions: for an account of ours that has the scope admin, in the
// token and still in the store.
#include <fmt/format.h>

#include <algorithm>

#include "accounts/model/names.h"
#include "accounts/service.h"
#include "base/bytes.h"

namespace foyer::accounts {

Result<bool> AccountService::needs_admin(const Principal& who) const {
  TRY_VOID(needs_account(who));
  if (!who.identity.permissions.admin || !who.own->user.admin)
    return refuse(Cause::PERMISSION_DENIED, "the scope admin is needed");
  return true;
}

// An administrator's action on another user or object.
AccountService::AttemptPtr AccountService::begin_admin(std::string action, const Principal& who, Caller caller) {
  auto attempt = begin(std::move(action), std::move(caller));
  attempt->user = who.identity.user;
  return attempt;
}

void AccountService::admin_users(
    const Principal& who, UserPageRequest question, Caller caller, Completion<UserPage> done) {
  auto attempt = begin_admin("admin_users", who, std::move(caller));
  if (auto fit = needs_admin(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  store_.list_users(
      back<std::vector<UserListing>>([this, attempt, question = std::move(question), done = std::move(done)](
                                         Result<std::vector<UserListing>> all) mutable {
    if (!all) return done(refused(*attempt, std::move(all).error()));
    std::ranges::sort(*all, {}, [](const UserListing& one) { return name_key(one.user.name); });
    UserPage page;
    const std::string after = name_key(question.after);
    for (auto& one : *all) {
      if (!question.after.empty() && name_key(one.user.name) <= after) continue;
      if (page.users.size() == question.limit) {
        page.next = page.users.back().user.name;
        break;
      }
      one.user.password.clear();
      page.users.push_back(std::move(one));
    }
    succeeded(*attempt);
    done(std::move(page));
  }));
}

Result<bool> AccountService::needs_admin_of_other(const Principal& who, const UserId& user) const {
  TRY_VOID(needs_admin(who));
  if (user == who.own->user.id)
    return refuse_field(Cause::PERMISSION_DENIED, "id",
        "administrators do not disable or delete themselves here; DELETE /auth/me deletes one's own account");
  return true;
}

void AccountService::admin_set_disabled(
    const Principal& who, UserId user, bool disabled, Caller caller, Completion<bool> done) {
  auto attempt = begin_admin(disabled ? "user_disable" : "user_enable", who, std::move(caller));
  if (auto fit = needs_admin_of_other(who, user); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->detail = "by " + attempt->user.str();
  attempt->user = user;
  store_.set_disabled(std::move(user), disabled, audit_row(*attempt),
      back<bool>([this, attempt, done = std::move(done)](
                     Result<bool> changed) mutable { finish_admin_change(*attempt, std::move(changed), done); }));
}

void AccountService::admin_delete_user(const Principal& who, UserId user, Caller caller, Completion<bool> done) {
  auto attempt = begin_admin("user_delete", who, std::move(caller));
  if (auto fit = needs_admin_of_other(who, user); !fit) return done(refused(*attempt, std::move(fit).error()));
  attempt->detail = "by " + attempt->user.str();
  attempt->user = user;
  store_.delete_user(std::move(user), audit_row(*attempt),
      back<bool>([this, attempt, done = std::move(done)](
                     Result<bool> changed) mutable { finish_admin_change(*attempt, std::move(changed), done); }));
}

void AccountService::finish_admin_change(const Attempt& attempt, Result<bool> changed, Completion<bool>& done) {
  if (!changed) {
    // A door reports USER_UNKNOWN about the caller; here the requested user does not exist.
    if (changed.error().cause == Cause::USER_UNKNOWN)
      changed = refuse_field(Cause::NOT_FOUND, "id", "there is no user with this id");
    return done(refused(attempt, std::move(changed).error()));
  }
  succeeded(attempt);
  log_.info("user_changed", "An administrator changed an account.",
      {{"action", attempt.action}, {"user", attempt.user.view()}, {"detail", attempt.detail},
          {"ref", attempt.caller.ref.view()}});
  revocations_.poll();
  done(std::move(changed));
}

void AccountService::admin_services(const Principal& who, Caller caller, Completion<std::vector<ServiceRow>> done) {
  auto attempt = begin_admin("admin_services", who, std::move(caller));
  if (auto fit = needs_admin(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  store_.list_services(back<std::vector<ServiceRow>>(
      [this, attempt, done = std::move(done)](Result<std::vector<ServiceRow>> rows) mutable {
    if (!rows) return done(refused(*attempt, std::move(rows).error()));
    for (auto& row : *rows)
      for (auto& secret : row.secrets)
        secret = ServiceSecretRow{.sealed_key = {}, .created = secret.created, .fingerprints = {}};
    succeeded(*attempt);
    done(std::move(rows));
  }));
}

void AccountService::admin_keys(const Principal& who, Caller caller, Completion<std::vector<KeyTimes>> done) {
  auto attempt = begin_admin("admin_keys", who, std::move(caller));
  if (auto fit = needs_admin(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  keys_.list([this, attempt, done = std::move(done)](Result<std::vector<KeyTimes>> keys) mutable {
    if (!keys) return done(refused(*attempt, std::move(keys).error()));
    succeeded(*attempt);
    done(std::move(keys));
  });
}

void AccountService::admin_rotate_key(
    const Principal& who, std::optional<Millis> publish_for, Caller caller, Completion<KeyTimes> done) {
  auto attempt = begin_admin("key_rotate", who, std::move(caller));
  if (auto fit = needs_admin(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  keys_.rotate(publish_for.value_or(keys_.policy().publish_ahead), audit_row(*attempt),
      [this, attempt, done = std::move(done)](Result<KeyTimes> made) mutable {
    if (!made) return done(refused(*attempt, std::move(made).error()));
    succeeded(*attempt);
    done(std::move(made));
  });
}

void AccountService::admin_audit(
    const Principal& who, std::size_t limit, Caller caller, Completion<std::vector<AuditRow>> done) {
  auto attempt = begin_admin("admin_audit", who, std::move(caller));
  if (auto fit = needs_admin(who); !fit) return done(refused(*attempt, std::move(fit).error()));
  store_.audit(limit,
      back<std::vector<AuditRow>>([this, attempt, done = std::move(done)](Result<std::vector<AuditRow>> rows) mutable {
    if (!rows) return done(refused(*attempt, std::move(rows).error()));
    succeeded(*attempt);
    done(std::move(rows));
  }));
}

} // namespace foyer::accounts
