// The administrators' API, for the Bearer token of an account of ours that has
// the scope admin; others get 403 PERMISSION_DENIED. No answer contains a secret.
//
//   GET    /auth/admin/users?limit=100&after=NAME   {"users":[…],"next"?:NAME}, by name
//   POST   /auth/admin/users/ID/disable, …/enable   204
//   DELETE /auth/admin/users/ID                     204
//   GET    /auth/admin/services                     {"services":[…]}
//   GET    /auth/admin/keys                         {"keys":[…]}
//   POST   /auth/admin/keys/rotate                  {"publish_for"?: seconds} → 201, the new key
//   GET    /auth/admin/audit?limit=100              {"audit":[…]}, newest first
#pragma once

#include <vector>

#include "accounts/http/exchange.h"

namespace foyer::accounts {

inline constexpr std::size_t kAdminPage = 100;
inline constexpr std::size_t kLongestAdminPage = 1'000;

void add_admin_routes(const RouteMaker& route, std::vector<Route>& out);

} // namespace foyer::accounts
