#include "config/hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "base/words.h"
#include "config/hint_numbers.h"
#include "config/values.h"
#include "jose/algorithm.h"
#include "redis/bus_url.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> without_quotes(std::string_view text) {
  for (const char quote : {'"', '\'', '`'})
    if (text.size() >= 2 && text.front() == quote && text.back() == quote)
      return trimmed(text.substr(1, text.size() - 2));
  return std::nullopt;
}

// ---- words

struct Alias {
  std::string_view written, meant;
};
constexpr Alias kAliases[] = {
    {"prod", "production"},
    {"live", "production"},
    {"dev", "development"},
    {"local", "development"},
    {"stage", "staging"},
    {"stg", "staging"},
    {"testing", "test"},
    {"ci", "test"},
    {"warn", "warning"},
    {"err", "error"},
    {"fatal", "error"},
    {"critical", "error"},
    {"trace", "debug"},
    {"verbose", "debug"},
    {"information", "info"},
    {"notice", "info"},
    {"plain", "text"},
    {"human", "text"},
    {"logfmt", "text"},
    {"invite-only", "invite"},
    {"invitation", "invite"},
    {"invitations", "invite"},
    {"public", "open"},
    {"everybody", "open"},
    {"private", "closed"},
    {"false", "closed"},
    {"false", "off"},
    {"true", "open"},
    {"true", "token"},
    {"none", "off"},
    {"no", "off"},
    {"automatic", "auto"},
    {"websocket", "close"},
    {"fsync", "full"},
};

template <class E>
Hint word_hint(std::string_view text) {
  const std::string plain = lower_case(text);
  if (parse_word<E>(plain)) return {.wrong = "it must be in lower case", .meant = plain};
  for (const auto& [written, meant] : kAliases)
    if (written == plain && parse_word<E>(meant)) return {.meant = std::string(meant)};
  for (const auto& [word, value] : words_of<E>())
    if (plain.size() <= 32 && edit_distance(plain, word) <= (word.size() > 3 ? 2U : 1U))
      return {.meant = std::string(word)};
  return {};
}

Hint flag_hint(std::string_view text) {
  const std::string plain = lower_case(text);
  for (const std::string_view yes : {"true", "t", "y", "yes", "on", "enable", "enabled", "active"})
    if (plain == yes) return {.meant = "true"};
  for (const std::string_view no : {"false", "f", "n", "no", "off", "disable", "disabled", "inactive", "none", "never"})
    if (plain == no) return {.meant = "false"};
  return {};
}

Hint roles_hint(std::string_view text) {
  const std::string plain = lower_case(text);
  const bool both = plain == "both" || plain == "all";
  const bool auth = both || plain.find("auth") != std::string::npos;
  const bool gateway = both || plain.find("gateway") != std::string::npos || plain.find("gw") != std::string::npos;
  if (!auth && !gateway) return {};
  return {.wrong = "roles are in lower case, separated by commas",
      .meant = auth && gateway ? "auth,gateway"
          : auth               ? "auth"
                               : "gateway"};
}

// ---- addresses

constexpr std::uint16_t kUsualPort = 8000;
constexpr std::uint64_t kMostPort = 65'535;

Hint listen_hint(std::string_view text) {
  std::string_view rest = text;
  std::string wrong;
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
    rest.remove_prefix(scheme + 3);
    wrong = "it is a URL";
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    rest = rest.substr(0, slash);
    if (wrong.empty()) wrong = "it has a path";
  }
  if (!wrong.empty() && parse_host_port(rest)) return {.wrong = wrong, .meant = std::string(rest)};
  if (const auto port = parse_count(rest); port && *port <= kMostPort)
    return {.wrong = "the host is missing", .meant = fmt::format("127.0.0.1:{}", *port)};
  const auto colon = rest.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_count(rest.substr(colon + 1));
  if (port && *port > kMostPort) return {.wrong = fmt::format("the port {} is more than 65535", *port)};
  const auto host = port ? rest.substr(0, colon) : rest;
  const auto at = static_cast<std::uint16_t>(port.value_or(kUsualPort));
  if (host.empty() && port)
    return {.wrong = "the host is missing (0.0.0.0 for every address of this machine)",
        .meant = fmt::format("127.0.0.1:{}", at)};
  if (host == "*") return {.wrong = "write * as 0.0.0.0", .meant = fmt::format("0.0.0.0:{}", at)};
  if (parse_ip(rest) && rest.find(':') != std::string_view::npos && !rest.starts_with('[')) {
    if (port && parse_ip(host) && !host.ends_with(':'))
      return {.wrong = "an IPv6 address needs brackets", .meant = fmt::format("[{}]:{}", host, at)};
    return {.wrong = "the port is missing, and an IPv6 address needs brackets",
        .meant = fmt::format("[{}]:{}", rest, kUsualPort)};
  }
  if (port && parse_ip(host) && host.find(':') != std::string_view::npos)
    return {.wrong = "an IPv6 address needs brackets", .meant = fmt::format("[{}]:{}", host, at)};
  if (!port && colon == std::string_view::npos) {
    if (parse_ip(host) || host == "localhost")
      return {.wrong = "the port is missing", .meant = fmt::format("{}:{}", host, kUsualPort)};
    return {.wrong = "it is a name without a port; to listen on every address of this machine, write 0.0.0.0",
        .meant = fmt::format("0.0.0.0:{}", kUsualPort)};
  }
  if (!port && rest.starts_with('[') && rest.ends_with(']'))
    return {.wrong = "the port is missing", .meant = fmt::format("{}:{}", rest, kUsualPort)};
  if (!port) return {.wrong = "the port is not a number"};
  return {.wrong = "the host is a name, not an address of this machine; 0.0.0.0 means all addresses",
      .meant = fmt::format("0.0.0.0:{}", at)};
}

Hint origin_hint(std::string_view text) {
  if (text == "*") return {.wrong = "* would let every page on the web connect; name each origin"};
  if (text.find('*') != std::string_view::npos) return {.wrong = "origins have no wildcards; name each one"};
  std::string plain = lower_case(text);
  if (plain.starts_with("ws://") || plain.starts_with("wss://")) plain.replace(0, 2, "http");
  const bool bare = plain.find("://") == std::string::npos;
  if (bare) plain.insert(0, plain.starts_with("localhost") || plain.starts_with("127.") ? "http://" : "https://");
  const auto url = wire::parse_url(plain);
  if (!url) return {};
  std::string wrong = "write the origin exactly as browsers send it";
  if (bare)
    wrong = "the scheme is missing";
  else if (url->path == "/" && url->query.empty())
    wrong = "it ends with a slash";
  else if (!url->path.empty() || !url->query.empty())
    wrong = "it has a path";
  else if (url->port_given && url->origin().size() < plain.size())
    wrong = "it has the default port";
  return {.wrong = std::move(wrong), .meant = url->origin()};
}

Hint host_hint(std::string_view text) {
  const bool bare = text.find("://") == std::string_view::npos;
  const auto url = wire::parse_url(bare ? fmt::format("http://{}", text) : std::string(text));
  if (!url) return {};
  return {.wrong = bare ? "it has a port or a path" : "it is a URL", .meant = url->host};
}

// 255.255.255.0 → 24
std::optional<int> mask_bits(std::string_view mask) {
  std::uint32_t all = 0;
  int parts = 0;
  while (parts < 4) {
    const auto dot = std::min(mask.find('.'), mask.size());
    const auto part = parse_count(mask.substr(0, dot));
    if (!part || *part > 255) return std::nullopt;
    all = all << 8 | static_cast<std::uint32_t>(*part);
    ++parts;
    if (dot == mask.size()) break;
    mask.remove_prefix(dot + 1);
  }
  if (parts != 4 || (~all & (~all + 1)) != 0) return std::nullopt;
  return std::popcount(all);
}

Hint range_hint(std::string_view text) {
  if (text == "localhost") return {.wrong = "names are not resolved here", .meant = "127.0.0.1"};
  if (text == "*" || text == "all") return {.wrong = "this trusts every client; name the proxy's address"};
  if (text.starts_with('[') && text.ends_with(']'))
    return {.wrong = "it has brackets", .meant = std::string(text.substr(1, text.size() - 2))};
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (const auto bits = mask_bits(text.substr(slash + 1)))
      return {
          .wrong = "the mask must be a number of bits", .meant = fmt::format("{}/{}", text.substr(0, slash), *bits)};
    return {.wrong = parse_ip(text.substr(0, slash)) ? "the address has fewer bits than that"
                                                     : "the part before the / is not an address"};
  }
  if (const auto star = text.find(".*"); star != std::string_view::npos) {
    const auto parts = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(star), '.') + 1;
    std::string address(text.substr(0, star));
    for (auto i = parts; i < 4; ++i) address += ".0";
    return {.wrong = "a range needs the number of bits", .meant = fmt::format("{}/{}", address, parts * 8)};
  }
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && parse_ip(text.substr(0, colon)))
    return {.wrong = "it has a port", .meant = std::string(text.substr(0, colon))};
  return {.wrong = "names are not resolved here; write the address"};
}

// ---- other rules

Hint algorithm_hint(std::string_view text) {
  std::string plain = lower_case(text);
  std::erase_if(plain, [](char c) { return c == '-' || c == '_' || c == ' '; });
  constexpr Alias kNames[] = {{"rsa", "RS256"}, {"rsa256", "RS256"}, {"ecdsa", "ES256"}, {"ec", "ES256"},
      {"hmac", "HS256"}, {"sha256", "HS256"}, {"ed25519", "EdDSA"}, {"eddsa", "EdDSA"}, {"hmacsha256", "HS256"}};
  for (const auto& [written, meant] : kNames)
    if (written == plain) return {.meant = std::string(meant)};
  for (char& c : plain) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return jose::find_algorithm(plain) ? Hint{.meant = plain} : Hint{};
}

Hint database_hint(const Option& option, std::string_view text) {
  const std::string plain = lower_case(text.substr(0, 32));
  if (plain.starts_with("sqlite"))
    return {.wrong = "the SQLite file is always in the data directory", .meant = "sqlite"};
  for (const std::string_view other : {"mysql", "mariadb", "mongodb", "mssql", "redis", "oracle"})
    if (plain.starts_with(other)) return {.wrong = "it can be SQLite or PostgreSQL"};
  std::string meant(text);
  if (plain.starts_with("jdbc:")) meant.erase(0, 5);
  const auto scheme = meant.find("://"), plus = meant.find('+');
  if (plus < scheme && scheme != std::string::npos) meant.erase(plus, scheme - plus); // postgresql+asyncpg://
  if (meant.find("://") == std::string::npos) meant.insert(0, "postgresql://");
  if (meant == text || !takes(option, meant))
    return {.wrong = "if a name or a password in it contains / @ : # ? or %, write those as %2F %40 %3A %23 %3F %25"};
  return {.wrong = "it does not start with postgresql://", .meant = without_password(meant) == meant ? meant : ""};
}

Hint bus_hint(const Option& option, std::string_view text) {
  const std::string plain = lower_case(text.substr(0, 32));
  if (plain.starts_with("nats:"))
    return {.wrong = "it can be a Valkey or Redis server or cluster; this kind is not supported"};
  std::string meant(text);
  for (const std::string_view other : {"valkey://", "valkeys://"})
    if (plain.starts_with(other)) meant.replace(0, other.size(), other == "valkey://" ? "redis://" : "rediss://");
  if (meant.find("://") == std::string::npos) meant.insert(0, "redis://");
  if (meant != text && takes(option, meant))
    return {.wrong = "it does not start with redis:// or rediss://",
        .meant = without_password(meant) == meant ? meant : ""};
  const auto read = redis::parse_bus_url(text);
  return read ? Hint{} : Hint{.wrong = read.error().evidence};
}

Hint element_hint(const Option& option, std::string_view text) {
  if (const auto inner = without_quotes(text); inner && takes(option, *inner))
    return {.wrong = "it has quotes around it", .meant = std::string(*inner)};
  switch (option.rule) {
    case Rule::origin: return origin_hint(text);
    case Rule::host: return host_hint(text);
    case Rule::cidr: return range_hint(text);
    case Rule::pattern: {
      std::string meant(text);
      std::ranges::replace(meant, '%', '*'); // as in SQL
      return {.wrong = "room names consist of letters, digits and . _ - :", .meant = std::move(meant)};
    }
    default: return {};
  }
}

// "a b", "a;b", ["a","b"]
std::vector<std::string> elements(std::string_view text) {
  std::string plain(text);
  if (plain.starts_with('[') && plain.ends_with(']') && plain.find('"') != std::string::npos)
    plain = plain.substr(1, plain.size() - 2);
  std::vector<std::string> out;
  std::string_view rest = plain;
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of(",; \t"), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

Hint list_hint(const Option& option, std::string_view text) {
  auto items = elements(text);
  Hint out;
  bool all = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (takes(option, items[i])) continue;
    Hint hint = element_hint(option, items[i]);
    if (hint.wrong.empty()) hint.wrong = "it does not follow the rule";
    if (out.wrong.empty())
      out.wrong = items.size() == 1 ? hint.wrong : fmt::format("element {} of {}: {}", i + 1, items.size(), hint.wrong);
    if (hint.meant.empty() || !takes(option, hint.meant))
      all = false;
    else
      items[i] = std::move(hint.meant);
  }
  if (out.wrong.empty()) out.wrong = "elements are separated by commas";
  if (all && !items.empty()) out.meant = fmt::format("{}", fmt::join(items, ","));
  return out;
}

struct Hinter {
  const Option& option;
  std::string_view text;

  Hint operator()(Field<std::string>) const {
    if (option.rule == Rule::algorithm) return algorithm_hint(text);
    if (option.rule == Rule::database) return database_hint(option, text);
    if (option.rule == Rule::bus) return bus_hint(option, text);
    if (option.max != 0 && text.size() > option.max)
      return {.wrong = fmt::format("it has {}", counted(text.size(), "character"))};
    return {};
  }
  Hint operator()(Field<bool>) const { return flag_hint(text); }
  template <class N>
    requires std::same_as<N, std::uint32_t> || std::same_as<N, std::uint64_t>
  Hint operator()(Field<N>) const {
    return option.rule == Rule::bytes ? size_hint(option, text) : count_hint(option, text);
  }
  Hint operator()(Field<Millis>) const { return duration_hint(option, text); }
  Hint operator()(Field<std::vector<std::string>>) const { return list_hint(option, text); }
  Hint operator()(Field<HostPort>) const { return listen_hint(text); }
  template <class E>
    requires std::is_enum_v<E>
  Hint operator()(Field<E>) const {
    return word_hint<E>(text);
  }
  Hint operator()(Roles) const { return roles_hint(text); }
  Hint operator()(Entries) const { return {}; }
};

} // namespace

Hint hint_for(const Option& option, std::string_view text) {
  if (option.secret)
    return text.size() > option.max ? Hint{.wrong = fmt::format("it has {}", counted(text.size(), "character"))}
                                    : Hint{};
  if (const auto inner = without_quotes(text)) {
    if (takes(option, *inner))
      return {.wrong = "it has quotes around it, which are part of the value here", .meant = std::string(*inner)};
    return hint_for(option, *inner);
  }
  Hint out = std::visit(Hinter{option, text}, option.slot);
  if (!takes(option, out.meant)) out.meant.clear();
  return out;
}

std::string meant_url(std::string_view text) {
  if (const auto inner = without_quotes(text)) text = *inner;
  std::string plain(text);
  if (plain.starts_with("//")) plain.erase(0, 2);
  if (plain.find("://") == std::string::npos)
    plain.insert(0, plain.starts_with("localhost") || plain.starts_with("127.") ? "http://" : "https://");
  const auto url = wire::parse_url(plain);
  // A word that is not a host name is not a URL without its scheme.
  const bool host =
      url && (url->host.find('.') != std::string::npos || url->host == "localhost" || wire::is_ip_literal(url->host));
  return host && plain != text ? plain : std::string{};
}

} // namespace foyer::config
