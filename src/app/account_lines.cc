#include "app/account_lines.h"

#include <memory>
#include <utility>

#include "base/json.h"

namespace foyer::app {
namespace {

using accounts::SecondFactorRow;
using accounts::SessionRow;
using accounts::UserRow;

json::Object account_of(const UserRow& user, const std::optional<SecondFactorRow>& factor) {
  json::Object out{{"type", "account"}, {"user", user.id.view()}, {"name", user.name}, {"admin", user.admin},
      {"disabled", user.disabled}, {"created", unix_millis(user.created)},
      {"second_factor", factor && factor->confirmed}};
  if (!user.email.empty()) out["email"] = user.email;
  return out;
}

json::Object session_of(const SessionRow& session) {
  return {{"type", "session"}, {"session", session.id.view()}, {"device", session.device}, {"address", session.address},
      {"created", unix_millis(session.created)}, {"last_seen", unix_millis(session.last_seen)}};
}

// Three questions to the store, one after the other.
struct Account : std::enable_shared_from_this<Account> {
  Account(accounts::AccountStore& s, Completion<std::string> d) : store(s), done(std::move(d)) {}
  accounts::AccountStore& store;
  Completion<std::string> done;
  UserRow user = {};

  template <class T, class Next>
  Completion<T> then(Next next) {
    return [self = shared_from_this(), next = std::move(next)](Result<T> result) mutable {
      if (!result) return self->done(std::unexpected(std::move(result).error()));
      next(*self, std::move(*result));
    };
  }
  void start(UserId id) {
    store.find_user(std::move(id), then<std::optional<UserRow>>([](Account& self, std::optional<UserRow> found) {
      if (!found) return self.done(std::string{});
      self.user = std::move(*found);
      self.with_factor();
    }));
  }
  void with_factor() {
    store.find_second_factor(
        user.id, then<std::optional<SecondFactorRow>>([](Account& self, const std::optional<SecondFactorRow>& factor) {
      self.with_sessions(json::write(account_of(self.user, factor)) + "\n");
    }));
  }
  void with_sessions(std::string lines) {
    store.sessions_of(user.id,
        then<std::vector<SessionRow>>([lines = std::move(lines)](Account& self, std::vector<SessionRow> rows) mutable {
      for (const SessionRow& row : rows) lines += json::write(session_of(row)) + "\n";
      self.done(std::move(lines));
    }));
  }
};

} // namespace

void account_lines(accounts::AccountStore& store, UserId user, Completion<std::string> done) {
  std::make_shared<Account>(store, std::move(done))->start(std::move(user));
}

} // namespace foyer::app
