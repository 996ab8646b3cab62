// The rules of preflight for [[ask]], and its secrets.
#pragma once

#include <string>
#include <vector>

#include "asking/policy.h"
#include "base/refusal.h"
#include "config/finding.h"
#include "config/load.h"
#include "config/preflight.h"

namespace foyer::config {

[[nodiscard]] std::vector<Finding> ask_findings(const Loaded& loaded, const Context& around);

// The bytes of the secret of a table. FILE_UNREADABLE, INVALID_VALUE.
[[nodiscard]] Result<std::string> ask_key(const asking::Table& table, const ReadFile& read);

} // namespace foyer::config
