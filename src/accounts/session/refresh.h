// Rotation of refresh tokens, as a state machine without a store.
//
// A refresh token is exchanged once for its successor, which is computed, not
// random: base64url(HMAC-SHA256(K, presented)). So a client that lost the answer and
// two tabs that present the same token get the same successor, also across a
// restart, and only its digest is stored. As long as the successor is
// unused, nobody else has used the answer, so repeating it is safe. After
// `repeat` it is refused without ending the session: only the clock says so, and it may be wrong.
// Once the successor was used, presenting the same token is treated as a theft: the
// whole family (the session) ends. If `repeat` is 0, that happens at once.
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
  Millis idle = std::chrono::days{14};  // a token unused for so long expires
  Millis repeat = std::chrono::days{1}; // how long after the exchange an unused successor is returned again
};

// `key` is K, 32 bytes, generated once and stored.
[[nodiscard]] std::string refresh_successor(std::string_view key, std::string_view presented);

enum class RefreshStep : std::uint8_t {
  rotate, // mark it used, store the successor
  repeat, // its successor is unused: return the same successor again
  kill,   // REFRESH_REUSED: end the family
  refuse, // REFRESH_UNKNOWN, REFRESH_EXPIRED, REFRESH_REUSED; nothing changes
};
struct RefreshDecision {
  RefreshStep step{};
  Refusal refusal{};       // for kill and refuse
  std::string detail = {}; // for repeat: the text for the audit
};
[[nodiscard]] RefreshDecision decide_refresh(const RefreshRow& token, const SessionRow& session,
    const RefreshPolicy& policy, const SessionPolicy& sessions, WallTime now);

} // namespace foyer::accounts
