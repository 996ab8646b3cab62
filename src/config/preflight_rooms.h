// The rules of preflight for [[rooms]].
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace foyer::config {

[[nodiscard]] std::vector<Finding> room_findings(const Loaded& loaded);

} // namespace foyer::config
