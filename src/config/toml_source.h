// A configuration file as a list of keys with their positions.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace foyer::config {

struct TomlPlace {
  std::size_t line = 0;
  std::size_t column = 0;
};
// One table of an array of tables. A value that JSON does not have (a date) is null.
struct TomlEntry {
  json::Object values;
  TomlPlace place = {};
  std::map<std::string, TomlPlace, std::less<>> fields = {};
};
struct TomlItem {
  std::string key;                               // dotted if it is in a table
  std::optional<std::string> text;               // none: a kind of value that no such option accepts
  std::optional<std::vector<TomlEntry>> entries; // of an array of tables
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
