// The mode in which a gateway runs, by its configuration: where the record is, how nodes reach each other, and what a
// client may rely on when it reads `sent`.
#pragma once

#include <string>

#include "base/json.h"
#include "config/options.h"

namespace foyer::config {

[[nodiscard]] std::string mode_text(const Config& config); // lines, as `foyer check` prints them
[[nodiscard]] json::Object mode_json(const Config& config);

} // namespace foyer::config
