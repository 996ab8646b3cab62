#include "app/user_ids.h"

#include "auth/foreign_claims.h"

namespace foyer::app {

api::UserIds user_ids(const config::Config& config) {
  std::vector<api::UserIds::Issuer> issuers;
  for (const auto& each : config.issuers)
    issuers.push_back({.name = each.name, .issuer = each.issuer, .prefix = each.user_prefix});
  return {std::move(issuers),
      [](std::string_view prefix, std::string_view sub) { return auth::foreign_user_id(prefix, sub).str(); }};
}

} // namespace foyer::app
