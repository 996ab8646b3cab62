// The table of findings as text: `foyer explain CODE` and docs/findings.md.
#pragma once

#include <string>

#include "base/json.h"
#include "doctor/finding.h"

namespace foyer::doctor {

[[nodiscard]] json::Object finding_to_json(const FindingInfo& finding); // {"code","client","operator","next","recipes"}
[[nodiscard]] std::string finding_to_text(const FindingInfo& finding);  // a few lines, the last ended by a line feed
[[nodiscard]] std::string findings_markdown();                          // docs/findings.md, all of it

} // namespace foyer::doctor
