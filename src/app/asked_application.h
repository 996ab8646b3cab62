// Builds the applications of [[ask]] with the connections to their servers.
#pragma once

#include <memory>
#include <vector>

#include "asking/asker.h"
#include "config/options.h"
#include "observe/health.h"

namespace foyer::app {

struct Environment;

// Null: there is no [[ask]] table. `environment` must outlive the result. INVALID_URL, FILE_UNREADABLE, INVALID_VALUE.
[[nodiscard]] Result<std::unique_ptr<asking::Asker>> make_asker(
    const config::Config& config, const Environment& environment);

// Health checks, one for each table, named `ask_NAME`. `asker` may be null and must outlive them.
[[nodiscard]] std::vector<observe::HealthCheck> ask_checks(const asking::Asker* asker, const config::Config& config);

} // namespace foyer::app
