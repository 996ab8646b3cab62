// A configuration file as a list of keys with their positions.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::config {

struct TomlItem {
  std::string key;                 // dotted if it is in a table
  std::optional<std::string> text; // none: a kind of value that no option accepts
  std::size_t line = 0;
  std::size_t column = 0;
};
struct TomlError {
  std::string message; // without text of the file
  std::size_t line = 0;
  std::size_t column = 0;
};

[[nodiscard]] std::expected<std::vector<TomlItem>, TomlError> read_toml(std::string_view text);

} // namespace foyer::config
