// A finding of the configuration check: one cause of step `configuration`, the
// option, the source of its value, what is wrong and how to fix it. Never a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cause.h"

namespace foyer::config {

enum class Severity : std::uint8_t {
  error,   // serve does not start
  warning, // serve starts and logs it
  info,
};
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Cause code{};
  Severity severity = Severity::error;
  std::string option = {};  // snake_case; empty if no single option is at fault
  std::string env = {};     // the variable that sets it
  std::string source = {};  // the source of the value; "not set"
  std::string message = {}; // one sentence or two
  std::string fix = {};     // one next step
  std::size_t entry = 0;    // of a list of tables: which one, from 1
  std::string field = {};   // its field
};

[[nodiscard]] bool is_fit(const std::vector<Finding>& findings); // no error among them

} // namespace foyer::config
