#include "accounts/refresh.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace foyer::accounts {

std::string refresh_successor(std::string_view key, std::string_view presented) { return base64url_encode(hmac_sha256(key, presented)); }

RefreshDecision decide_refresh(const RefreshRow& token, const SessionRow& session, const RefreshPolicy& policy, const SessionPolicy& sessions, WallTime now) {
  const auto refused = [](Cause cause, std::string evidence) { return RefreshDecision{RefreshStep::refuse, Refusal{.cause = cause, .evidence = std::move(evidence)}}; };
  if (session.end == SessionEnd::reuse) return refused(Cause::REFRESH_REUSED, fmt::format("session {} ended when one of its refresh tokens came twice", session.id.view()));
  if (session.end != SessionEnd::none) return refused(Cause::REFRESH_UNKNOWN, fmt::format("session {} is over: {}", session.id.view(), to_string(session.end)));
  if (token.used) {
    // A clock that was set back makes `used` lie ahead; as far as the grace it is still the grace.
    const auto since = now - *token.used;
    if (since <= policy.grace && since >= -policy.grace) return {RefreshStep::repeat, {}};
    return {RefreshStep::kill, Refusal{.cause = Cause::REFRESH_REUSED,
                                       .evidence = fmt::format("a refresh token of session {} came again {} s after its use", session.id.view(), std::chrono::floor<std::chrono::seconds>(since).count())}};
  }
  if (now >= token.created + policy.idle) return refused(Cause::REFRESH_EXPIRED, fmt::format("not used since {}", rfc3339(token.created)));
  if (now >= session.created + sessions.absolute) return refused(Cause::REFRESH_EXPIRED, fmt::format("session {} reached its greatest age, {} days", session.id.view(), std::chrono::floor<std::chrono::days>(sessions.absolute).count()));
  return {RefreshStep::rotate, {}};
}

} // namespace foyer::accounts
