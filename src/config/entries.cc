#include "config/entries.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "config/illegal.h"
#include "config/secrets.h"
#include "config/values.h"

namespace foyer::config {
namespace {

constexpr std::size_t kMostItems = 64; // of a list or a table in an entry

std::string_view kind_words(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::string: return "a text";
    case boost::json::kind::bool_: return "true or false";
    case boost::json::kind::array: return "a list";
    case boost::json::kind::object: return "a table";
    case boost::json::kind::null: return "a kind of value that no field takes";
    default: return "a number";
  }
}

struct TypeWords {
  const EntryField& field;

  std::string text() const { return field.path ? "a path" : std::string(rule_words(field.rule)); }
  std::string operator()(Member<std::string>) const {
    const std::string rule = text();
    return rule == "text" ? "a text" : rule;
  }
  std::string operator()(Member<bool>) const { return "true or false"; }
  std::string operator()(Member<Millis>) const {
    const auto shown = [](std::size_t ms) { return format_duration(Millis{static_cast<std::int64_t>(ms)}); };
    return fmt::format("a duration from {} to {}, with ms, s, m or h", shown(field.min), shown(field.max));
  }
  std::string operator()(Member<std::optional<bool>>) const { return "true or false"; }
  std::string operator()(Member<std::optional<std::uint64_t>>) const {
    return fmt::format("a number from 0 to {}", field.max);
  }
  std::string operator()(Member<std::optional<rooms::JoinBy>>) const {
    return "one of anyone, members, token, app, nobody";
  }
  std::string operator()(Member<std::optional<rooms::WriteBy>>) const { return "one of anyone, members, app, server"; }
  std::string operator()(Member<std::vector<std::string>>) const { return fmt::format("a list: {}", text()); }
  std::string operator()(Member<Pairs>) const {
    if (field.keys.empty()) return "a table of texts";
    return fmt::format("a table of texts with the names {}", field.keys);
  }
};

std::string type_words(const EntryField& field) { return std::visit(TypeWords{field}, field.slot); }

std::vector<std::string> names_in(std::string_view words) {
  std::vector<std::string> out;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    out.emplace_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return out;
}

std::string_view nearest(std::string_view wanted, const std::vector<std::string>& names) {
  const auto best = std::ranges::min_element(
      names, {}, [&](const std::string& each) { return edit_distance(wanted.substr(0, 64), each); });
  const auto far = std::max<std::size_t>(2, wanted.size() / 3);
  return best != names.end() && edit_distance(wanted.substr(0, 64), *best) <= far ? std::string_view(*best)
                                                                                  : std::string_view{};
}

// Reads one value into its member; what is wrong with it, as faults without the value.
class FieldReader {
 public:
  FieldReader(const EntryField& field, std::string label, void* entry)
      : field_(field),
        label_(std::move(label)),
        entry_(entry) {}

  void read(const json::Value& value) {
    std::visit([&](auto member) { (*this)(member, value); }, field_.slot);
  }
  std::vector<EntryFault> faults() && { return std::move(faults_); }

 private:
  void operator()(Member<std::string> member, const json::Value& value) {
    if (!value.is_string()) return wrong_type(value);
    if (value.get_string().empty() && !field_.required) // as an empty variable: none
      member(entry_).clear();
    else if (usable(value.get_string(), ""))
      member(entry_) = std::string_view(value.get_string());
  }
  void operator()(Member<bool> member, const json::Value& value) {
    if (!value.is_bool()) return wrong_type(value);
    member(entry_) = value.get_bool();
  }
  void operator()(Member<Millis> member, const json::Value& value) {
    if (!value.is_string()) return wrong_type(value);
    const auto duration = parse_duration(value.get_string());
    if (!duration) return wrong("it does not follow the rule");
    const auto ms = static_cast<std::uint64_t>(duration->count());
    if (ms < field_.min || ms > field_.max) return wrong("it is outside that range");
    member(entry_) = *duration;
  }
  void operator()(Member<std::optional<bool>> member, const json::Value& value) {
    if (!value.is_bool()) return wrong_type(value);
    member(entry_) = value.get_bool();
  }
  void operator()(Member<std::optional<std::uint64_t>> member, const json::Value& value) {
    if (value.is_double()) return wrong("it has a fraction");
    if (value.is_uint64()) return wrong("it is outside that range");
    if (!value.is_int64()) return wrong_type(value);
    const std::int64_t number = value.get_int64();
    if (number < 0 || static_cast<std::uint64_t>(number) > field_.max) return wrong("it is outside that range");
    member(entry_) = static_cast<std::uint64_t>(number);
  }
  void operator()(Member<std::optional<rooms::JoinBy>> member, const json::Value& value) {
    member(entry_) = word(value, rooms::join_by);
  }
  void operator()(Member<std::optional<rooms::WriteBy>> member, const json::Value& value) {
    member(entry_) = word(value, rooms::write_by);
  }
  void operator()(Member<std::vector<std::string>> member, const json::Value& value) {
    if (!value.is_array()) return wrong_type(value);
    std::vector<std::string> out;
    const auto& items = value.get_array();
    if (items.size() > kMostItems) return wrong(fmt::format("it has more than {} items", kMostItems));
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string which = fmt::format("item {}: ", i + 1);
      if (!items[i].is_string())
        wrong(fmt::format("{}it is {}", which, kind_words(items[i])));
      else if (usable(items[i].get_string(), which))
        out.emplace_back(std::string_view(items[i].get_string()));
    }
    if (faults_.empty()) member(entry_) = std::move(out);
  }
  void operator()(Member<Pairs> member, const json::Value& value) {
    if (!value.is_object()) return wrong_type(value);
    const auto& object = value.get_object();
    if (object.size() > kMostItems) return wrong(fmt::format("it has more than {} names", kMostItems));
    Pairs out = member(entry_); // those that are not named keep their default
    const auto known = names_in(field_.keys);
    for (const auto& pair : object) {
      const std::string name(pair.key());
      const std::string which = fmt::format("{}: ", printable(name, 64));
      if (!known.empty() && std::ranges::find(known, name) == known.end()) {
        const auto near = nearest(name, known);
        add(Cause::UNKNOWN_OPTION, fmt::format("{} has no name {}.", label_, printable(name, 64)),
            near.empty() ? fmt::format("It takes the names {}.", field_.keys) : fmt::format("Write {}.", near));
      } else if (!pair.value().is_string()) {
        wrong(fmt::format("{}it is {}", which, kind_words(pair.value())));
      } else if (name.empty() || name.size() > field_.max) {
        wrong(fmt::format("a name of {} bytes", name.size()));
      } else if (usable(pair.value().get_string(), which)) {
        out.insert_or_assign(name, std::string(pair.value().get_string()));
      }
    }
    if (faults_.empty()) member(entry_) = std::move(out);
  }

  template <class E>
  std::optional<E> word(const json::Value& value, std::optional<E> (*known_word)(std::string_view)) {
    if (!value.is_string()) {
      wrong_type(value);
      return std::nullopt;
    }
    const auto known = known_word(value.get_string());
    if (!known) wrong("it is another word");
    return known;
  }
  bool usable(std::string_view text, const std::string& which) {
    if (text.empty())
      wrong(which + "it is empty");
    else if (const auto where = illegal_character(text))
      add(Cause::ILLEGAL_CHARACTER, fmt::format("{}: {}{}.", label_, which, *where), "");
    else if (text.size() > field_.max)
      wrong(fmt::format("{}it has more than {} bytes", which, field_.max));
    else if (is_placeholder(text, field_.secret))
      add(Cause::PLACEHOLDER_VALUE, fmt::format("{} still contains text from an example or a template.", label_), "");
    else if (!keeps_rule(field_.rule, text))
      wrong(which + "it does not follow the rule");
    else
      return true;
    return false;
  }
  void wrong_type(const json::Value& value) { wrong(fmt::format("it is {}", kind_words(value))); }
  void wrong(const std::string& what) {
    add(Cause::INVALID_VALUE, fmt::format("{} takes {}; {}.", label_, type_words(field_), what), "");
  }
  void add(Cause code, std::string message, std::string fix) {
    if (fix.empty()) fix = std::string(info(code).next);
    faults_.push_back({code, std::string(field_.name), std::move(message), std::move(fix)});
  }

  const EntryField& field_;
  const std::string label_;
  void* entry_;
  std::vector<EntryFault> faults_;
};

struct AsJson {
  const EntryField& field;
  void* entry;
  json::Value operator()(Member<std::string> member) const {
    return json::Value(field.secret && !member(entry).empty() ? "***" : member(entry));
  }
  json::Value operator()(Member<Millis> member) const { return json::Value(format_duration(member(entry))); }
  json::Value operator()(Member<bool> member) const { return member(entry); }
  json::Value operator()(Member<std::optional<bool>> member) const {
    const auto& value = member(entry);
    return value ? json::Value(*value) : json::Value(nullptr);
  }
  json::Value operator()(Member<std::optional<std::uint64_t>> member) const {
    const auto& value = member(entry);
    return value ? json::Value(*value) : json::Value(nullptr);
  }
  template <class E>
  json::Value operator()(Member<std::optional<E>> member) const {
    const auto& value = member(entry);
    return value ? json::Value(rooms::to_string(*value)) : json::Value(nullptr);
  }
  json::Value operator()(Member<std::vector<std::string>> member) const {
    json::Array out;
    for (const auto& item : member(entry)) out.emplace_back(item);
    return out;
  }
  json::Value operator()(Member<Pairs> member) const {
    json::Object out;
    for (const auto& [name, value] : member(entry)) out[name] = value;
    return out;
  }
};

json::Value value_in(const EntryField& field, void* entry) { return std::visit(AsJson{field, entry}, field.slot); }

std::string default_words(const EntryField& field, void* defaults) {
  const json::Value value = value_in(field, defaults);
  const bool none = (value.is_string() && value.get_string().empty()) ||
      (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty());
  if (field.required) return "required";
  if (value.is_null()) return "as without the rule";
  return none ? "none" : fmt::format("`{}`", json::write(value));
}

std::string label_of(const EntryKind& kind, std::string_view name, std::size_t entry) {
  const bool plain = name.size() <= 64 && (keeps_rule(Rule::word, name) || keeps_rule(Rule::pattern, name));
  return plain ? fmt::format("{} \"{}\"", kind.name, name) : fmt::format("{} {}", kind.name, entry + 1);
}

} // namespace

std::expected<std::vector<EntryText>, std::string> entries_in(std::string_view text, std::string_view source) {
  const auto value = json::parse(text);
  if (!value) return std::unexpected("it is not JSON: " + value.error());
  if (!value->is_array()) return std::unexpected(fmt::format("it is {}", kind_words(*value)));
  std::vector<EntryText> out;
  for (const auto& element : value->get_array()) {
    const auto* object = element.if_object();
    if (object == nullptr) return std::unexpected(fmt::format("element {} is {}", out.size() + 1, kind_words(element)));
    out.push_back({.values = *object, .source = fmt::format("{}, entry {}", source, out.size() + 1)});
  }
  for (auto& entry : out)
    for (const auto& member : entry.values) entry.places.emplace(std::string(member.key()), entry.source);
  return out;
}

std::vector<EntryText> entries_in(const std::vector<TomlEntry>& tables, std::string_view file) {
  const auto at = [&](const TomlPlace& place) {
    return fmt::format("{} line {} column {}", file, place.line, place.column);
  };
  std::vector<EntryText> out;
  for (const auto& table : tables) {
    EntryText text{.values = table.values, .source = at(table.place)};
    for (const auto& [field, place] : table.fields) text.places.emplace(field, at(place));
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<EntryFault> read_entry(const EntryKind& kind, const EntryText& text, Config& config) {
  const std::size_t place = kind.all(config).size();
  void* entry = kind.add(config);
  const std::string label = label_of(kind, json::get_string(text.values, kind.label).value_or(""), place);
  std::vector<EntryFault> faults;
  std::vector<std::string> known;
  for (const auto& field : kind.fields) known.emplace_back(field.name);
  for (const auto& member : text.values) {
    const std::string name(member.key());
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, known);
    faults.push_back({Cause::UNKNOWN_OPTION, name,
        fmt::format("{}: unknown key {}.{}", label, printable(name, 64),
            near.empty() ? "" : fmt::format(" The nearest is {}.", near)),
        near.empty() ? "Remove it, or correct its name; docs/configuration.md lists all keys."
                     : fmt::format("Write {}, or remove it.", near)});
  }
  for (const auto& field : kind.fields) {
    const auto* value = text.values.if_contains(field.name);
    if (value != nullptr) {
      FieldReader reader(field, fmt::format("{}: {}", label, field.name), entry);
      reader.read(*value);
      std::ranges::move(std::move(reader).faults(), std::back_inserter(faults));
    } else if (field.required) {
      faults.push_back({Cause::INVALID_VALUE, std::string(field.name),
          fmt::format("{}: {} is missing; it is {}.", label, field.name, type_words(field)),
          fmt::format("Add {}.", field.name)});
    }
  }
  return faults;
}

bool holds_secret(const EntryKind& kind, std::string_view text) {
  return std::ranges::any_of(kind.fields, [&](const EntryField& field) {
    return field.secret && text.find(fmt::format("\"{}\"", field.name)) != std::string_view::npos;
  });
}

bool holds_secret(const EntryKind& kind, const std::vector<TomlEntry>& tables) {
  return std::ranges::any_of(kind.fields, [&](const EntryField& field) {
    return field.secret &&
        std::ranges::any_of(tables, [&](const TomlEntry& table) { return table.values.contains(field.name); });
  });
}

std::string entry_name(const EntryKind& kind, const Config& config, std::size_t entry) {
  void* at = kind.all(const_cast<Config&>(config)).at(entry);
  for (const auto& field : kind.fields)
    if (const auto* member = std::get_if<Member<std::string>>(&field.slot); member && field.name == kind.label)
      return label_of(kind, (*member)(at), entry);
  return label_of(kind, {}, entry);
}

std::string format_entries(const EntryKind& kind, const Config& config) {
  json::Array list;
  for (void* entry : kind.all(const_cast<Config&>(config))) {
    json::Object out;
    for (const auto& field : kind.fields) {
      json::Value value = value_in(field, entry);
      if (value != value_in(field, kind.defaults())) out[field.name] = std::move(value);
    }
    list.emplace_back(std::move(out));
  }
  return list.empty() ? std::string{} : json::write(list);
}

namespace {
// A bar would end the cell of a table, also in code.
std::string in_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}
} // namespace

std::string entry_markdown(const EntryKind& kind) {
  std::string out = fmt::format("| key of `[[{}]]` | value | default | meaning |\n|---|---|---|---|\n", kind.name);
  for (const auto& field : kind.fields)
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, type_words(field),
        default_words(field, kind.defaults()), in_cell(field.help));
  return out;
}

} // namespace foyer::config
