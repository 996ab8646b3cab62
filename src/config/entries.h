// Options that are lists of tables: [[issuer]], [[rooms]] and [[ask]] in TOML, a JSON array of objects in FOYER_ISSUER.
//
// Each kind of entry has one table of rows, as options have (table.h): name, member, help, rule. Reading, the findings
// and docs/configuration.md use it. The struct of the values lives in the policy of its module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/cause.h"
#include "base/json.h"
#include "config/options.h"
#include "config/table.h"
#include "config/toml_source.h"

namespace foyer::config {

using Pairs = std::map<std::string, std::string>;

// The member of the entry, which determines the type of the value: a function that names it.
template <class T>
using Member = T& (*)(void* entry);
// The optional ones: a key that is left out decides nothing.
using EntrySlot = std::variant<Member<std::string>, Member<bool>, Member<std::vector<std::string>>, Member<Pairs>,
    Member<Millis>, Member<std::optional<bool>>, Member<std::optional<std::uint64_t>>,
    Member<std::optional<rooms::JoinBy>>, Member<std::optional<rooms::WriteBy>>>;

struct EntryField {
  std::string_view name;
  EntrySlot slot;
  std::string_view help;
  Rule rule = Rule::any; // of a text, and of each item of a list
  std::size_t max =
      1024; // bytes of a text, an item, a name or a value; of a number: the largest; of a duration: likewise, in ms
  std::size_t min = 0; // of a duration
  bool path = false;   // names a file
  bool secret = false; // never shown
  bool required = false;
  std::string_view keys = {}; // of a table: the names that it may have, separated by spaces; empty: any
};

struct EntryKind {
  std::string_view name;  // of the option
  std::string_view label; // the field by which findings name an entry
  std::size_t most;       // entries
  std::span<const EntryField> fields;
  void* (*add)(Config&); // an entry with its defaults, behind the others
  std::vector<void*> (*all)(Config&);
  void* (*defaults)();
};

// Of the entries in a list of Config.
template <auto List>
[[nodiscard]] constexpr EntryKind entry_kind(
    std::string_view name, std::string_view label, std::size_t most, std::span<const EntryField> fields) {
  return {.name = name, .label = label, .most = most, .fields = fields, .add = [](Config& config) -> void* {
    return &(config.*List).emplace_back();
  }, .all = [](Config& config) {
    std::vector<void*> out;
    for (auto& each : config.*List) out.push_back(&each);
    return out;
  }, .defaults = []() -> void* {
    static typename std::remove_reference_t<decltype(std::declval<Config&>().*List)>::value_type defaults;
    return &defaults;
  }};
}

extern const EntryKind kAsks; // entry_tables_ask.cc
extern const EntryKind kIssuers;
extern const EntryKind kRooms; // entry_tables_rooms.cc

// An entry before it is read.
struct EntryText {
  json::Object values;
  std::string source;
  std::map<std::string, std::string, std::less<>> places = {}; // of its fields
};
// The entries of a JSON array of objects. The error is a clause, without text of the value.
[[nodiscard]] std::expected<std::vector<EntryText>, std::string> entries_in(
    std::string_view text, std::string_view source);

// Those of a configuration file; `file` is its name for people.
[[nodiscard]] std::vector<EntryText> entries_in(const std::vector<TomlEntry>& tables, std::string_view file);

struct EntryFault {
  Cause code;
  std::string field;
  std::string message;
  std::string fix;
};
// Adds the entry. All its faults: unknown and missing fields, values of another type or against the rule.
[[nodiscard]] std::vector<EntryFault> read_entry(const EntryKind& kind, const EntryText& text, Config& config);

// Whether a JSON array, or the tables of a file, hold a value that is never shown.
[[nodiscard]] bool holds_secret(const EntryKind& kind, std::string_view text);
[[nodiscard]] bool holds_secret(const EntryKind& kind, const std::vector<TomlEntry>& tables);

// How findings name an entry, counted from 0: issuer "shop", or issuer 2.
[[nodiscard]] std::string entry_name(const EntryKind& kind, const Config& config, std::size_t entry);
// A JSON array of the fields that are not at their default; empty if there is no entry.
[[nodiscard]] std::string format_entries(const EntryKind& kind, const Config& config);
// The fields as a table of docs/configuration.md.
[[nodiscard]] std::string entry_markdown(const EntryKind& kind);

} // namespace foyer::config
