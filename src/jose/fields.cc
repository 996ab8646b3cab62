#include "jose/fields.h"

#include <simdjson.h>

#include <algorithm>
#include <new>

namespace foyer::jose {
namespace {

constexpr std::size_t kDeepest = 16;
constexpr std::size_t kUsualBytes = 4 * 1024;
constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kFewMembers = 24; // up to this number every pair is compared, beyond it names are sorted

// Most names differ in length or first letter; memcmp is for the others.
bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || (a.front() == b.front() && a == b));
}

bool names_repeat(std::vector<std::string_view> names) {
  if (names.size() <= kFewMembers) {
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t j = i + 1; j < names.size(); ++j)
        if (same_name(names[i], names[j])) return true;
    return false;
  }
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

// Objects inside the object: duplicate members are refused there, too.
bool nested_repeat(const simdjson::dom::element& element) {
  if (element.is_array()) {
    const simdjson::dom::array array = element.get_array().value_unsafe();
    return std::any_of(
        array.begin(), array.end(), [](const simdjson::dom::element& item) { return nested_repeat(item); });
  }
  if (!element.is_object()) return false;
  std::vector<std::string_view> names;
  for (const auto member : simdjson::dom::object(element.get_object().value_unsafe())) {
    if (nested_repeat(member.value)) return true;
    names.push_back(member.key);
  }
  return names_repeat(std::move(names));
}

bool members_repeat(const std::vector<Field>& fields) {
  if (fields.size() <= kFewMembers) {
    for (std::size_t i = 0; i < fields.size(); ++i)
      for (std::size_t j = i + 1; j < fields.size(); ++j)
        if (same_name(fields[i].name, fields[j].name)) return true;
    return false;
  }
  std::vector<std::string_view> names;
  for (const auto& field : fields) names.push_back(field.name);
  return names_repeat(std::move(names));
}

// An array whose items are all strings is `strings`, any other one `other`. The strings go to the end of `items`.
void read_array(const simdjson::dom::array& array, Field& field, std::vector<std::string_view>& items) {
  field.kind = Field::Kind::strings;
  field.first = items.size();
  for (const auto item : array) {
    std::string_view word;
    if (item.get_string().get(word) != simdjson::SUCCESS) {
      field.kind = Field::Kind::other;
      break;
    }
    items.push_back(word);
  }
  field.count = items.size() - field.first;
}

Field field_of(const simdjson::dom::key_value_pair& member, std::vector<std::string_view>& items) {
  Field field;
  field.name = member.key;
  switch (member.value.type()) {
    case simdjson::dom::element_type::NULL_VALUE: break;
    case simdjson::dom::element_type::BOOL:
      field.kind = Field::Kind::boolean;
      field.flag = member.value.get_bool().value_unsafe();
      break;
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
      field.kind = Field::Kind::number;
      field.number = member.value.get_double().value_unsafe();
      break;
    case simdjson::dom::element_type::STRING:
      field.kind = Field::Kind::string;
      field.text = member.value.get_string().value_unsafe();
      break;
    case simdjson::dom::element_type::ARRAY: read_array(member.value.get_array().value_unsafe(), field, items); break;
    case simdjson::dom::element_type::OBJECT: field.kind = Field::Kind::other; break;
  }
  return field;
}

std::string_view fault_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR: return "JSON that is not UTF-8";
    case simdjson::NUMBER_ERROR: return "JSON with a number out of range";
    case simdjson::DEPTH_ERROR: return "JSON too deep";
    case simdjson::CAPACITY: return "JSON that is too long";
    default: return "not valid JSON";
  }
}

} // namespace

struct Fields::Parser {
  Parser() {
    if (dom.allocate(kUsualBytes, kDeepest) != simdjson::SUCCESS) throw std::bad_alloc();
  }
  simdjson::dom::parser dom{kMostBytes};
  std::string padded;
};

Fields::Fields() : parser_(std::make_unique<Parser>()) {}
Fields::~Fields() = default;
Fields::Fields(Fields&&) noexcept = default;
Fields& Fields::operator=(Fields&&) noexcept = default;

std::expected<void, std::string_view> Fields::parse(std::string_view text) {
  fields_.clear();
  items_.clear();
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') return std::unexpected("not a JSON object");
  auto& padded = parser_->padded;
  padded.assign(text);
  padded.append(simdjson::SIMDJSON_PADDING, '\0');

  simdjson::dom::element root;
  if (const auto error = parser_->dom.parse(padded.data(), text.size(), false).get(root); error != simdjson::SUCCESS)
    return std::unexpected(fault_of(error));
  simdjson::dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) return std::unexpected("not a JSON object");

  for (const auto member : object) {
    const Field field = field_of(member, items_);
    if (field.kind == Field::Kind::other && nested_repeat(member.value))
      return std::unexpected("JSON with a duplicate member");
    fields_.push_back(field);
  }
  if (members_repeat(fields_)) return std::unexpected("JSON with a duplicate member");
  return {};
}

const Field* Fields::find(std::string_view name) const {
  for (const auto& field : fields_)
    if (same_name(field.name, name)) return &field;
  return nullptr;
}

std::string_view to_string(Field::Kind kind) {
  switch (kind) {
    case Field::Kind::null: return "null";
    case Field::Kind::boolean: return "true or false";
    case Field::Kind::number: return "a number";
    case Field::Kind::string: return "a string";
    case Field::Kind::strings: return "an array of strings";
    case Field::Kind::other: return "an object or an array";
  }
  return "";
}

} // namespace foyer::jose
