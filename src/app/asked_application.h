// The applications of [[ask]], with the connections to their servers.
#pragma once

#include <memory>
#include <vector>

#include "asking/asker.h"
#include "config/options.h"
#include "observe/health.h"

namespace foyer::app {

struct Environment;

// Null: no table. `environment` outlives it. INVALID_URL, FILE_UNREADABLE, INVALID_VALUE.
[[nodiscard]] Result<std::unique_ptr<asking::Asker>> make_asker(
    const config::Config& config, const Environment& environment);

// One row for each table, `ask_NAME`. `asker` outlives them; it may be null.
[[nodiscard]] std::vector<observe::HealthCheck> ask_checks(const asking::Asker* asker, const config::Config& config);

} // namespace foyer::app
