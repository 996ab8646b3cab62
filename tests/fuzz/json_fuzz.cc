// JSON: strict reading, and writing that says the same. The first byte is the depth.
#include <simdjson.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "fuzz.h"

using namespace foyer;

namespace {

int depth_of(const json::Value& value) {
  int inner = 0;
  if (const auto* object = value.if_object())
    for (const auto& member : *object) inner = std::max(inner, depth_of(member.value()));
  else if (const auto* array = value.if_array())
    for (const auto& element : *array) inner = std::max(inner, depth_of(element));
  else
    return 0;
  return inner + 1;
}

// All numbers are finite; all text is UTF-8.
bool sound(const json::Value& value) {
  if (const auto* object = value.if_object())
    return std::ranges::all_of(
        *object, [](const auto& member) { return is_utf8(member.key()) && sound(member.value()); });
  if (const auto* array = value.if_array()) return std::ranges::all_of(*array, sound);
  if (const auto* text = value.if_string()) return is_utf8(*text);
  return !value.is_double() || std::isfinite(value.get_double());
}

double number(const json::Value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return value.get_double();
}

// A whole text that is one number has the value that C gives it.
void check_number(std::string_view text, const json::Value& value) {
  if (!value.is_number()) return;
  const double expected = std::strtod(std::string(text).c_str(), nullptr);
  invariant(number(value) == expected, "a number has the value that it is written with");
}

// simdjson is another reader: it may be more lenient, never stricter but in the size of integers.
void compare(std::string_view text) {
  static simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  const auto error = parser.parse(padded).error();
  invariant(
      error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR, "what is read strictly here is JSON everywhere");
}

void check(std::string_view text, int depth) {
  const auto value = json::parse(text, {.bytes = 4096, .depth = depth});
  if (!value) {
    invariant(!value.error().empty() && is_utf8(value.error()), "a refusal says why");
    return;
  }
  invariant(text.size() <= 4096, "a text is within its limit");
  invariant(is_utf8(text), "JSON is UTF-8");
  invariant(depth_of(*value) <= depth, "a value is as deep as it may be");
  invariant(sound(*value), "what was read can be written");
  compare(text);
  check_number(text, *value);
  for (const auto& written : {json::write(*value), json::write_pretty(*value)}) {
    const auto again = json::parse(written, {.bytes = 1 << 20, .depth = depth});
    invariant(again.has_value() && *again == *value, "what was written is the same when read");
  }
  invariant(json::write(*json::parse(json::write(*value), {.bytes = 1 << 20, .depth = depth})) == json::write(*value),
      "a value has one text");
}

} // namespace

FUZZER(json) {
  fuzz::Bytes bytes(input);
  const int depth = bytes.byte() % 33;
  const std::string_view text = bytes.rest();
  check(text, depth);
  if (!is_utf8(text)) return;
  std::string quoted;
  json::append_string(quoted, text);
  const auto value = json::parse(quoted);
  invariant(value.has_value() && value->is_string() && std::string_view(value->get_string()) == text,
      "any text can be a string");
  invariant(std::ranges::none_of(quoted, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
      "and is printable then");
  // Its value cannot end the string that it stands in, nor be a member twice.
  invariant(!json::parse("{" + quoted + ":1," + quoted + ":2}").has_value(), "a name occurs once in an object");
}
