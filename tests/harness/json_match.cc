#include "harness/json_match.h"

#include <fmt/format.h>

namespace foyer::harness {
namespace {

std::optional<std::string> differs(const std::string& path, const std::string& expected, const std::string& seen) {
  return fmt::format("{}: expected {}, seen {}", path.empty() ? "message" : path, expected, seen);
}

std::optional<std::string> compare(
    const std::string& path, const json::Value& expected, const json::Value& seen, Bindings& bindings);

std::optional<std::string> compare_word(
    const std::string& path, std::string_view word, const json::Value& seen, Bindings& bindings) {
  if (word == "*") return std::nullopt;
  if (word.starts_with('$')) {
    const auto [bound, fresh] = bindings.try_emplace(std::string(word.substr(1)), seen);
    if (fresh || bound->second == seen) return std::nullopt;
    return differs(path, fmt::format("{} as before, {}", word, json::write(bound->second)), json::write(seen));
  }
  if (word.starts_with('~')) {
    if (seen.is_string() && std::string_view(seen.get_string()).starts_with(word.substr(1))) return std::nullopt;
    return differs(path, fmt::format("a string that begins with \"{}\"", word.substr(1)), json::write(seen));
  }
  if (word.size() > 1 && word.starts_with('#')) {
    if (seen.is_array() && std::to_string(seen.get_array().size()) == word.substr(1)) return std::nullopt;
    return differs(path, fmt::format("an array of {}", word.substr(1)),
        seen.is_array() ? fmt::format("one of {}", seen.get_array().size()) : json::write(seen));
  }
  if (seen.is_string() && std::string_view(seen.get_string()) == word) return std::nullopt;
  return differs(path, fmt::format("\"{}\"", word), json::write(seen));
}

std::optional<std::string> compare_object(
    const std::string& path, const json::Object& expected, const json::Value& seen, Bindings& bindings) {
  if (!seen.is_object()) return differs(path, "an object", json::write(seen));
  for (const auto& member : expected) {
    const std::string at =
        path.empty() ? std::string(member.key()) : fmt::format("{}.{}", path, std::string_view(member.key()));
    const json::Value* value = seen.get_object().if_contains(member.key());
    const bool wanted_absent = member.value().is_string() && member.value().get_string() == "!";
    if (value == nullptr && wanted_absent) continue;
    if (value == nullptr) return differs(at, json::write(member.value()), "nothing");
    if (wanted_absent) return differs(at, "nothing", json::write(*value));
    if (auto difference = compare(at, member.value(), *value, bindings)) return difference;
  }
  return std::nullopt;
}

std::optional<std::string> compare(
    const std::string& path, const json::Value& expected, const json::Value& seen, Bindings& bindings) {
  if (expected.is_string()) return compare_word(path, std::string_view(expected.get_string()), seen, bindings);
  if (expected.is_object()) return compare_object(path, expected.get_object(), seen, bindings);
  if (!expected.is_array())
    return expected == seen ? std::nullopt : differs(path, json::write(expected), json::write(seen));
  if (!seen.is_array() || seen.get_array().size() != expected.get_array().size())
    return differs(path, json::write(expected), json::write(seen));
  for (std::size_t i = 0; i < expected.get_array().size(); ++i) {
    if (auto difference =
            compare(fmt::format("{}[{}]", path, i), expected.get_array()[i], seen.get_array()[i], bindings))
      return difference;
  }
  return std::nullopt;
}

} // namespace

std::optional<std::string> mismatch(const json::Value& expected, const json::Value& seen, Bindings& bindings) {
  Bindings tried = bindings;
  auto difference = compare("", expected, seen, tried);
  if (!difference) bindings = std::move(tried);
  return difference;
}

} // namespace foyer::harness
