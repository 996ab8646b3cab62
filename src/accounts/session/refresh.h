// Rotation of refresh tokens, as a machine without a store.
//
// A refresh token is exchanged once for its successor, which is computed and not
// drawn: base64url(HMAC-SHA256(K, presented)). So a client that lost the answer and
// two tabs that present the same token get the same successor, also when a restart
// is between them, and only its digest is stored. As long as the successor is
// unused nobody can have gone on with it, so repeating the answer is safe. After
// `repeat` it is refused, and nothing ends: only the clock says so, and it may be wrong.
// Once the successor was used, the same token is a theft until shown otherwise: the
// whole family (the session) ends. So does it at once where `repeat` is 0.
//
//   A ──use──▶ B          A again within a day: B.
//   A ──use──▶ B ──use──▶ C          A again: all end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "accounts/model/records.h"
#include "accounts/session/sessions.h"

namespace foyer::accounts {

struct RefreshPolicy {
  Millis idle = std::chrono::days{14};  // a token not used for so long is over
  Millis repeat = std::chrono::days{1}; // how long after the exchange an unused successor is given again
};

// `key` is K, 32 bytes, generated once and kept in the store.
[[nodiscard]] std::string refresh_successor(std::string_view key, std::string_view presented);

enum class RefreshStep : std::uint8_t {
  rotate, // mark it used, store the successor
  repeat, // its successor is unused: the same successor again
  kill,   // REFRESH_REUSED: end the family
  refuse, // REFRESH_UNKNOWN, REFRESH_EXPIRED, REFRESH_REUSED; nothing changes
};
struct RefreshDecision {
  RefreshStep step{};
  Refusal refusal{};       // for kill and refuse
  std::string detail = {}; // for repeat: what the audit says about it
};
[[nodiscard]] RefreshDecision decide_refresh(const RefreshRow& token, const SessionRow& session,
    const RefreshPolicy& policy, const SessionPolicy& sessions, WallTime now);

} // namespace foyer::accounts
