// Something that is wrong with several nodes, for an operator: which cause, where, and what was seen.
#pragma once

#include <string>
#include <vector>

#include "base/cause.h"

namespace foyer::cluster {

struct Trouble {
  Cause cause{};
  std::string where;   // "node k3f9", "database", "bus"
  std::string message; // one sentence or two
};
using Troubles = std::vector<Trouble>;

} // namespace foyer::cluster
