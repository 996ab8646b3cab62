// Request headers that several folders use, each with one reader: two
// readers that disagree would let the door and the code behind it see different requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::wire {

// The value of a header that may occur once: null when it is absent or repeated.
[[nodiscard]] const std::string* sole(const Headers& headers, std::string_view name);

// The scheme and what follows it, without surrounding blanks; `credential` is empty when nothing follows.
struct Authorization {
  std::string_view scheme = {};
  std::string_view credential = {};
};
[[nodiscard]] Authorization read_authorization(std::string_view value);

// Whether there is exactly one Content-Type and it names this media type, with any parameters.
[[nodiscard]] bool is_of_type(const Headers& headers, std::string_view media_type);

// Every value of a cookie in the request, in order (RFC 6265 §5.4).
[[nodiscard]] std::vector<std::string> cookie_values(const Headers& headers, std::string_view name);
// The scope of a browser session's cookie: over https only or not, and below which path of the host.
struct CookieScope {
  CookieScope(bool over_https, std::string_view base_path = {}) : secure(over_https), base(base_path) {}
  bool secure;
  std::string_view base; // of PUBLIC_URL: "" or /path
};
// Over https __Host-foyer_session (RFC 6265bis §4.1.3.2), below a path __Secure-foyer_session, because
// __Host- requires the path /; otherwise foyer_session.
[[nodiscard]] std::string_view session_cookie_name(CookieScope scope);
// Its values; empty ones count as absent.
[[nodiscard]] std::vector<std::string> session_cookies(const Headers& headers, CookieScope scope);
// Its one value, if present. AMBIGUOUS_CREDENTIALS when it came twice: another party may have set one.
[[nodiscard]] Result<std::optional<std::string>> session_cookie(const Headers& headers, CookieScope scope);

} // namespace foyer::wire
