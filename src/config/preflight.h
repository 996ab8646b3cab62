// The checks before the process listens (rules between values, secrets,
// URLs, key files). `serve` and `check` call the same function; nothing skips it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/finding.h"
#include "config/load.h"

namespace foyer::config {

struct Context {
  ReadFile read;
  WallTime now{};
};

// All findings: those of loading, then those of the rules. An invalid value
// is not also reported as missing.
[[nodiscard]] std::vector<Finding> preflight(const Loaded& loaded, const Context& surroundings);

// Development with both roles in one process: missing secrets are generated at startup.
[[nodiscard]] bool generates_secrets(const Loaded& loaded);

// An inner deadline and the one that encloses it.
struct DeadlinePair {
  std::string_view inner;
  std::string_view outer;
};
[[nodiscard]] std::span<const DeadlinePair> deadline_pairs();

} // namespace foyer::config
