// Rotation of refresh tokens, as a machine without a store.
//
// A refresh token is used once and answered with its successor, which is computed
// and not drawn: base64url(HMAC-SHA256(K, presented)). So two tabs that present
// the same token within the grace get the same successor, also when a restart lies
// between them. The same token after the grace is a theft until shown otherwise:
// the whole family (the session) ends.
//
//   A ──use──▶ B ──use──▶ C        A again within 10 s: B.   A again later: all end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "accounts/records.h"
#include "accounts/sessions.h"

namespace foyer::accounts {

struct RefreshPolicy {
  Millis idle = std::chrono::days{14};    // a token not used for so long is over
  Millis grace = std::chrono::seconds{10};
};

// `key` is K, 32 bytes, generated once and kept in the store.
[[nodiscard]] std::string refresh_successor(std::string_view key, std::string_view presented);

enum class RefreshStep : std::uint8_t {
  rotate, // mark it used, store the successor
  repeat, // within the grace: the same successor again
  kill,   // REFRESH_REUSED: end the family
  refuse, // REFRESH_UNKNOWN, REFRESH_EXPIRED, REFRESH_REUSED; nothing changes
};
struct RefreshDecision {
  RefreshStep step{};
  Refusal refusal{}; // for kill and refuse
};
[[nodiscard]] RefreshDecision decide_refresh(const RefreshRow& token, const SessionRow& session, const RefreshPolicy& policy, const SessionPolicy& sessions, WallTime now);

} // namespace foyer::accounts
