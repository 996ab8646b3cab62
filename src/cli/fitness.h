// Whether `serve` will start with a configuration: the same check for `serve` and `check`.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace foyer::cli {

// The findings of preflight, and those that a start would meet on this
// machine: its addresses, its data, its keys and certificates, its databases. A finding
// that only follows from another one is omitted. Changes nothing.
[[nodiscard]] std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read);

// There are errors, and all of them may pass with time: an unreachable
// database or bus, a full disk.
[[nodiscard]] bool may_pass(const std::vector<config::Finding>& findings);

} // namespace foyer::cli
