// What browsers and client libraries print when a WebSocket fails, and which causes and findings lead to it. A table;
// nothing is asked of any server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace foyer::doctor {

inline constexpr std::size_t kLongestSaying = 64 * 1024; // more of the text is not read

struct Meaning {
  std::string means = {};                   // one sentence; empty: nothing in the text is known
  std::vector<std::string_view> codes = {}; // of causes and findings, the most likely first; may be empty
  std::string next = {};                    // one next step
  bool named = false;                       // the text itself names the cause: Foyer's own words
};

// By the first of: a code of Foyer in the text, words of a known program, a status of HTTP, a close code.
[[nodiscard]] Meaning what_it_means(std::string_view text);

[[nodiscard]] std::string meaning_to_text(const Meaning& meaning);
// {"means","codes":[{"code","client","next"}],"next","named"}
[[nodiscard]] json::Object meaning_to_json(const Meaning& meaning);

} // namespace foyer::doctor
