// Requests about accounts by users of other issuers, who have no account here.
#pragma once

#include <vector>

#include "base/http.h"
#include "config/options.h"

namespace foyer::app {

// Wraps the routes of the auth service so that they answer ACCOUNTS_ELSEWHERE to a token of a trusted issuer. The token
// is not verified for this: the answer reveals nothing that depends on it.
[[nodiscard]] std::vector<Route> own_accounts_only(
    const config::Config& config, std::vector<Route> routes, OnRefusal on_refusal);

} // namespace foyer::app
