// Where a database lies in the data directory, for commands that open it beside a server.
#pragma once

#include <string_view>

#include "base/refusal.h"
#include "config/options.h"
#include "store/data_dir.h"

namespace foyer::cli {

// The data directory, which holds the file `name`, or in which it may be created: then a note on stderr says so.
// FILE_UNREADABLE, with `unused` as the reason, if it is absent and must not be created; DATA_UNWRITABLE.
[[nodiscard]] Result<store::DataDir> directory_with(
    const config::Config& config, std::string_view name, std::string_view unused, bool create);

} // namespace foyer::cli
