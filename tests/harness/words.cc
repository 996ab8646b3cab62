#include "harness/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace foyer::harness {

std::optional<Millis> read_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit == "ms") return Millis{number};
  if (unit == "s") return Millis{number * 1000};
  if (unit == "m") return Millis{number * 60'000};
  if (unit == "h") return Millis{number * 3'600'000};
  return std::nullopt;
}

std::pair<std::size_t, std::string_view> read_times(std::string_view text) {
  Words words(text);
  std::size_t times = 0;
  const std::string_view first = words.take();
  const auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), times);
  if (error == std::errc{} && end == first.data() + first.size() && words.accept("times")) return {times, words.rest()};
  return {1, text};
}

std::string with_index(std::string_view text, std::size_t index) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find("$i", at)) != std::string::npos;) {
    if (at + 2 < out.size() && std::isalnum(static_cast<unsigned char>(out[at + 2]))) {
      at += 2;
      continue;
    }
    out.replace(at, 2, std::to_string(index));
  }
  return out;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
  return std::string(text);
}

namespace {

Millis duration_of(std::string_view text) {
  const auto duration = read_duration(text);
  if (!duration) throw std::invalid_argument(fmt::format("not a duration: {}", text));
  return *duration;
}

void read_header(Entry& entry, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) throw std::invalid_argument("expected `header NAME: VALUE`");
  entry.headers.add(std::string(trim(text.substr(0, colon))), std::string(trim(text.substr(colon + 1))));
}

// The options, by the words that they begin with.
struct Option {
  std::string_view words;
  void (*apply)(Entry&, const std::string& rest);
};
constexpr Option kOptions[] = {
    {"an expired token", [](Entry& e, const std::string&) { e.wish.lives = Millis{-3'600'000}; }},
    {"a token for", [](Entry& e, const std::string& rest) { e.wish.lives = duration_of(rest); }},
    {"a token valid in", [](Entry& e, const std::string& rest) { e.wish.valid_in = duration_of(rest); }},
    {"a foreign key", [](Entry& e, const std::string&) { e.wish.foreign_key = true; }},
    {"a wrong signature", [](Entry& e, const std::string&) { e.wish.wrong_signature = true; }},
    {"early", [](Entry& e, const std::string& rest) { e.early = rest; }},
    {"scope", [](Entry& e, const std::string& rest) { e.wish.scope = rest; }},
    {"rooms",
        [](Entry& e, const std::string& rest) { // names with blanks between them
  std::istringstream names(rest);
  for (std::string name; names >> name;) e.wish.rooms.push_back(name);
}},
    {"name", [](Entry& e, const std::string& rest) { e.wish.name = rest; }},
    {"session", [](Entry& e, const std::string& rest) { e.wish.session = rest; }},
    {"issuer", [](Entry& e, const std::string& rest) { e.wish.issuer = rest; }},
    {"audience", [](Entry& e, const std::string& rest) { e.wish.audience = rest; }},
    {"environment", [](Entry& e, const std::string& rest) { e.wish.environment = rest; }},
    {"type", [](Entry& e, const std::string& rest) { e.wish.type = rest; }},
    {"origin", [](Entry& e, const std::string& rest) { e.origin = rest; }},
    {"path", [](Entry& e, const std::string& rest) { e.path = rest; }},
    {"address", [](Entry& e, const std::string& rest) { e.address = rest; }},
    {"header", [](Entry& e, const std::string& rest) { read_header(e, rest); }},
    {"deflate",
        [](Entry& e, const std::string& rest) {
  e.headers.add("Sec-WebSocket-Extensions", rest.empty() ? "permessage-deflate; client_max_window_bits" : rest);
}},
    {"no header", [](Entry& e, const std::string& rest) { e.headers.add(rest, ""); }},
    {"subprotocols", [](Entry& e, const std::string& rest) { e.headers.add("Sec-WebSocket-Protocol", rest); }},
    {"api key", [](Entry& e, const std::string&) { e.api_key = true; }},
    {"loop", [](Entry& e, const std::string& rest) { e.loop = static_cast<std::size_t>(std::stoul(rest)); }},
};

void read_option(Entry& entry, std::string_view text) {
  for (const Option& option : kOptions) {
    if (!text.starts_with(option.words)) continue;
    const std::string_view rest = text.substr(option.words.size());
    if (rest.empty() || rest.starts_with(' ')) return option.apply(entry, unquoted(trim(rest)));
  }
  throw std::invalid_argument(fmt::format("no such option: {}", text));
}

} // namespace

Entry read_entry(Words& words) {
  Entry entry;
  if (words.accept("by")) {
    entry.how = words.take();
    constexpr std::string_view kWays[] = {"header", "subprotocol", "message", "ticket", "cookie", "url"};
    if (std::ranges::find(kWays, entry.how) == std::end(kWays))
      throw std::invalid_argument("no such way in: " + entry.how);
  }
  if (!words.accept("with")) {
    if (!words.rest().empty()) throw std::invalid_argument(fmt::format("not understood: {}", words.rest()));
    return entry;
  }
  for (const std::string_view option : split_outside(words.rest(), ",")) read_option(entry, option);
  return entry;
}

} // namespace foyer::harness
