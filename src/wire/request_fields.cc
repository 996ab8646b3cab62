#include "wire/request_fields.h"

#include <algorithm>

#include "wire/http_lines.h"

namespace foyer::wire {

const std::string* sole(const Headers& headers, std::string_view name) {
  return headers.count(name) == 1 ? headers.find(name) : nullptr;
}

Authorization read_authorization(std::string_view value) {
  value = trim_blanks(value);
  const auto space = value.find(' ');
  if (space == std::string_view::npos) return {.scheme = value, .credential = {}};
  return {.scheme = value.substr(0, space), .credential = trim_blanks(value.substr(space + 1))};
}

bool is_of_type(const Headers& headers, std::string_view media_type) {
  const std::string* type = sole(headers, "Content-Type");
  return type != nullptr && iequals(trim_blanks(std::string_view(*type).substr(0, type->find(';'))), media_type);
}

std::vector<std::string> cookie_values(const Headers& headers, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& header : headers.list()) {
    if (!iequals(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trim_blanks(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) out.emplace_back(pair.substr(equals + 1));
    }
  }
  return out;
}

std::string_view session_cookie_name(CookieScope scope) {
  if (!scope.secure) return "foyer_session";
  return scope.base.empty() ? "__Host-foyer_session" : "__Secure-foyer_session";
}

std::vector<std::string> session_cookies(const Headers& headers, CookieScope scope) {
  auto values = cookie_values(headers, session_cookie_name(scope));
  std::erase(values, std::string{});
  return values;
}

Result<std::optional<std::string>> session_cookie(const Headers& headers, CookieScope scope) {
  auto values = session_cookies(headers, scope);
  if (values.size() > 1)
    return refuse_field(
        Cause::AMBIGUOUS_CREDENTIALS, "Cookie", "the session cookie came " + std::to_string(values.size()) + " times");
  if (values.empty()) return std::optional<std::string>{};
  return std::optional<std::string>{std::move(values.front())};
}

} // namespace foyer::wire
