// Whether `serve` will start with a configuration: the one answer of `serve` and `check`.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace foyer::cli {

// What the preflight finds in this system's files, now.
[[nodiscard]] std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read);

} // namespace foyer::cli
