// Which binary this is: the linker's build id, so that no two builds are taken
// for one another, whatever the repository says.
#pragma once

#include <string>

namespace foyer::cli {

// The first 12 hex digits; "unknown" where the linker wrote none.
[[nodiscard]] std::string build_id();

} // namespace foyer::cli
