// The second factor over HTTP, with the owner's Bearer token:
//
//   POST   /auth/totp           {"password"} → 201 {"secret","uri","expires_in"}, pending
//   POST   /auth/totp/confirm   {"totp"}     → 200 {"recovery_codes":[…]}, on
//   POST   /auth/totp/recovery  {"totp"}     → 200 {"recovery_codes":[…]}, the old ones stop working
//   DELETE /auth/totp           {"totp"}     → 204; a code or a recovery code
#pragma once

#include <vector>

#include "accounts/http/exchange.h"

namespace foyer::accounts {

void add_factor_routes(const RouteMaker& route, std::vector<Route>& out);

} // namespace foyer::accounts
