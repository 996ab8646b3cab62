// One thing that was looked at: its value, and what that means for `sent`, recovery and presence.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace foyer::cluster {

struct Line {
  std::string what;  // "fsync"
  std::string value; // "on"
  std::string means; // a sentence or two
};
using Lines = std::vector<Line>;

[[nodiscard]] std::string to_text(const Lines& lines);
[[nodiscard]] json::Array to_json(const Lines& lines);

} // namespace foyer::cluster
