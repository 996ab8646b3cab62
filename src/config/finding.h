// What the check of a configuration found: one cause of step `configuration`, the
// option, where its value came from, what is wrong and what to do. Never a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cause.h"

namespace foyer::config {

enum class Severity : std::uint8_t {
  error,   // serve does not start
  warning, // serve starts and says so
  info,
};
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Cause code{};
  Severity severity = Severity::error;
  std::string option = {};  // snake_case; empty when none is concerned
  std::string env = {};     // the variable it can be set by
  std::string source = {};  // where the value came from; "not set"
  std::string message = {}; // one sentence or two
  std::string fix = {};     // one next step
};

[[nodiscard]] bool is_fit(const std::vector<Finding>& findings); // no error among them

} // namespace foyer::config
