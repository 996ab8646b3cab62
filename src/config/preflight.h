// What must hold before the process listens (the rules between values, secrets,
// URLs, key files). `serve` and `check` ask the same function; nothing skips it.
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

// All findings: those of loading, then those of the rules. A value that could not
// be taken is not reported again as missing.
[[nodiscard]] std::vector<Finding> preflight(const Loaded& loaded, const Context& surroundings);

// Development with both roles in one process: what is not given is made at start.
[[nodiscard]] bool generates_secrets(const Loaded& loaded);

// An inner deadline and the one around it.
struct DeadlinePair {
  std::string_view inner;
  std::string_view outer;
};
[[nodiscard]] std::span<const DeadlinePair> deadline_pairs();

} // namespace foyer::config
