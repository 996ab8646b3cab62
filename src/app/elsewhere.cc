#include "app/elsewhere.h"

#include <algorithm>
#include <utility>

#include "app/no_accounts.h"
#include "auth/issuers.h"
#include "wire/problem.h"

namespace foyer::app {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool is_of_trusted_issuer(const config::Config& config, const Request& request) {
  const std::string* credential = request.headers.find("Authorization");
  if (credential == nullptr || credential->size() < kBearer.size()) return false;
  if (!iequals(std::string_view(*credential).substr(0, kBearer.size()), kBearer)) return false;
  const std::string issuer = auth::unverified_issuer(
      std::string_view(*credential).substr(kBearer.size()), config.gateway.door.max_token_bytes);
  return std::ranges::find(config.issuers, issuer, &auth::TrustedIssuer::issuer) != config.issuers.end();
}

} // namespace

std::vector<Route> own_accounts_only(const config::Config& config, std::vector<Route> routes, OnRefusal on_refusal) {
  if (config.issuers.empty()) return routes;
  for (auto& route : routes) {
    if (!route.path.starts_with("/auth/") && !route.path.starts_with("/oauth2/")) continue;
    route.handler = [&config, on_refusal, inner = std::move(route.handler)](Request request, Reply reply) {
      if (!is_of_trusted_issuer(config, request)) return inner(std::move(request), std::move(reply));
      const Refusal refusal =
          accounts_elsewhere(config, "the token is from a trusted issuer, which manages the account");
      on_refusal(request, refusal);
      reply(wire::problem(refusal, request.ref, config.gateway.door.reveal));
    };
  }
  return routes;
}

} // namespace foyer::app
