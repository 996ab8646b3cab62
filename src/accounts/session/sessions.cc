#include "accounts/session/sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/request_fields.h"

namespace foyer::accounts {

std::string_view to_string(SessionEnd end) {
  switch (end) {
    case SessionEnd::none: return "none";
    case SessionEnd::logout: return "logout";
    case SessionEnd::ended: return "ended";
    case SessionEnd::reuse: return "reuse";
    case SessionEnd::password: return "password";
    case SessionEnd::too_many: return "too_many";
    case SessionEnd::disabled: return "disabled";
  }
  return "none";
}

WallTime session_expiry(const SessionRow& session, const SessionPolicy& policy) {
  return std::min(session.last_seen + policy.idle, session.created + policy.absolute);
}

Result<bool> check_session(const SessionRow& session, const SessionPolicy& policy, WallTime now) {
  if (session.end != SessionEnd::none)
    return refuse(
        Cause::SESSION_REVOKED, fmt::format("session {} has ended: {}", session.id.view(), to_string(session.end)));
  if (const auto expiry = session_expiry(session, policy); now >= expiry)
    return refuse(Cause::SESSION_EXPIRED, fmt::format("session {} ended at {}", session.id.view(), rfc3339(expiry)));
  return true;
}

std::string set_cookie(wire::CookieScope scope, std::string_view value, Millis max_age) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(max_age).count();
  return fmt::format("{}={}; Path={}/; Max-Age={}; HttpOnly;{} SameSite=Strict", wire::session_cookie_name(scope),
      value, scope.base, std::max<std::int64_t>(seconds, 0), scope.secure ? " Secure;" : "");
}

std::string expire_cookie(wire::CookieScope scope) { return set_cookie(scope, "", Millis{0}); }

} // namespace foyer::accounts
