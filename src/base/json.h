// JSON off the hot path: Boost.JSON values behind a strict reader. The hot
// path (client commands) reads with simdjson on demand, in protocol.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace foyer::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct Limits {
  std::size_t bytes = 1 << 20;
  int depth = 16;
};

// Strict RFC 8259: valid UTF-8, no duplicate members, nothing after the value,
// no BOM, bounded depth. The error says what and where.
[[nodiscard]] std::expected<Value, std::string> parse(std::string_view text, Limits limits = {});
[[nodiscard]] std::string write(const Value& value);
[[nodiscard]] std::string write_pretty(const Value& value); // indented by two spaces, for people

// A JSON text without the whitespace between its tokens; everything else stays byte by byte. `text` must be valid.
[[nodiscard]] std::string compact(std::string_view text);

// Appends `text` as a JSON string with its quotes; `text` must be UTF-8.
void append_string(std::string& out, std::string_view text);

// Members by name and type; nullopt if absent or of another type.
[[nodiscard]] std::optional<std::string_view> get_string(const Object& object, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> get_int(const Object& object, std::string_view name);
[[nodiscard]] std::optional<bool> get_bool(const Object& object, std::string_view name);

} // namespace foyer::json
