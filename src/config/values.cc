#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include "base/ip_address.h"

namespace foyer::config {
namespace {

struct UnitName {
  std::string_view name;
  std::uint64_t factor;
};

constexpr UnitName kSizes[] = {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}};
constexpr UnitName kDurations[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const UnitName> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  auto unit = text.substr(digits);
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (!number) return std::nullopt;
  for (const auto& u : units) {
    if (u.name != unit) continue;
    if (*number > std::numeric_limits<std::uint64_t>::max() / u.factor) return std::nullopt;
    return *number * u.factor;
  }
  return std::nullopt;
}

// In the largest unit that needs no fraction.
std::string in_units(std::uint64_t value, std::span<const UnitName> units) {
  for (const auto& u : units)
    if (value % u.factor == 0) return fmt::format("{}{}", value / u.factor, u.name);
  return fmt::format("{}", value);
}

} // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t out = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (const auto plain = parse_count(text)) return plain;
  return with_unit(text, kSizes);
}

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis{0};
  const auto value = with_unit(text, kDurations);
  if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return Millis{static_cast<std::int64_t>(*value)};
}

std::optional<bool> parse_bool(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "on", "yes"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "0", "off", "no"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_count(text.substr(colon + 1));
  if (!port || *port > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*port);
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  out.host = std::string(host);
  if (bracketed != (out.host.find(':') != std::string::npos)) return std::nullopt;
  if (out.host != "localhost" && !parse_ip(out.host)) return std::nullopt;
  return out;
}

bool is_cidr(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return false;
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_count(text.substr(slash + 1));
  return bits && *bits <= (address->written_as_v4 ? 32U : 128U);
}

std::string format_size(std::uint64_t bytes) { return bytes == 0 ? "0" : in_units(bytes, kSizes); }

std::string format_duration(Millis duration) {
  return duration.count() == 0 ? "0" : in_units(static_cast<std::uint64_t>(duration.count()), kDurations);
}

std::string format_host_port(const HostPort& address) {
  if (address.empty()) return "";
  return address.host.find(':') == std::string::npos ? fmt::format("{}:{}", address.host, address.port)
                                                     : fmt::format("[{}]:{}", address.host, address.port);
}

#define FOYER_WORDS(E, ...)                                                 \
  template <>                                                               \
  std::span<const std::pair<std::string_view, E>> words_of<E>() {           \
    static constexpr std::pair<std::string_view, E> kWords[] = __VA_ARGS__; \
    return kWords;                                                          \
  }
FOYER_WORDS(Environment,
    {{"development", Environment::development}, {"test", Environment::test}, {"staging", Environment::staging},
        {"production", Environment::production}})
FOYER_WORDS(
    Registration, {{"open", Registration::open}, {"invite", Registration::invite}, {"closed", Registration::closed}})
FOYER_WORDS(EchoAccess, {{"off", EchoAccess::off}, {"token", EchoAccess::token}, {"open", EchoAccess::open}})
FOYER_WORDS(ProxyHeaders,
    {{"off", ProxyHeaders::off}, {"optional", ProxyHeaders::optional}, {"required", ProxyHeaders::required}})
FOYER_WORDS(RefuseWith, {{"auto", RefuseWith::automatic}, {"http", RefuseWith::http}, {"close", RefuseWith::close}})
FOYER_WORDS(
    IdentityMode, {{"own", IdentityMode::own}, {"external", IdentityMode::external}, {"both", IdentityMode::both}})
FOYER_WORDS(Nodes, {{"one", Nodes::one}, {"many", Nodes::many}})
FOYER_WORDS(StoreSync, {{"full", StoreSync::full}, {"normal", StoreSync::normal}})
FOYER_WORDS(LogFormat, {{"json", LogFormat::json}, {"text", LogFormat::text}})
FOYER_WORDS(
    Level, {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}})
#undef FOYER_WORDS

std::string_view to_string(Environment environment) { return word_of(environment); }

std::string_view to_string(Registration registration) { return word_of(registration); }

} // namespace foyer::config
