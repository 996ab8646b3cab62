#include <fmt/format.h>

#include "cli/command.h"

namespace foyer::cli {

int run_check(Args) { return kCouldNotRun; }

} // namespace foyer::cli
