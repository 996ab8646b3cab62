// The lifetime of a session, and the cookie that may represent it.
//
// A session lasts at most 14 days without use and at most 90 in all. Its end closes its
// sockets (a revocation event) and invalidates its refresh tokens and cookie.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "accounts/model/records.h"
#include "base/http.h"
#include "wire/request_fields.h"

namespace foyer::accounts {

struct SessionPolicy {
  Millis idle = std::chrono::days{14};
  Millis absolute = std::chrono::days{90};
};

// When the session ends if it is not used again.
[[nodiscard]] WallTime session_expiry(const SessionRow& session, const SessionPolicy& policy);
// SESSION_REVOKED or SESSION_EXPIRED, or true.
[[nodiscard]] Result<bool> check_session(const SessionRow& session, const SessionPolicy& policy, WallTime now);

// Its name is wire::session_cookie_name's.
[[nodiscard]] std::string set_cookie(wire::CookieScope scope, std::string_view value, Millis max_age);
[[nodiscard]] std::string expire_cookie(wire::CookieScope scope);

} // namespace foyer::accounts
