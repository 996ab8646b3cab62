// Whether `serve` will start with a configuration: the one answer of `serve` and `check`.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace foyer::cli {

// What the preflight finds in the configuration, and what a start would meet on this
// machine: its addresses, its data, its keys and certificates, its databases. A finding
// that only follows from another one is left out. Changes nothing.
[[nodiscard]] std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read);

// Errors, and nothing but errors that may pass while somebody waits: a database that
// cannot be reached, a disk that is full.
[[nodiscard]] bool may_pass(const std::vector<config::Finding>& findings);

} // namespace foyer::cli
