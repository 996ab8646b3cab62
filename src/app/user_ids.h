// How requests of the server API name the users of the trusted issuers.
#pragma once

#include "api/user_ids.h"
#include "config/options.h"

namespace foyer::app {

[[nodiscard]] api::UserIds user_ids(const config::Config& config);

} // namespace foyer::app
