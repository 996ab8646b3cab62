#include "app/no_accounts.h"

#include <array>

#include "app/environment.h"
#include "wire/problem.h"

namespace foyer::app {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "DELETE", "PATCH"};

} // namespace

Refusal accounts_elsewhere(const config::Config& config, std::string evidence) {
  Refusal out{.cause = Cause::ACCOUNTS_ELSEWHERE, .evidence = std::move(evidence)};
  if (!config.sign_in_url.empty()) out.detail = "Sign in at " + config.sign_in_url + ".";
  return out;
}

void NoAccounts::start(Completion<bool> ready) {
  environment_.control.post([ready = std::move(ready)]() mutable { ready(true); });
}

void NoAccounts::redeem_ticket(auth::TicketRequest, Completion<Identity> answer) {
  answer(refuse(Cause::TICKET_UNKNOWN, "identity = external: this server issues no tickets"));
}

void NoAccounts::check_cookie(auth::CookieRequest, Completion<Identity> answer) {
  answer(refuse(Cause::SESSION_UNKNOWN, "identity = external: this server has no sessions"));
}

void NoAccounts::find_person(auth::PersonRequest, Completion<std::optional<auth::Person>> answer) {
  answer(std::optional<auth::Person>{}); // the room directory knows users who were admitted before
}

// There are no accounts whose tokens could be revoked, so the table is always complete.
void NoAccounts::watch_revocations(
    std::function<void(const std::vector<auth::RevocationEvent>&)>, std::function<void(WallTime)> synchronised) {
  synchronised(environment_.clock.wall());
  environment_.control.every(config_.revocations.max_age / 4,
      [synchronised = std::move(synchronised), &clock = environment_.clock] { synchronised(clock.wall()); });
}

// Routes for paths of up to four segments below their root, as in auth::Forwarder.
std::vector<Route> NoAccounts::routes(const OnRefusal& on_refusal) {
  const Handler elsewhere = [this, on_refusal](const Request& request, Reply reply) {
    const Refusal refusal = accounts_elsewhere(config_, "identity = external: this server has no accounts");
    if (on_refusal) on_refusal(request, refusal);
    reply(wire::problem(refusal, request.ref, config_.gateway.door.reveal));
  };
  std::vector<Route> out;
  for (const std::string_view root : {"/auth", "/oauth2"}) {
    std::string path(root);
    for (const std::string_view more : {"/{a}", "/{b}", "/{c}", "/{d}"}) {
      path += more;
      for (const auto method : kMethods) out.push_back({std::string(method), path, elsewhere});
    }
  }
  return out;
}

} // namespace foyer::app
