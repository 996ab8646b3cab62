#include "wire/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/ip_address.h"

namespace foyer::wire {
namespace {

constexpr std::size_t kMaxUrl = 2048;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" || scheme == "wss" ? 443 : 80; }

std::unexpected<Refusal> wrong(std::string what) { return refuse(Cause::INVALID_URL, std::move(what)); }

bool is_ipv4(std::string_view host) {
  const auto address = parse_ip(host);
  return address && address->written_as_v4;
}

bool is_ipv6(std::string_view host) {
  const auto address = parse_ip(host);
  return address && !address->written_as_v4;
}

// A DNS name: labels of letters, digits, hyphens (and the underscore
// that container networks use), none empty. A last label of digits only is not a
// name but a mistyped or disguised address (127.1, 2130706433).
bool is_dns_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string_view label;
  for (std::size_t at = 0; at <= host.size();) {
    const std::size_t dot = std::min(host.find('.', at), host.size());
    label = host.substr(at, dot - at);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; })) return false;
    at = dot + 1;
  }
  const bool hex_number = label.size() > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
  return !std::ranges::all_of(label, is_digit) && !hex_number;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty()) return wrong("the port after the colon is missing");
  if (!std::ranges::all_of(text, is_digit) || text.size() > 5)
    return wrong(fmt::format("the port is not a number from 1 to 65535: {}", printable(text, 32)));
  std::uint32_t port = 0;
  for (const char c : text) port = port * 10 + static_cast<std::uint32_t>(c - '0');
  if (port == 0 || port > 65535) return wrong(fmt::format("the port is not a number from 1 to 65535: {}", text));
  return static_cast<std::uint16_t>(port);
}

Result<bool> parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return wrong("it contains a user name or password");
  std::string_view host = authority;
  std::string_view port;
  bool port_given = false;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong("the bracket of an IPv6 address is not closed");
    host = authority.substr(1, end - 1);
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return wrong("something follows the bracket of an IPv6 address");
    port_given = !rest.empty();
    if (port_given) port = rest.substr(1);
    url.host = lower(host);
    if (!is_ipv6(url.host)) return wrong(fmt::format("not an IPv6 address: {}", printable(host, 64)));
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    port_given = colon != std::string_view::npos;
    if (port_given) port = authority.substr(colon + 1);
    url.host = lower(host);
    if (host.empty()) return wrong("the host is missing");
    if (!is_ipv4(url.host) && !is_dns_name(url.host))
      return wrong(fmt::format("not a host name or address: {}", printable(host, 64)));
  }
  url.port_given = port_given;
  url.port = default_port(url.scheme);
  if (port_given) {
    TRY(number, parse_port(port));
    url.port = number;
  }
  return true;
}

} // namespace

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  if (port != default_port(scheme)) out += fmt::format(":{}", port);
  return out;
}

std::string Url::origin() const { return fmt::format("{}://{}", scheme, authority()); }

Result<Url> parse_url(std::string_view text) {
  if (text.empty()) return wrong("it is empty");
  if (text.size() > kMaxUrl) return wrong(fmt::format("it is longer than {} bytes", kMaxUrl));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= 0x20 || c >= 0x7f) return wrong(fmt::format("byte 0x{:02x} at position {}", c, i));
    if (std::string_view{"\"<>\\^`{|}"}.find(text[i]) != std::string_view::npos)
      return wrong(fmt::format("the character {} at position {}", text[i], i));
    if (c == '%' && (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])))
      return wrong(fmt::format("a percent sign without two hexadecimal digits at position {}", i));
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return wrong("the scheme is missing (https://…)");
  Url url;
  url.scheme = lower(text.substr(0, colon));
  constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "ws", "wss"};
  if (std::ranges::find(kSchemes, url.scheme) == kSchemes.end())
    return wrong(fmt::format("the scheme is not http, https, ws or wss: {}", printable(url.scheme, 32)));
  if (text.find('#') != std::string_view::npos) return wrong("it has a fragment");
  const std::string_view after = text.substr(colon + 3);
  const std::size_t end = after.find_first_of("/?");
  TRY_VOID(parse_authority(after.substr(0, end), url));
  if (end == std::string_view::npos) return url;
  const std::string_view target = after.substr(end);
  const std::size_t question = target.find('?');
  url.path = std::string{target.substr(0, question)};
  if (question != std::string_view::npos) url.query = std::string{target.substr(question + 1)};
  return url;
}

bool is_ip_literal(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) return is_ipv6(host.substr(1, host.size() - 2));
  return parse_ip(host).has_value();
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::string name = lower(host);
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost")) return true; // RFC 6761 §6.3
  const auto address = parse_ip(name);
  return address && address->is_loopback();
}

} // namespace foyer::wire
