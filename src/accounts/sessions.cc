#include "accounts/sessions.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::accounts {

std::string_view to_string(SessionEnd end) {
  switch (end) {
    case SessionEnd::none: return "none";
    case SessionEnd::logout: return "logout";
    case SessionEnd::ended: return "ended";
    case SessionEnd::reuse: return "reuse";
    case SessionEnd::password: return "password";
    case SessionEnd::too_many: return "too_many";
  }
  return "none";
}

WallTime session_expiry(const SessionRow& session, const SessionPolicy& policy) {
  return std::min(session.last_seen + policy.idle, session.created + policy.absolute);
}

Result<bool> check_session(const SessionRow& session, const SessionPolicy& policy, WallTime now) {
  if (session.end != SessionEnd::none) return refuse(Cause::SESSION_REVOKED, fmt::format("session {} is over: {}", session.id.view(), to_string(session.end)));
  if (const auto expiry = session_expiry(session, policy); now >= expiry) return refuse(Cause::SESSION_EXPIRED, fmt::format("session {} ended at {}", session.id.view(), rfc3339(expiry)));
  return true;
}

std::string_view cookie_name(bool secure) { return secure ? "__Host-foyer_session" : "foyer_session"; }

std::string set_cookie(bool secure, std::string_view value, Millis max_age) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(max_age).count();
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly;{} SameSite=Strict", cookie_name(secure), value, std::max<std::int64_t>(seconds, 0), secure ? " Secure;" : "");
}

std::string expire_cookie(bool secure) { return set_cookie(secure, "", Millis{0}); }

std::optional<std::string> find_cookie(const Headers& headers, std::string_view name) {
  for (const auto& header : headers.list()) {
    if (!iequals(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto semicolon = rest.find(';');
      std::string_view pair = rest.substr(0, semicolon);
      rest = semicolon == std::string_view::npos ? std::string_view{} : rest.substr(semicolon + 1);
      while (pair.starts_with(' ') || pair.starts_with('\t')) pair.remove_prefix(1);
      if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=') return std::string{pair.substr(name.size() + 1)};
    }
  }
  return std::nullopt;
}

} // namespace foyer::accounts
