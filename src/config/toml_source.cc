#include "config/toml_source.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/impl/preprocessor.h>
// The parser assumes what not every input keeps ("[", a line feed, a control character)
// and has a branch with an error for it. Without the assumption that branch is taken.
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_ASSERT_ASSUME(expr) static_assert(true)
#include <toml++/toml.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <algorithm>

namespace foyer::config {
namespace {

// An option's value as text; lists with commas.
std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* s = node.as_string()) return s->get();
  if (const auto* i = node.as_integer()) return std::to_string(i->get());
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::string> value_text(const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr) return scalar(node);
  std::string out;
  for (const auto& element : *array) {
    const auto text = scalar(element);
    if (!text || text->find(',') != std::string::npos) return std::nullopt;
    if (!out.empty()) out += ',';
    out += *text;
  }
  return out;
}

void collect(const toml::table& table, const std::string& prefix, std::vector<TomlItem>& out) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* inner = node.as_table(); inner != nullptr && !inner->empty()) {
      collect(*inner, name + ".", out);
      continue;
    }
    out.push_back({name, value_text(node), key.source().begin.line, key.source().begin.column});
  }
}

// The parser quotes what it read, which may be part of a secret.
std::string without_quotes(std::string_view message) {
  std::string out;
  bool quoted = false;
  for (const char c : message) {
    if (c == '\'' || c == '"') {
      if (!quoted) out += "'…'";
      quoted = !quoted;
    } else if (!quoted) {
      out += c;
    }
  }
  return out;
}

} // namespace

std::expected<std::vector<TomlItem>, TomlError> read_toml(std::string_view text) {
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    const auto& error = result.error();
    return std::unexpected(TomlError{without_quotes(error.description()), error.source().begin.line, error.source().begin.column});
  }
  std::vector<TomlItem> out;
  collect(result.table(), "", out);
  std::ranges::stable_sort(out, [](const TomlItem& a, const TomlItem& b) { return std::pair(a.line, a.column) < std::pair(b.line, b.column); });
  return out;
}

} // namespace foyer::config
