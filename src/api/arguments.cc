#include "api/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "api/limits.h"
#include "base/bytes.h"
#include "base/http.h"
#include "rooms/model/room.h"

namespace foyer::api {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skip_blanks(std::string_view json, std::size_t at) {
  while (at < json.size() && is_blank(json[at])) ++at;
  return at;
}

// The quotation mark that ends the string whose text begins at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (;;) {
    const std::size_t quote = std::min(json.find('"', at), json.size());
    const std::size_t escape = json.substr(at, quote - at).find('\\');
    if (escape == std::string_view::npos) return quote;
    at = std::min(at + escape + 2, json.size());
  }
}

// The end of the value that begins at `at`.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  int depth = 0;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      at = end_of_string(json, at + 1);
      if (depth == 0) return std::min(at + 1, json.size());
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at; // of the enclosing value, behind a number or a word
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || is_blank(c))) {
      return at;
    }
  }
  return json.size();
}

std::string decoded(std::string_view name) {
  if (name.find('\\') == std::string_view::npos) return std::string(name.substr(1, name.size() - 2));
  auto value = json::parse(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string{};
}

bool is_empty(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return true;
    case boost::json::kind::bool_: return !value.get_bool();
    case boost::json::kind::int64: return value.get_int64() == 0;
    case boost::json::kind::uint64: return value.get_uint64() == 0;
    case boost::json::kind::double_: return value.get_double() == 0;
    case boost::json::kind::string: return value.get_string().empty();
    case boost::json::kind::array: return value.get_array().empty();
    case boost::json::kind::object: return value.get_object().empty();
  }
  return false;
}

std::unexpected<Refusal> wrong(const Field& field, std::string_view must) {
  return std::unexpected(Refusal{.cause = Cause::BAD_REQUEST,
      .evidence = fmt::format("{} {}", field.name, must),
      .field = std::string(field.name),
      .detail = fmt::format("`{}` {}.", field.name, must)});
}

bool is_key_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}
bool is_user_text(std::string_view text) { return rooms::kind_of("user:" + std::string(text)).has_value(); }
// 000000000003, and with several nodes 000000000003.NODE
bool is_place_text(std::string_view text) {
  if (text.empty()) return true;
  const std::string_view place = text.substr(0, text.find('.'));
  if (place.size() != 12 || place.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
  if (place == text) return true;
  const std::string_view node = text.substr(place.size() + 1);
  return !node.empty() && node.size() <= 64 && std::ranges::all_of(node, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}
bool is_pattern_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view{"._-:@|~*"}.find(c) != std::string_view::npos;
  });
}

std::int64_t characters(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

Result<void> check_text(const Field& field, std::string_view text, bool of_list) {
  if (field.grammar == Grammar::room || field.grammar == Grammar::private_room) {
    auto kind = rooms::kind_of(text);
    if (kind && field.grammar == Grammar::private_room && *kind != rooms::RoomKind::private_)
      kind = std::unexpected(Refusal{.cause = Cause::ROOM_NAME_INVALID,
          .evidence = printable(text, 80),
          .detail = "Only private rooms are created: `private:NAME`."});
    if (kind) return {};
    kind.error().field = field.name;
    return std::unexpected(std::move(kind).error());
  }
  if (field.grammar == Grammar::person && (text.starts_with("app:") || text.starts_with("system:")))
    return wrong(field, "must be a person's id: those that begin with app: or system: are not");
  if (field.grammar == Grammar::user || field.grammar == Grammar::person)
    return is_user_text(text) ? Result<void>{} : wrong(field, "must be a user's id");
  const auto size = characters(text);
  if (!of_list && (size < field.least || (field.most > 0 && size > field.most)))
    return wrong(field, fmt::format("must have {} to {} characters", field.least, field.most));
  if (field.grammar == Grammar::key && !is_key_text(text))
    return wrong(field, "must be printable ASCII without blanks");
  if (field.grammar == Grammar::place && !is_place_text(text))
    return wrong(field, "must be the next of the answer before");
  if (field.grammar == Grammar::pattern && !is_pattern_text(text))
    return wrong(field, "must be a room's name in which * may stand for anything");
  return {};
}

std::optional<std::int64_t> integer(const json::Value& value) {
  if (value.is_int64()) return value.get_int64();
  if (!value.is_double()) return std::nullopt;
  const double number = value.get_double(); // 1.0 is the integer 1 (JSON Schema)
  if (std::floor(number) != number || std::abs(number) > 9'007'199'254'740'992.0) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Result<void> check_list(const Field& field, const json::Value& value, bool of_texts) {
  if (!value.is_array()) return wrong(field, of_texts ? "must be a list of texts" : "must be a list of objects");
  const auto size = static_cast<std::int64_t>(value.get_array().size());
  if (size < field.least || size > field.most)
    return wrong(field, fmt::format("must have {} to {} items", field.least, field.most));
  for (const json::Value& item : value.get_array()) {
    if (of_texts ? !item.is_string() : !item.is_object())
      return wrong(field, of_texts ? "must be a list of texts" : "must be a list of objects");
    if (of_texts) TRY_VOID(check_text(field, std::string_view{item.get_string()}, true));
  }
  return {};
}

bool names_user(const Field& field) { return field.grammar == Grammar::user || field.grammar == Grammar::person; }

// The id of a user who is named as {"issuer":…,"sub":…}; any other value as it is.
Result<json::Value> with_id(const Field& field, const json::Value& value, const UserIds& users) {
  if (!value.is_object()) return json::Value(value);
  const json::Object& named = value.get_object();
  const auto issuer = json::get_string(named, "issuer");
  const auto sub = json::get_string(named, "sub");
  if (!users.any() || named.size() != 2 || !issuer || !sub || sub->empty() || characters(*sub) > kNameLength)
    return wrong(field, users.any() ? "must be a user's id, or {\"issuer\":…,\"sub\":…}" : "must be a user's id");
  auto id = users.id_of(*issuer, *sub);
  if (!id) return wrong(field, "must name one of the configured issuers");
  return json::Value(*id);
}

Result<json::Value> with_ids(const Field& field, const json::Value& value, const UserIds& users) {
  if (!value.is_array()) return with_id(field, value, users);
  json::Array out;
  for (const json::Value& each : value.get_array()) {
    TRY(id, with_id(field, each, users));
    out.push_back(std::move(id));
  }
  return json::Value(std::move(out));
}

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  const auto found = std::ranges::find_if(
      fields, [name](const Field& f) { return iequals(f.name, name) || (!f.alias.empty() && iequals(f.alias, name)); });
  return found == fields.end() ? nullptr : &*found;
}

} // namespace

std::vector<RawMember> raw_members(std::string_view json) {
  std::vector<RawMember> out;
  std::size_t at = skip_blanks(json, 0);
  if (at >= json.size()) return out;
  const bool object = json[at] == '{';
  for (++at;;) {
    at = skip_blanks(json, at);
    if (at >= json.size() || json[at] == '}' || json[at] == ']') return out;
    RawMember member;
    if (object) {
      const std::size_t end = end_of_value(json, at);
      member.name = json.substr(at, end - at);
      at = skip_blanks(json, std::min(skip_blanks(json, end) + 1, json.size())); // over the colon
    }
    const std::size_t end = end_of_value(json, at);
    member.value = json.substr(at, end - at);
    out.push_back(member);
    at = skip_blanks(json, end);
    if (at < json.size() && json[at] == ',') ++at;
  }
}

Result<void> Arguments::add(const Field& field, const json::Value& value, std::string_view text, const UserIds& users) {
  Argument argument{.field = &field};
  switch (field.type) {
    case Type::text:
      if (!value.is_string()) return wrong(field, "must be a text");
      TRY_VOID(check_text(field, std::string_view{value.get_string()}, false));
      break;
    case Type::number: {
      const auto number = integer(value);
      if (!number || *number < field.least || *number > field.most)
        return wrong(field, fmt::format("must be an integer from {} to {}", field.least, field.most));
      argument.value = *number;
      all_.push_back(std::move(argument));
      return {};
    }
    case Type::flag:
      if (!value.is_bool()) return wrong(field, "must be true or false");
      break;
    case Type::object: {
      if (!value.is_object()) return wrong(field, "must be an object");
      TRY(members, read(field.members, value.get_object(), text, users));
      argument.members.push_back(std::move(members));
      break;
    }
    case Type::texts: TRY_VOID(check_list(field, value, true)); break;
    case Type::objects:
      TRY_VOID(check_list(field, value, false));
      argument.text = text;
      break;
    case Type::any:
    case Type::map: argument.text = text; break;
  }
  if (field.type != Type::any) argument.value = value;
  all_.push_back(std::move(argument));
  return {};
}

Result<Arguments> Arguments::read(
    std::span<const Field> fields, const json::Object& sent, std::string_view text, const UserIds& users) {
  Arguments out;
  out.all_.reserve(sent.size());
  std::vector<RawMember> raw; // in the order of `sent`, once it is needed
  std::size_t place = 0;
  for (const auto& [name, value] : sent) {
    const std::size_t here = place++;
    const Field* field = find_field(fields, name);
    if (field == nullptr)
      return std::unexpected(Refusal{.cause = Cause::BAD_REQUEST,
          .evidence = "unknown field",
          .field = printable(name, 64),
          .detail = fmt::format("There is no field `{}`.", printable(name, 64))});
    if (value.is_null() || (field->treatment != Treatment::kept && is_empty(value))) continue;
    if (out.has(field->name)) return wrong(*field, "came twice");
    if (field->treatment == Treatment::refused)
      return std::unexpected(Refusal{.cause = Cause::API_FIELD_REFUSED,
          .evidence = fmt::format("{}: {}", field->name, field->says),
          .field = std::string(field->name),
          .detail = fmt::format("`{}`: {}", field->name, field->says)});
    const bool needs_text = field->type == Type::any || field->type == Type::object || field->type == Type::objects;
    if (needs_text && raw.empty()) raw = raw_members(text);
    if (needs_text && (here >= raw.size() || decoded(raw[here].name) != std::string_view{name}))
      return refuse(Cause::INTERNAL_ERROR, "a field was not found again in its text");
    const std::string_view as_sent = needs_text ? raw[here].value : std::string_view{};
    if (names_user(*field) && (value.is_object() || value.is_array())) {
      TRY(with, with_ids(*field, value, users));
      TRY_VOID(out.add(*field, with, as_sent, users));
    } else {
      TRY_VOID(out.add(*field, value, as_sent, users));
    }
  }
  TRY_VOID(out.complete(fields));
  return out;
}

Result<void> Arguments::complete(std::span<const Field> fields) const {
  int choice = 0, chosen = 0;
  for (const Field& field : fields) {
    if (field.required && !has(field.name)) return wrong(field, "is required");
    if (!field.choice) continue;
    ++choice;
    chosen += has(field.name) ? 1 : 0;
  }
  if (choice == 0 || chosen == 1) return {};
  std::string choices;
  for (const Field& field : fields)
    if (field.choice) choices += (choices.empty() ? "`" : ", `") + std::string(field.name) + "`";
  return std::unexpected(Refusal{.cause = Cause::BAD_REQUEST,
      .evidence = "exactly one of " + choices,
      .field = "body",
      .detail = "Exactly one of these must be sent: " + choices + "."});
}

const Arguments::Argument* Arguments::find(std::string_view name) const {
  const auto found = std::ranges::find_if(all_, [name](const Argument& a) { return a.field->name == name; });
  return found == all_.end() ? nullptr : &*found;
}

std::string_view Arguments::text(std::string_view name) const {
  const Argument* argument = find(name);
  return argument == nullptr ? std::string_view{} : std::string_view{argument->value.get_string()};
}

std::optional<std::int64_t> Arguments::number(std::string_view name) const {
  const Argument* argument = find(name);
  return argument == nullptr ? std::nullopt : std::optional<std::int64_t>{argument->value.get_int64()};
}

bool Arguments::flag(std::string_view name) const {
  const Argument* argument = find(name);
  return argument != nullptr && argument->value.get_bool();
}

std::vector<std::string> Arguments::texts(std::string_view name) const {
  std::vector<std::string> out;
  if (const Argument* argument = find(name))
    for (const json::Value& item : argument->value.get_array()) out.emplace_back(item.get_string());
  return out;
}

const json::Array* Arguments::list(std::string_view name) const {
  const Argument* argument = find(name);
  return argument == nullptr ? nullptr : &argument->value.get_array();
}

const Arguments* Arguments::object(std::string_view name) const {
  const Argument* argument = find(name);
  return argument == nullptr ? nullptr : &argument->members.front();
}

std::vector<std::string_view> Arguments::users() const {
  std::vector<std::string_view> out;
  for (const Argument& argument : all_) {
    for (const Arguments& member : argument.members) std::ranges::copy(member.users(), std::back_inserter(out));
    if (!names_user(*argument.field)) continue;
    if (argument.value.is_string()) out.push_back(std::string_view{argument.value.get_string()});
    if (argument.value.is_array())
      for (const json::Value& each : argument.value.get_array()) out.push_back(std::string_view{each.get_string()});
  }
  return out;
}

std::string_view Arguments::json_text(std::string_view name) const {
  const Argument* argument = find(name);
  return argument == nullptr ? std::string_view{} : std::string_view{argument->text};
}

} // namespace foyer::api
