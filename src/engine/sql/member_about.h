// What a process says of itself in its row (members.h), for people.
#pragma once

#include <string>

#include "base/clock.h"

namespace foyer::engine {

struct MemberAbout {
  std::string host = {};    // name of its machine
  std::string url = {};     // at which it listens; perhaps not reachable from elsewhere
  std::string version = {}; // of the release
  std::string build = {};
  std::string roles = {}; // "auth,gateway"
  WallTime started{};     // by its own clock
};

} // namespace foyer::engine
