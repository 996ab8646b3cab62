// Requests about accounts by users who have none here.
#pragma once

#include <vector>

#include "base/http.h"
#include "config/options.h"

namespace foyer::app {

// The routes of the auth service, which answer ACCOUNTS_ELSEWHERE to a token of a trusted issuer. The token is not
// verified for it: the answer says nothing that depends on it.
[[nodiscard]] std::vector<Route> own_accounts_only(
    const config::Config& config, std::vector<Route> routes, OnRefusal on_refusal);

} // namespace foyer::app
