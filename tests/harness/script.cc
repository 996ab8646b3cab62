#include "harness/script.h"

#include <fmt/format.h>

namespace foyer::harness {

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_outside(std::string_view text, std::string_view mark) {
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (depth == 0 && text.substr(i).starts_with(mark)) {
      parts.push_back(trim(text.substr(from, i - from)));
      from = i + mark.size();
      i = from - 1;
    }
  }
  parts.push_back(trim(text.substr(from)));
  return parts;
}

std::expected<Script, std::string> parse_script(std::string_view text) {
  Script script;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view row = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (row.starts_with('#')) {
      if (!script.name.empty()) continue;
      const std::string_view head = trim(row.substr(1));
      const std::size_t colon = head.find(':');
      if (colon == std::string_view::npos) return std::unexpected("the first line must be `# name: what it shows`");
      script.name = trim(head.substr(0, colon));
      script.about = trim(head.substr(colon + 1));
      continue;
    }
    for (const std::string_view part : split_outside(row, ";"))
      if (!part.empty()) script.statements.push_back({.line = line, .text = std::string(part)});
  }
  if (script.name.empty()) return std::unexpected("the first line must be `# name: what it shows`");
  if (script.statements.empty()) return std::unexpected("nothing happens in it");
  return script;
}

} // namespace foyer::harness
