// The table and the findings as text and JSON: for `--help`, docs/configuration.md,
// and the output of `foyer check` and of a `foyer serve` that does not start.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "config/finding.h"
#include "config/load.h"

namespace foyer::config {

[[nodiscard]] std::string options_help();           // for a terminal, by section
[[nodiscard]] std::string configuration_markdown(); // docs/configuration.md, all of it

[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings); // empty if there are none
// The options that are not at their default, or all of them, with their values and sources.
[[nodiscard]] std::string options_text(const Loaded& loaded, bool all);

// {"code","severity","option","entry"?,"field"?,"env","source","message","fix"}
[[nodiscard]] json::Object finding_json(const Finding& finding);
// {"fit","environment","findings":[…],"options":[{"name","env","source","value"}]}; a secret has `fingerprint` in place
// of `value`
[[nodiscard]] json::Object check_json(const Loaded& loaded, const std::vector<Finding>& findings);

} // namespace foyer::config
