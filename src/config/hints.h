// What a value that cannot be taken was probably meant to be. Asked only after the
// value was refused; what it gives is taken by the option.
#pragma once

#include <string>
#include <string_view>

#include "config/table.h"

namespace foyer::config {

struct Hint {
  std::string wrong = {}; // what is wrong, and with which element; a clause. Empty: not more than the rule
  std::string meant = {}; // empty: it cannot be told, or it is a secret
};

[[nodiscard]] Hint hint_for(const Option& option, std::string_view text);

// A URL that lacks its scheme, has quotes around it, …; empty: it cannot be told.
[[nodiscard]] std::string meant_url(std::string_view text);

} // namespace foyer::config
