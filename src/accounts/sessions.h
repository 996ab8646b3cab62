// How long a session lives, and the cookie that may stand for it.
//
// A session is idle for at most 14 days and old at most 90. Its end closes its
// sockets (a revocation event) and makes its refresh tokens and cookie worthless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "accounts/records.h"
#include "base/http.h"

namespace foyer::accounts {

struct SessionPolicy {
  Millis idle = std::chrono::days{14};
  Millis absolute = std::chrono::days{90};
};

// When the session ends if nothing more happens.
[[nodiscard]] WallTime session_expiry(const SessionRow& session, const SessionPolicy& policy);
// SESSION_REVOKED or SESSION_EXPIRED, or true.
[[nodiscard]] Result<bool> check_session(const SessionRow& session, const SessionPolicy& policy, WallTime now);

// __Host-foyer_session (RFC 6265bis §4.1.3.2), or foyer_session over http in development.
[[nodiscard]] std::string_view cookie_name(bool secure);
[[nodiscard]] std::string set_cookie(bool secure, std::string_view value, Millis max_age);
[[nodiscard]] std::string expire_cookie(bool secure);
// The value of the first cookie of that name.
[[nodiscard]] std::optional<std::string> find_cookie(const Headers& headers, std::string_view name);

} // namespace foyer::accounts
