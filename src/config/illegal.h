// Finds and names characters that a value must not contain.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace foyer::config {

// "character 8 of 8 is a carriage return": white space at either end, control
// characters and invisible ones anywhere, bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> illegal_character(std::string_view value);
// The same for a value used as a header token: only letters, digits, dot, underscore and hyphen are legal.
[[nodiscard]] std::optional<std::string> illegal_in_word(std::string_view value);

} // namespace foyer::config
