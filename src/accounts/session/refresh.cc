#include "accounts/session/refresh.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::accounts {

std::string refresh_successor(std::string_view key, std::string_view presented) {
  return base64url_encode(hmac_sha256(key, presented));
}

RefreshDecision decide_refresh(const RefreshRow& token, const SessionRow& session, const RefreshPolicy& policy,
    const SessionPolicy& sessions, WallTime now) {
  const auto refused = [](Cause cause, std::string evidence) {
    return RefreshDecision{RefreshStep::refuse, Refusal{.cause = cause, .evidence = std::move(evidence)}, {}};
  };
  if (session.end == SessionEnd::reuse)
    return refused(Cause::REFRESH_REUSED,
        fmt::format("session {} ended when one of its refresh tokens was used twice", session.id.view()));
  if (session.end != SessionEnd::none)
    return refused(
        Cause::REFRESH_UNKNOWN, fmt::format("session {} has ended: {}", session.id.view(), to_string(session.end)));
  const bool too_old = now >= session.created + sessions.absolute;
  if (token.used) {
    // After the clock was set back, `used` is in the future. That is no sign of a theft.
    const auto since = std::max(now - *token.used, Millis{0});
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since).count();
    const auto kill = [&](std::string_view why) {
      return RefreshDecision{RefreshStep::kill,
          Refusal{.cause = Cause::REFRESH_REUSED,
              .evidence = fmt::format("a refresh token of session {} was used again {} s after its exchange; {}",
                  session.id.view(), seconds, why)},
          {}};
    };
    if (token.successor_used) return kill("its successor had been used");
    if (policy.repeat <= Millis{0} && since > Millis{0})
      return kill("its successor was not used, but refresh_repeat is 0");
    // Only the clock says so, and it may be wrong: no token is issued, and no session ends.
    if (since > std::min(policy.repeat, policy.idle))
      return refused(Cause::REFRESH_EXPIRED,
          fmt::format(
              "exchanged {} s ago; its successor was not used, but is repeated only within refresh_repeat", seconds));
    if (!too_old)
      return {RefreshStep::repeat, {}, fmt::format("same successor repeated {} s after the exchange", seconds)};
  } else if (now >= token.created + policy.idle) {
    return refused(Cause::REFRESH_EXPIRED, fmt::format("not used since {}", rfc3339(token.created)));
  }
  if (too_old)
    return refused(Cause::REFRESH_EXPIRED,
        fmt::format("session {} reached its maximum age, {} days", session.id.view(),
            std::chrono::floor<std::chrono::days>(sessions.absolute).count()));
  return {RefreshStep::rotate, {}, {}};
}

} // namespace foyer::accounts
