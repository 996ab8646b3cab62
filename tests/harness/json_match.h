// What a scenario says about a message, held against the message.
//
// An object matches if each of its members does: others may be there. An array
// matches element by element, with as many elements. Strings have some magic:
//   "*"       anything, but it must be there
//   "!"       must not be there
//   "$name"   the first time anything, which is remembered; later the same again
//   "~text"   a string that begins with text
//   "#3"      an array of three elements
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/json.h"

namespace foyer::harness {

using Bindings = std::map<std::string, json::Value>;

// What differs, as a path and both sides; nullopt: it matches. Names are bound
// only if everything matched.
[[nodiscard]] std::optional<std::string> mismatch(
    const json::Value& expected, const json::Value& seen, Bindings& bindings);

} // namespace foyer::harness
