// Guesses what an invalid value was meant to be. Used only after the
// value was refused; the guess is valid for the option.
#pragma once

#include <string>
#include <string_view>

#include "config/table.h"

namespace foyer::config {

struct Hint {
  std::string wrong = {}; // the fault, and the element at fault; a clause. Empty: no more than the rule
  std::string meant = {}; // empty: unknown, or a secret
};

[[nodiscard]] Hint hint_for(const Option& option, std::string_view text);

// The fault of a URL: no scheme, quotes around it, …; empty: unknown.
[[nodiscard]] std::string meant_url(std::string_view text);

} // namespace foyer::config
