#include "protocol/foyer_v1/command_members.h"

#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "base/bytes.h"

namespace foyer::protocol {
namespace {

using simdjson::ondemand::json_type;
using JsonValue = simdjson::ondemand::value;
using JsonObject = simdjson::ondemand::object;
using JsonDocument = simdjson::ondemand::document;

std::string text_of(simdjson::error_code error) { return simdjson::error_message(error); }

class SeenMembers {
 public:
  // False: a duplicate, or more than kMaxMembers names unless `any_number`.
  bool add(std::string_view name, bool any_number = false) {
    for (std::size_t i = 0; i < count_; ++i)
      if (names_[i] == name) return false;
    if (count_ == names_.size()) return any_number && more_.insert(name).second;
    names_[count_++] = name;
    return true;
  }

 private:
  std::array<std::string_view, kMaxMembers> names_;
  std::size_t count_ = 0;
  std::set<std::string_view> more_;
};

bool is_json_number(std::string_view token) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < token.size() && token[i] >= '0' && token[i] <= '9') ++i;
    return i - start;
  };
  while (
      !token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' || token.back() == '\r'))
    token.remove_suffix(1);
  if (i < token.size() && token[i] == '-') ++i;
  const std::size_t first = i;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && token[first] == '0')) return false;
  if (i < token.size() && token[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == token.size();
}

// A number that no double can hold would be read as infinity by some clients, or make them refuse the whole message.
bool fits_double(std::string_view token) {
  constexpr std::size_t kPlain = 300; // digits without an exponent always fit
  if (token.size() < kPlain && token.find_first_of("eE") == std::string_view::npos) return true;
  double value = 0;
  return std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc{} && std::isfinite(value);
}

// How to validate a value that is not read into a member: one that is ignored, or `data`, which is passed on unchanged.
struct WalkLimits {
  int depth = kMaxDepth;
  bool passed_on = false;
};
constexpr WalkLimits kData{.depth = kMaxDataDepth, .passed_on = true};

Walk skip(JsonValue value, int depth, WalkLimits limits = {});

Walk skip_object(JsonObject object, int depth, WalkLimits limits) {
  SeenMembers seen;
  for (auto entry : object) {
    if (entry.error()) return Broken{text_of(entry.error())};
    simdjson::ondemand::field field;
    if (auto e = std::move(entry).get(field)) return Broken{text_of(e)};
    std::string_view name;
    if (auto e = field.unescaped_key().get(name)) return Broken{text_of(e)};
    if (!seen.add(name, limits.passed_on))
      return Broken{"a member occurs twice, or there are too many members: " + printable(name, 64)};
    if (auto broken = skip(field.value(), depth, limits)) return broken;
  }
  return std::nullopt;
}

// Reads a value that no command uses to its end, which validates it.
Walk skip(JsonValue value, int depth, WalkLimits limits) {
  json_type type{};
  if (auto e = value.type().get(type)) return Broken{text_of(e)};
  const bool holds_more = type == json_type::object || type == json_type::array;
  if (depth > limits.depth || (limits.passed_on && holds_more && depth == limits.depth))
    return Broken{"nested deeper than " + std::to_string(limits.depth)};
  switch (type) {
    case json_type::object: {
      JsonObject object;
      if (auto e = value.get_object().get(object)) return Broken{text_of(e)};
      return skip_object(object, depth + 1, limits);
    }
    case json_type::array: {
      simdjson::ondemand::array array;
      if (auto e = value.get_array().get(array)) return Broken{text_of(e)};
      for (auto element : array) {
        JsonValue item;
        if (auto e = element.get(item)) return Broken{text_of(e)};
        if (auto broken = skip(item, depth + 1, limits)) return broken;
      }
      return std::nullopt;
    }
    case json_type::string: {
      std::string_view ignored;
      if (auto e = value.get_string().get(ignored)) return Broken{text_of(e)};
      return std::nullopt;
    }
    case json_type::number:
      if (!is_json_number(value.raw_json_token())) return Broken{"a number is malformed"};
      if (limits.passed_on && !fits_double(value.raw_json_token())) return Broken{"a number is out of range"};
      return std::nullopt;
    case json_type::boolean: {
      bool ignored = false;
      if (auto e = value.get_bool().get(ignored)) return Broken{text_of(e)};
      return std::nullopt;
    }
    case json_type::null: {
      bool is_null = false;
      if (auto e = value.is_null().get(is_null)) return Broken{text_of(e)};
      return is_null ? std::nullopt : Walk{Broken{"an invalid literal"}};
    }
  }
  return Broken{"a value of an unknown type"};
}

// Reads a value of the `wanted` type into `member` with `read`. A value of another type marks the member as wrong and
// is still read to its end.
template <class T, class Read>
Walk read_typed(JsonValue value, json_type wanted, Member<T>& member, Read read) {
  json_type type{};
  if (auto e = value.type().get(type)) return Broken{text_of(e)};
  if (type == wanted) return read();
  member.wrong();
  return skip(value, 1);
}

Walk read_string(JsonValue value, Member<std::string_view>& member) {
  return read_typed(value, json_type::string, member, [&]() -> Walk {
    std::string_view text;
    if (auto e = value.get_string().get(text)) return Broken{text_of(e)};
    member.good(text);
    return std::nullopt;
  });
}

// Accepts digits only: 1.0, 1e3 and -0 are not integers here.
std::optional<std::uint64_t> integer(std::string_view token) {
  while (
      !token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' || token.back() == '\r'))
    token.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc{} || end != token.data() + token.size() || number > kMaxInteger) return std::nullopt;
  return number;
}

Walk read_integer(JsonValue value, Member<std::uint64_t>& member) {
  return read_typed(value, json_type::number, member, [&]() -> Walk {
    const std::string_view token = value.raw_json_token();
    if (!is_json_number(token)) return Broken{"a number is malformed"};
    if (const auto number = integer(token))
      member.good(*number);
    else
      member.wrong();
    return std::nullopt;
  });
}

Walk read_bool(JsonValue value, Member<bool>& member) {
  return read_typed(value, json_type::boolean, member, [&]() -> Walk {
    bool flag = false;
    if (auto e = value.get_bool().get(flag)) return Broken{text_of(e)};
    member.good(flag);
    return std::nullopt;
  });
}

// A list of names; names beyond kMaxFeatures are read and ignored.
Walk read_features(JsonValue value, Member<Features>& member) {
  return read_typed(value, json_type::array, member, [&]() -> Walk {
    simdjson::ondemand::array array;
    if (auto e = value.get_array().get(array)) return Broken{text_of(e)};
    Features features;
    bool strings = true;
    std::size_t count = 0;
    for (auto element : array) {
      JsonValue item;
      if (auto e = element.get(item)) return Broken{text_of(e)};
      Member<std::string_view> name;
      if (auto broken = read_string(item, name)) return broken;
      if (!name.is_good())
        strings = false;
      else if (++count <= kMaxFeatures)
        features.add(name.value);
    }
    if (strings)
      member.good(features);
    else
      member.wrong();
    return std::nullopt;
  });
}

Walk read_since(JsonValue value, Member<Since>& member) {
  return read_typed(value, json_type::object, member, [&]() -> Walk {
    JsonObject object;
    if (auto e = value.get_object().get(object)) return Broken{text_of(e)};
    Member<std::string_view> epoch, time;
    Member<std::uint64_t> offset, change;
    SeenMembers seen;
    for (auto entry : object) {
      simdjson::ondemand::field field;
      if (auto e = std::move(entry).get(field)) return Broken{text_of(e)};
      std::string_view name;
      if (auto e = field.unescaped_key().get(name)) return Broken{text_of(e)};
      if (!seen.add(name)) return Broken{"a member of since occurs twice: " + printable(name, 64)};
      Walk broken;
      if (name == "epoch")
        broken = read_string(field.value(), epoch);
      else if (name == "offset")
        broken = read_integer(field.value(), offset);
      else if (name == "time")
        broken = read_string(field.value(), time);
      else if (name == "change")
        broken = read_integer(field.value(), change);
      else
        broken = skip(field.value(), 2);
      if (broken) return broken;
    }
    using State = Member<std::uint64_t>::State;
    const auto when = time.is_good() ? read_rfc3339(time.value) : std::nullopt;
    const bool wrong_time = time.state != Member<std::string_view>::State::absent && !when;
    if (!epoch.is_good() || !offset.is_good() || change.state == State::wrong || wrong_time)
      member.wrong();
    else
      member.good(Since{.epoch = epoch.value,
          .offset = offset.value,
          .time = when,
          .change = change.is_good() ? std::optional<Offset>(change.value) : std::nullopt});
    return std::nullopt;
  });
}

// `after` is an offset (history) or the name of a room (rooms).
Walk read_after(JsonValue value, Members& members) {
  json_type type{};
  if (auto e = value.type().get(type)) return Broken{text_of(e)};
  if (type == json_type::string) {
    members.after.wrong();
    return read_string(value, members.after_room);
  }
  members.after_room.wrong();
  return read_integer(value, members.after);
}

// Validates `data`, any value, and keeps its JSON text.
Walk read_data(JsonDocument& document, JsonValue value, Member<std::string_view>& member) {
  json_type type{};
  if (auto e = value.type().get(type)) return Broken{text_of(e)};
  const std::string_view first = value.raw_json_token(); // to the next token: all of a value without parts
  if (auto broken = skip(value, 0, kData)) return Broken{"data: " + broken->what, "data"};
  member.good(first);
  if (type != json_type::object && type != json_type::array) return std::nullopt;
  const char* end = nullptr;
  if (auto e = document.current_location().get(end)) return Broken{text_of(e)};
  member.good({first.data(), static_cast<std::size_t>(end - first.data())});
  return std::nullopt;
}

Walk read_member(JsonDocument& document, std::string_view name, JsonValue value, Members& members) {
  switch (name.empty() ? '\0' : name[0]) {
    case 'a':
      if (name == "after") return read_after(value, members);
      if (name == "agent") return read_string(value, members.agent);
      break;
    case 'b':
      if (name == "before") return read_integer(value, members.before);
      break;
    case 'd':
      if (name == "data") return read_data(document, value, members.data);
      break;
    case 'f':
      if (name == "features") return read_features(value, members.features);
      break;
    case 'i':
      if (name == "id") return read_integer(value, members.id);
      break;
    case 'k':
      if (name == "key") return read_string(value, members.key);
      break;
    case 'l':
      if (name == "limit") return read_integer(value, members.limit);
      break;
    case 'm':
      if (name == "message") return read_string(value, members.message);
      if (name == "max_message") return read_integer(value, members.max_message);
      break;
    case 'n':
      if (name == "name") return read_string(value, members.name);
      break;
    case 'o':
      if (name == "on") return read_bool(value, members.on);
      if (name == "offset") return read_integer(value, members.offset);
      break;
    case 'r':
      if (name == "room") return read_string(value, members.room);
      if (name == "request") return read_string(value, members.request);
      if (name == "run") return read_string(value, members.run);
      break;
    case 's':
      if (name == "since") return read_since(value, members.since);
      break;
    case 't':
      if (name == "type") return read_string(value, members.type);
      if (name == "token") return read_string(value, members.token);
      if (name == "ticket") return read_string(value, members.ticket);
      break;
    case 'u':
      if (name == "user") return read_string(value, members.user);
      break;
    default: break;
  }
  return skip(value, 1);
}

} // namespace

Walk read_members(simdjson::ondemand::parser& parser, std::string_view text, Members& members) {
  simdjson::ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
  if (auto e = parser.iterate(padded).get(document)) return Broken{text_of(e)};
  JsonObject object;
  if (document.get_object().get(object)) return Broken{"not a JSON object"};
  SeenMembers seen;
  for (auto entry : object) {
    simdjson::ondemand::field field;
    if (auto e = std::move(entry).get(field)) return Broken{text_of(e)};
    std::string_view name;
    if (auto e = field.unescaped_key().get(name)) return Broken{text_of(e)};
    if (!seen.add(name)) return Broken{"a member occurs twice, or there are too many members: " + printable(name, 64)};
    if (auto broken = read_member(document, name, field.value(), members)) return broken;
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return Broken{"unexpected text after the object"};
  return std::nullopt;
}

} // namespace foyer::protocol
