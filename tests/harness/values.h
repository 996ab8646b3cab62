// The values that a scenario writes as words with a `$`: credentials that the node makes for it, and what it has bound
// to a name (json_match.h).
//
//   $token:USER[:LIFE[:SCOPE]]     an access token; LIFE and TIME are durations, negative ones expired so long ago
//   $ticket:USER                   a socket ticket
//   $room:USER:ROOM:TIME           a room token; $channel:… the same in Centrifugo's form
//   $name                          a bound value
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "harness/json_match.h"
#include "harness/node.h"

namespace foyer::harness {

// Throws std::runtime_error if `text` is not JSON.
[[nodiscard]] json::Value parse_json(std::string_view text);

// All of it throws std::runtime_error for a name that is not bound and for a credential that is not written as above.
class Values {
 public:
  explicit Values(const Bindings& bindings) : bindings_(bindings) {}
  // The value with each string in it replaced that is such a word as a whole.
  [[nodiscard]] json::Value in(Node& node, json::Value value) const;
  // The text with each such word in it replaced. A word ends before the first character that is no letter, digit, `:`,
  // `_` or `-`.
  [[nodiscard]] std::string in_text(Node& node, std::string text) const;

 private:
  const Bindings& bindings_;
};

} // namespace foyer::harness
