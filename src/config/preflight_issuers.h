// The rules of preflight for trusted issuers.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/preflight.h"

namespace foyer::config {

[[nodiscard]] std::vector<Finding> issuer_findings(const Loaded& loaded, const Context& surroundings);

} // namespace foyer::config
