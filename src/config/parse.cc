// Converts texts to typed fields and back, according to the table's rows.
#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <limits>
#include <type_traits>

#include "base/bytes.h"
#include "config/entries.h"
#include "config/table.h"
#include "config/values.h"
#include "jose/algorithm.h"
#include "redis/bus_url.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

using Parsed = std::expected<void, std::string>;

template <class T>
concept Enumeration = std::is_enum_v<T>;
template <class T>
concept Number = std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
        c == '-';
  });
}

// RFC 6454 §6.2: scheme://host, a port only if it is not the default, nothing else.
bool is_origin(std::string_view text) {
  if (text == "null") return true;
  const auto scheme = text.substr(0, text.find("://"));
  if (scheme == "http" || scheme == "https") {
    const auto url = wire::parse_url(text);
    return url && url->origin() == text;
  }
  // Apps with embedded browsers use schemes of their own (capacitor://localhost).
  if (scheme.size() == text.size() || scheme.empty() || scheme == "ws" || scheme == "wss") return false;
  const auto rest = text.substr(scheme.size() + 3);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == ':' || c == '_';
  };
  return !rest.empty() && std::ranges::all_of(scheme, plain) && std::ranges::all_of(rest, plain);
}

bool is_host(std::string_view text) {
  const auto url = wire::parse_url(fmt::format("http://{}", text));
  return url && !url->port_given && url->path.empty() && url->query.empty();
}

bool is_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("._-:*@|~").find(c) != std::string_view::npos;
  });
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) out.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

bool hides_password(Rule rule) { return rule == Rule::database || rule == Rule::bus; }

bool in_bounds(const Option& option, std::uint64_t n) {
  if (n == 0 && option.zero) return true;
  return n >= option.min && (option.max == 0 || n <= option.max);
}

struct Parser {
  const Option& option;
  std::string_view text;
  Config& config;

  Parsed wrong() const { return std::unexpected(rule_text(option)); }

  Parsed operator()(Field<std::string> field) const {
    if (!text.empty() && !keeps_rule(option.rule, text)) return wrong();
    if (!text.empty() && !option.secret && !in_bounds(option, text.size()))
      return wrong(); // preflight checks the length of secrets
    if (option.secret && option.max != 0 && text.size() > option.max) return wrong();
    field(config) = std::string(text);
    return {};
  }
  Parsed operator()(Field<bool> field) const {
    const auto value = parse_bool(text);
    if (!value) return wrong();
    field(config) = *value;
    return {};
  }
  template <Number N>
  Parsed operator()(Field<N> field) const {
    const auto value = option.rule == Rule::bytes ? parse_size(text) : parse_count(text);
    if (!value || !in_bounds(option, *value) || *value > std::numeric_limits<N>::max()) return wrong();
    field(config) = static_cast<N>(*value);
    return {};
  }
  Parsed operator()(Field<Millis> field) const {
    const auto value = parse_duration(text);
    if (!value || !in_bounds(option, static_cast<std::uint64_t>(value->count()))) return wrong();
    field(config) = *value;
    return {};
  }
  Parsed operator()(Field<std::vector<std::string>> field) const {
    auto items = split_list(text);
    if (items.size() > 256) return wrong();
    for (auto& item : items) {
      if (!keeps_rule(option.rule, item)) return wrong();
      if (option.rule == Rule::host)
        for (char& c : item) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    field(config) = std::move(items);
    return {};
  }
  Parsed operator()(Field<HostPort> field) const {
    if (text.empty() && field(config).empty()) return {};
    const auto value = parse_host_port(text);
    if (!value) return wrong();
    field(config) = *value;
    return {};
  }
  template <Enumeration E>
  Parsed operator()(Field<E> field) const {
    const auto value = parse_word<E>(text);
    if (!value) return wrong();
    field(config) = *value;
    return {};
  }
  Parsed operator()(Entries) const { // entries.h reads them
    if (text.empty()) return {};
    return wrong();
  }
  Parsed operator()(Roles) const {
    const auto items = split_list(text);
    bool auth = false;
    bool gateway = false;
    for (const auto& item : items) {
      if (item == "auth")
        auth = true;
      else if (item == "gateway")
        gateway = true;
      else
        return wrong();
    }
    if (!auth && !gateway) return wrong();
    config.role_auth = auth;
    config.role_gateway = gateway;
    return {};
  }
};

struct Formatter {
  const Option& option;
  const Config& config;

  std::string operator()(Field<std::string> field) const {
    return hides_password(option.rule) ? without_password(value_of(field, config)) : value_of(field, config);
  }
  std::string operator()(Field<bool> field) const { return value_of(field, config) ? "true" : "false"; }
  template <Number N>
  std::string operator()(Field<N> field) const {
    return option.rule == Rule::bytes ? format_size(value_of(field, config))
                                      : fmt::format("{}", value_of(field, config));
  }
  std::string operator()(Field<Millis> field) const { return format_duration(value_of(field, config)); }
  std::string operator()(Field<std::vector<std::string>> field) const {
    return fmt::format("{}", fmt::join(value_of(field, config), ","));
  }
  std::string operator()(Field<HostPort> field) const { return format_host_port(value_of(field, config)); }
  template <Enumeration E>
  std::string operator()(Field<E> field) const {
    return std::string(word_of(value_of(field, config)));
  }
  std::string operator()(Entries kind) const { return format_entries(*kind, config); }
  std::string operator()(Roles) const {
    return config.role_auth && config.role_gateway ? "auth,gateway" : config.role_auth ? "auth" : "gateway";
  }
};

struct RuleText {
  const Option& option;

  std::string range(const std::string& min, const std::string& max) const {
    std::string out = option.max == 0 ? fmt::format("at least {}", min) : fmt::format("{} to {}", min, max);
    if (option.zero && option.min > 0) out += ", or 0";
    return out;
  }
  std::string item() const { return std::string(rule_words(option.rule)); }
  std::string operator()(Field<std::string>) const {
    if (option.path) return "a path";
    std::string out = item();
    if (option.secret) return fmt::format("a secret of {} to {} characters", option.min, option.max);
    if (option.max != 0) out += fmt::format(", {} to {} characters", option.min, option.max);
    return out;
  }
  std::string operator()(Field<bool>) const { return "true or false"; }
  template <Number N>
  std::string operator()(Field<N>) const {
    if (option.rule == Rule::bytes)
      return fmt::format("a size from {}, such as 64KiB", range(format_size(option.min), format_size(option.max)));
    return fmt::format("a number from {}", range(fmt::format("{}", option.min), fmt::format("{}", option.max)));
  }
  std::string operator()(Field<Millis>) const {
    const auto shown = [](std::uint64_t ms) { return format_duration(Millis{static_cast<std::int64_t>(ms)}); };
    return fmt::format("a duration from {}, with ms, s, m, h or d", range(shown(option.min), shown(option.max)));
  }
  std::string operator()(Field<std::vector<std::string>>) const {
    return fmt::format("a comma-separated list: {}", item());
  }
  std::string operator()(Field<HostPort>) const {
    return "HOST:PORT with an IP address or localhost, IPv6 in brackets";
  }
  template <Enumeration E>
  std::string operator()(Field<E>) const {
    std::vector<std::string_view> words;
    for (const auto& [word, e] : words_of<E>()) words.push_back(word);
    return fmt::format("one of {}", fmt::join(words, ", "));
  }
  std::string operator()(Entries kind) const {
    return fmt::format("in TOML tables [[{}]], elsewhere a JSON array of objects; at most {}", kind->name, kind->most);
  }
  std::string operator()(Roles) const { return "auth, gateway, or auth,gateway"; }
};

} // namespace

bool keeps_rule(Rule rule, std::string_view text) {
  switch (rule) {
    case Rule::any:
    case Rule::bytes:
    case Rule::url: return true;
    case Rule::word: return is_word(text);
    case Rule::origin: return is_origin(text);
    case Rule::host: return is_host(text);
    case Rule::cidr: return is_cidr(text);
    case Rule::pattern: return is_pattern(text);
    case Rule::algorithm: return jose::find_algorithm(text).has_value();
    case Rule::database: return is_database(text);
    case Rule::bus: return redis::parse_bus_url(text).has_value();
  }
  return false;
}

std::string_view rule_words(Rule rule) {
  switch (rule) {
    case Rule::word: return "letters, digits, dots, underscores and hyphens";
    case Rule::url: return "a URL, scheme://host[:port]";
    case Rule::origin:
      return "origins such as https://chat.example.com, without a path or the default port; * is not allowed";
    case Rule::host: return "host names without a port";
    case Rule::cidr: return "addresses or ranges such as 10.0.0.0/8";
    case Rule::pattern: return "room names, where * matches anything";
    case Rule::algorithm:
      return "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA";
    case Rule::database:
      return "sqlite, or postgresql://USER:PASSWORD@HOST:PORT/NAME with special characters percent-encoded";
    case Rule::bus:
      return "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], redis+sentinel://…HOST[:PORT],…/NAME[/DB], "
             "redis+cluster://…HOST[:PORT],…, or rediss for TLS";
    default: return "text";
  }
}

std::expected<void, std::string> parse_value(const Option& option, std::string_view text, Config& config) {
  return std::visit(Parser{option, text, config}, option.slot);
}

std::string format_value(const Option& option, const Config& config) {
  return std::visit(Formatter{option, config}, option.slot);
}

std::string rule_text(const Option& option) { return std::visit(RuleText{option}, option.slot); }

bool holds_secret(const Option& option, std::string_view text) {
  if (const auto* kind = std::get_if<Entries>(&option.slot)) return holds_secret(**kind, text);
  return option.secret || (hides_password(option.rule) && without_password(text) != text);
}

bool is_number(const Option& option) {
  return std::holds_alternative<Field<std::uint32_t>>(option.slot) ||
      std::holds_alternative<Field<std::uint64_t>>(option.slot);
}

bool is_flag(const Option& option) { return std::holds_alternative<Field<bool>>(option.slot); }

std::string kebab(std::string_view snake) {
  std::string out(snake);
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string prefixed_env_name(std::string_view snake) {
  std::string out = "FOYER_";
  for (const char c : snake) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string env_name(const Option& option) {
  const std::string prefixed = prefixed_env_name(option.name);
  return option.plain ? prefixed.substr(6) : prefixed;
}

std::string configuration_fingerprint(const Config& config) {
  std::string all;
  for (const auto& option : all_options())
    if (!option.secret) all += fmt::format("{}={}\n", option.name, format_value(option, config));
  return hex_encode(sha256(all)).substr(0, 8);
}

} // namespace foyer::config
