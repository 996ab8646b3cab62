#include "redis/server_url.h"

#include <algorithm>
#include <optional>

#include "wire/url.h"

namespace foyer::redis {
namespace {

std::unexpected<Refusal> wrong(std::string what) { return refuse(Cause::INVALID_URL, std::move(what)); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

namespace {

Result<void> read_credentials(std::string_view text, ServerUrl& out) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return wrong("there is no colon before the @: write USER:PASSWORD@, or :PASSWORD@ without a user");
  const auto user = percent_decoded(text.substr(0, colon)), password = percent_decoded(text.substr(colon + 1));
  if (!user || !password)
    return wrong("a % in the user name or password is not followed by two hexadecimal digits; a % itself is %25");
  if (password->empty()) return wrong("the password is empty");
  out.user = *user;
  out.password = *password;
  return {};
}

} // namespace

Result<void> take_credentials(std::string_view& authority, ServerUrl& out) {
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  TRY_VOID(read_credentials(authority.substr(0, at), out));
  authority.remove_prefix(at + 1);
  return {};
}

Result<Endpoint> parse_host(std::string_view host, std::uint16_t default_port) {
  const auto read = wire::parse_url("http://" + std::string(host));
  if (host.empty() || !read || !read->path.empty())
    return wrong("the host is not a name or an address (IPv6 in brackets), or its port not a number from 1 to 65535");
  return Endpoint{.host = read->host, .port = read->port_given ? read->port : default_port};
}

Result<void> parse_db(std::string_view digits, ServerUrl& out) {
  if (digits.empty()) return {};
  const bool number = !digits.empty() && digits.size() <= 7 && (digits.size() == 1 || digits[0] != '0') &&
      std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  std::uint32_t db = 0;
  if (number)
    for (const char c : digits) db = db * 10 + static_cast<std::uint32_t>(c - '0');
  if (!number || db > kMostDb)
    return wrong("after the host only the number of a database may follow, from 0 to " + std::to_string(kMostDb));
  out.db = db;
  return {};
}

Result<void> check_characters(std::string_view url) {
  if (url.size() > kMostUrlBytes) return wrong("it is longer than " + std::to_string(kMostUrlBytes) + " bytes");
  if (std::ranges::any_of(url, [](char c) { return c <= 0x20 || c == 0x7f; }))
    return wrong("it contains a space, a control character or a byte outside ASCII");
  return {};
}

std::string ServerUrl::shown() const {
  return (tls ? "rediss://" : "redis://") + Endpoint{host, port}.shown() + "/" + std::to_string(db);
}

Result<ServerUrl> parse_server_url(std::string_view text) {
  TRY_VOID(check_characters(text));
  ServerUrl out;
  if (text.starts_with("rediss://"))
    out.tls = true;
  else if (!text.starts_with("redis://"))
    return wrong("it begins neither with redis:// nor with rediss://, nor with redis+sentinel:// or redis+cluster://");
  text.remove_prefix(out.tls ? 9 : 8);

  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end), path = text.substr(end);
  if (path.find('@') != std::string_view::npos)
    return wrong("an @ follows the host; a / ? or # in a user name or password is written as %2F %3F or %23");
  if (path.find_first_of("?#") != std::string_view::npos) return wrong("it has a query or a fragment");
  TRY_VOID(take_credentials(authority, out));
  TRY(at, parse_host(authority, out.port));
  out.host = std::move(at.host);
  out.port = at.port;
  TRY_VOID(parse_db(path.substr(std::min<std::size_t>(1, path.size())), out));
  return out;
}

} // namespace foyer::redis
