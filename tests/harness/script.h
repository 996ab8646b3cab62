// The text of a scenario, taken apart into statements. The grammar of a statement
// is the player's (player.h); tests/scenarios/README.md explains it all.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::harness {

struct Statement {
  int line = 0;
  std::string text; // trimmed, not empty
};

struct Script {
  std::string name; // of the first line, "# NAME: what it shows"
  std::string about;
  std::vector<Statement> statements;
};

// Statements end at a line's end or at a `;` that is neither in a string nor in
// brackets. A line that begins with # is a comment.
[[nodiscard]] std::expected<Script, std::string> parse_script(std::string_view text);

// Splits at `mark` where neither a string nor a bracket is open; trims the parts.
[[nodiscard]] std::vector<std::string_view> split_outside(std::string_view text, std::string_view mark);
[[nodiscard]] std::string_view trim(std::string_view text);

} // namespace foyer::harness
