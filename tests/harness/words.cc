#include "harness/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
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

namespace {

std::string rest_of(Words& words) {
  std::string_view rest = words.rest();
  if (rest.size() >= 2 && rest.starts_with('"') && rest.ends_with('"')) rest = rest.substr(1, rest.size() - 2);
  return std::string(rest);
}

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

void read_option(Entry& entry, std::string_view text) {
  Words words(text);
  Wish& wish = entry.wish;
  if (words.accept("an", "expired") && words.accept("token")) wish.lives = Millis{-3'600'000};
  else if (words.accept("a", "token") && words.accept("for")) wish.lives = duration_of(words.rest());
  else if (words.accept("a", "token") && words.accept("valid", "in")) wish.valid_in = duration_of(words.rest());
  else if (words.accept("a", "foreign") && words.accept("key")) wish.foreign_key = true;
  else if (words.accept("scope")) wish.scope = rest_of(words);
  else if (words.accept("name")) wish.name = rest_of(words);
  else if (words.accept("session")) wish.session = rest_of(words);
  else if (words.accept("issuer")) wish.issuer = rest_of(words);
  else if (words.accept("audience")) wish.audience = rest_of(words);
  else if (words.accept("environment")) wish.environment = rest_of(words);
  else if (words.accept("type")) wish.type = rest_of(words);
  else if (words.accept("origin")) entry.origin = rest_of(words);
  else if (words.accept("path")) entry.path = rest_of(words);
  else if (words.accept("address")) entry.address = rest_of(words);
  else if (words.accept("header")) read_header(entry, rest_of(words));
  else if (words.accept("no", "header")) entry.headers.add(rest_of(words), "");
  else if (words.accept("subprotocols")) entry.headers.add("Sec-WebSocket-Protocol", rest_of(words));
  else if (words.accept("api", "key")) entry.api_key = true;
  else if (words.accept("loop")) entry.loop = static_cast<std::size_t>(std::stoul(rest_of(words)));
  else throw std::invalid_argument(fmt::format("no such option: {}", text));
}

} // namespace

Entry read_entry(Words& words) {
  Entry entry;
  if (words.accept("by")) {
    entry.how = words.take();
    constexpr std::string_view kWays[] = {"header", "subprotocol", "message", "ticket", "cookie", "url"};
    if (std::ranges::find(kWays, entry.how) == std::end(kWays)) throw std::invalid_argument("no such way in: " + entry.how);
  }
  if (!words.accept("with")) {
    if (!words.rest().empty()) throw std::invalid_argument(fmt::format("not understood: {}", words.rest()));
    return entry;
  }
  for (const std::string_view option : split_outside(words.rest(), ",")) read_option(entry, option);
  return entry;
}

} // namespace foyer::harness
