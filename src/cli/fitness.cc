#include "cli/fitness.h"

#include "base/clock.h"
#include "config/preflight.h"

namespace foyer::cli {

std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read) {
  return config::preflight(loaded, {.read = read, .now = system_clock().wall()});
}

} // namespace foyer::cli
