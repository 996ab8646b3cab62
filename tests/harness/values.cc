#include "harness/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "harness/person.h"
#include "harness/words.h"

namespace foyer::harness {
namespace {

// USER:ROOM:TIME
std::string room_token(Node& node, std::string_view words, bool channel) {
  const std::size_t first = words.find(':'), last = words.rfind(':');
  const auto lives = read_duration(words.substr(last + 1));
  if (first == last || !lives) differ("a room token is USER:ROOM:TIME");
  Wish wish;
  wish.user = words.substr(0, first);
  wish.room = words.substr(first + 1, last - first - 1);
  wish.lives = *lives;
  wish.type = channel ? "JWT" : "room+jwt";
  if (channel) wish.room_claim = "channel";
  return node.token(wish).text;
}

// USER[:LIFE[:SCOPE]]
Wish wish_of(std::string_view words) {
  Wish wish;
  const std::size_t colon = words.find(':');
  wish.user = words.substr(0, colon);
  if (colon == std::string_view::npos) return wish;
  words.remove_prefix(colon + 1);
  const std::size_t second = words.find(':');
  const auto lives = read_duration(words.substr(0, second));
  if (!lives) differ(fmt::format("not a duration: {}", words.substr(0, second)));
  wish.lives = *lives;
  if (second != std::string_view::npos) wish.scope = words.substr(second + 1);
  return wish;
}

// nullopt: the word is no credential.
std::optional<std::string> credential(Node& node, std::string_view word) {
  const std::size_t colon = word.find(':');
  const std::string_view form = word.substr(0, colon);
  if (colon == std::string_view::npos) return std::nullopt;
  word.remove_prefix(colon + 1);
  if (form == "$room" || form == "$channel") return room_token(node, word, form == "$channel");
  if (form == "$ticket") return node.ticket(wish_of(word));
  if (form == "$token") return node.token(wish_of(word)).text;
  return std::nullopt;
}

bool belongs_to_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::string_view(":_-").find(c) != std::string_view::npos;
}

} // namespace

json::Value parse_json(std::string_view text) {
  auto value = json::parse(trim(text));
  if (!value) differ("not JSON: " + value.error());
  return *std::move(value);
}

json::Value Values::in(Node& node, json::Value value) const {
  if (value.is_object())
    for (auto& member : value.get_object()) member.value() = in(node, std::move(member.value()));
  if (value.is_array())
    for (auto& element : value.get_array()) element = in(node, std::move(element));
  if (!value.is_string()) return value;
  const std::string_view word(value.get_string());
  if (!word.starts_with('$')) return value;
  if (auto made = credential(node, word)) return json::Value(*made);
  const auto bound = bindings_.find(std::string(word.substr(1)));
  if (bound == bindings_.end()) differ(fmt::format("{} is not bound", word));
  return bound->second;
}

std::string Values::in_text(Node& node, std::string text) const {
  for (std::size_t at = 0; (at = text.find('$', at)) != std::string::npos;) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::find_if_not(begin + 1, text.end(), belongs_to_word);
    const auto length = static_cast<std::size_t>(end - begin);
    const json::Value value = in(node, json::Value(text.substr(at, length)));
    const std::string by = value.is_string() ? std::string(value.get_string()) : json::write(value);
    text.replace(at, length, by);
    at += by.size();
  }
  return text;
}

} // namespace foyer::harness
