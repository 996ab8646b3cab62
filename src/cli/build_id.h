// The identity of this binary: the linker's build id, so that different builds
// are distinguished even at the same version.
#pragma once

#include <string>

namespace foyer::cli {

// The first 12 hex digits; "unknown" if the linker wrote none.
[[nodiscard]] std::string build_id();

} // namespace foyer::cli
