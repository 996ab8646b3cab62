// What this process reports about itself in /health and in the pages.
#pragma once

#include <string>

#include "base/clock.h"

namespace foyer::observe {

struct BuildInfo {
  std::string version;
  std::string build;
  std::string environment; // development, test, staging, production
  std::string config;      // fingerprint of the options that are not secret
  MonoTime started{};
};

} // namespace foyer::observe
