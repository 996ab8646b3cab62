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
  around_.control.post([ready = std::move(ready)]() mutable { ready(true); });
}

void NoAccounts::redeem_ticket(auth::TicketRequest, Completion<Identity> answer) {
  answer(refuse(Cause::TICKET_UNKNOWN, "identity is external: this server gives no tickets"));
}

void NoAccounts::check_cookie(auth::CookieRequest, Completion<Identity> answer) {
  answer(refuse(Cause::SESSION_UNKNOWN, "identity is external: this server has no sessions"));
}

void NoAccounts::find_person(auth::PersonRequest, Completion<std::optional<auth::Person>> answer) {
  answer(std::optional<auth::Person>{}); // the directory knows those who were here
}

// Nobody revokes anything here, so the table is complete at any time.
void NoAccounts::watch_revocations(
    std::function<void(const std::vector<auth::RevocationEvent>&)>, std::function<void(WallTime)> synchronised) {
  synchronised(around_.clock.wall());
  around_.control.every(config_.revocations.max_age / 4,
      [synchronised = std::move(synchronised), &clock = around_.clock] { synchronised(clock.wall()); });
}

// A path has at most four segments below its root, as in auth::Forwarder.
std::vector<Route> NoAccounts::routes(const OnRefusal& on_refusal) {
  const Handler elsewhere = [this, on_refusal](const Request& request, Reply reply) {
    const Refusal refusal = accounts_elsewhere(config_, "identity is external");
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
