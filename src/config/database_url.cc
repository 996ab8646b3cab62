// URLs of databases: PostgreSQL's manual, 34.1.1.2.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "config/values.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

constexpr std::string_view kHidden = "***";

std::string_view scheme_of(std::string_view text) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (text.starts_with(scheme)) return scheme;
  return {};
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Visible ASCII, and a percent sign only before two hex digits that are not 00.
bool is_encoded(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] <= ' ' || text[i] > '~') return false;
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]) || text.substr(i + 1, 2) == "00")
      return false;
  }
  return true;
}

bool is_port(std::string_view text) {
  const auto port = parse_count(text);
  return port && *port >= 1 && *port <= 65'535;
}

bool is_host_and_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close == 1) return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
  }
  const auto colon = text.find(':');
  return text.find_first_of("[]") == std::string_view::npos &&
      (colon == std::string_view::npos || is_port(text.substr(colon + 1)));
}

bool all_of_list(std::string_view list, char by, bool (*fits)(std::string_view)) {
  for (;;) {
    const auto end = list.find(by);
    if (!fits(list.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    list.remove_prefix(end + 1);
  }
}

// Keywords are not percent-encoded, so that a password among them is recognised.
bool is_parameter(std::string_view text) {
  const auto equals = text.find('=');
  return equals != std::string_view::npos && equals > 0 &&
      std::ranges::all_of(text.substr(0, equals), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }) &&
      text.find('=', equals + 1) == std::string_view::npos;
}

} // namespace

bool is_postgres(std::string_view text) { return !scheme_of(text).empty(); }

bool is_database(std::string_view text) {
  if (text == "sqlite") return true;
  const auto scheme = scheme_of(text);
  if (scheme.empty() || !is_encoded(text) || text.find('#') != std::string_view::npos) return false;
  std::string_view rest = text.substr(scheme.size());
  if (const auto question = rest.find('?'); question != std::string_view::npos) {
    const auto parameters = rest.substr(question + 1);
    if (!parameters.empty() && !all_of_list(parameters, '&', is_parameter)) return false;
    rest = rest.substr(0, question);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && rest.find('/', slash + 1) != std::string_view::npos) return false;
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos && rest.find('@', slash) != std::string_view::npos) return false;
  if (const auto at = authority.find('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return authority.find('@') == std::string_view::npos && all_of_list(authority, ',', is_host_and_port);
}

namespace {

// "db", "[::1]:5432", "%2Fvar%2Frun": the host only, without brackets; empty for a directory of a Unix socket.
std::string_view host_alone(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  const auto host = text.substr(0, text.find(':'));
  return host.starts_with('/') || host.starts_with("%2F") || host.starts_with("%2f") ? std::string_view{} : host;
}

bool has_remote(std::string_view list) {
  return !all_of_list(list, ',', [](std::string_view one) {
    const auto host = host_alone(one);
    return host.empty() || wire::is_loopback_host(host);
  });
}

} // namespace

bool is_remote_without_sslmode(std::string_view text) {
  const auto scheme = scheme_of(text);
  if (scheme.empty()) return false;
  const std::string_view rest = text.substr(scheme.size());
  const auto question = std::min(rest.find('?'), rest.size());
  std::string_view authority = rest.substr(0, std::min(rest.find('/'), question));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  bool remote = has_remote(authority);
  for (std::string_view parameters = rest.substr(std::min(question + 1, rest.size())); !parameters.empty();) {
    const auto end = std::min(parameters.find('&'), parameters.size());
    const auto one = parameters.substr(0, end);
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (one.starts_with("sslmode=")) return false;
    for (const std::string_view key : {"host=", "hostaddr="})
      if (one.starts_with(key)) remote = remote || has_remote(one.substr(key.size()));
  }
  return remote;
}

namespace {

std::string hidden_once(std::string_view text) {
  std::vector<bool> hidden(text.size() + 1, false);
  const auto hide = [&](std::size_t from, std::size_t to) {
    std::fill(
        hidden.begin() + static_cast<std::ptrdiff_t>(from), hidden.begin() + static_cast<std::ptrdiff_t>(to), true);
  };
  const auto scheme = text.find("://");
  const auto at = text.rfind('@');
  if (scheme != std::string_view::npos && at != std::string_view::npos)
    if (const auto colon = text.find(':', scheme + 3); colon < at) hide(colon + 1, at);
  constexpr std::string_view kKey = "password="; // sslpassword= also ends with it
  for (auto found = text.find(kKey); found != std::string_view::npos; found = text.find(kKey, found + kKey.size()))
    hide(found + kKey.size(), std::min(text.find('&', found), text.size()));
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i])
      out += text[i];
    else if (!hidden[i + 1])
      out += kHidden;
  }
  return out;
}

} // namespace

// Hides more rather than less: in a mistyped URL the end of a part is ambiguous.
// Repeated while hiding one part uncovers another.
std::string without_password(std::string_view text) {
  std::string out(text);
  for (std::string next = hidden_once(out); next != out; next = hidden_once(out)) out = std::move(next);
  return out;
}

} // namespace foyer::config
