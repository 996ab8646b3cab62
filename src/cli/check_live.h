// `foyer check --live`: what changes while servers run, and so is no part of the check before a start.
#pragma once

#include "config/load.h"

namespace foyer::cli {

// The exit status: 0 all is well, 1 something is wrong, 2 could not ask.
int check_live(const config::Loaded& loaded, bool as_json);

} // namespace foyer::cli
