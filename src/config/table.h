// The only table of options. Loading, validation, `--help`, docs/configuration.md
// and `foyer check` use it; every option has a row.
//
// The option drain_timeout is --drain-timeout on the command line, drain_timeout in
// TOML, FOYER_DRAIN_TIMEOUT in the environment; those marked `plain` are also read
// without the prefix (SERVICE_SECRET).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/options.h"

namespace foyer::config {

struct Roles {};                  // the two role_… fields together, written "auth,gateway"
struct EntryKind;                 // entries.h
using Entries = const EntryKind*; // a list of tables: [[issuer]]

// The field of the value, which determines its type: a function that names the field.
template <class T>
using Field = T& (*)(Config&);
using Slot = std::variant<Field<std::string>, Field<bool>, Field<std::uint32_t>, Field<std::uint64_t>, Field<Millis>,
    Field<std::vector<std::string>>, Field<HostPort>, Field<Environment>, Field<Registration>, Field<EchoAccess>,
    Field<RefuseWith>, Field<ProxyHeaders>, Field<StoreSync>, Field<Nodes>, Field<IdentityMode>, Field<LogFormat>,
    Field<Level>, Roles, Entries>;
template <class T>
[[nodiscard]] const T& value_of(Field<T> field, const Config& config) {
  return field(const_cast<Config&>(config)); // it only names the field and writes nothing
}

enum class Rule : std::uint8_t {
  any,       // bounds only
  bytes,     // a number with or without KiB, MiB, GiB
  word,      // visible characters of a header token: letters, digits, . _ -
  url,       // checked by preflight, which knows the causes of URLs
  origin,    // a serialised origin (RFC 6454 §6.2), or null; never *
  host,      // a host name or address without a port
  cidr,      // an address or a range
  pattern,   // a room name in which * matches anything
  algorithm, // a signature algorithm of tokens
  database,  // sqlite, or a PostgreSQL URL; its password is never shown
  bus,       // the URL of a Valkey or Redis server; likewise
};

struct Option {
  std::string_view name; // snake_case
  std::string_view section;
  Slot slot;
  std::string_view help; // one or two sentences
  bool plain = false;    // also read from the environment without FOYER_
  bool secret = false;   // shown as a fingerprint, never as a value
  bool path = false;     // names a file or directory: has no NAME_FILE twin
  Rule rule = Rule::any;
  std::uint64_t min = 0;          // counts and bytes; durations in milliseconds
  std::uint64_t max = 0;          // 0: no bound
  bool zero = false;              // 0 is allowed in addition to min…max, with a meaning of its own
  std::string_view required = {}; // where it is required, in words
};

[[nodiscard]] std::span<const Option> all_options();
[[nodiscard]] const Option* find_option(std::string_view snake_name);

[[nodiscard]] Config defaults_for(Environment environment);

// Sets the field; the error is the broken rule, without the text.
[[nodiscard]] std::expected<void, std::string> parse_value(const Option& option, std::string_view text, Config& config);
// As written in a file; lists with commas; the password in a database URL as ***.
[[nodiscard]] std::string format_value(const Option& option, const Config& config);
[[nodiscard]] std::string rule_text(const Option& option); // "a duration from 1s to 10m, such as 8s"
// Whether the text must be kept private: a secret, or a URL with a password.
[[nodiscard]] bool holds_secret(const Option& option, std::string_view text);
[[nodiscard]] bool is_number(const Option& option); // a count or a size
[[nodiscard]] bool is_flag(const Option& option);   // a bool: --name alone means true

// Whether a text, or an item of a list, keeps the rule; and the rule in words.
[[nodiscard]] bool keeps_rule(Rule rule, std::string_view text);
[[nodiscard]] std::string_view rule_words(Rule rule);

[[nodiscard]] std::string kebab(std::string_view snake);             // drain_timeout → drain-timeout
[[nodiscard]] std::string env_name(const Option& option);            // SERVICE_SECRET, FOYER_DRAIN_TIMEOUT
[[nodiscard]] std::string prefixed_env_name(std::string_view snake); // FOYER_SERVICE_SECRET

// 8 hex digits over all options that are not secret: equal for processes with equal configurations.
[[nodiscard]] std::string configuration_fingerprint(const Config& config);

} // namespace foyer::config
