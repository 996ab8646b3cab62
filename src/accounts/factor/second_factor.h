// The second factor that a user types: the six digits of an authenticator, or
// one of ten single-use recovery codes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "accounts/model/records.h"
#include "base/clock.h"

namespace foyer::accounts {

inline constexpr std::size_t kRecoveryCodes = 10;
inline constexpr Millis kFactorPending = std::chrono::minutes{10}; // time to confirm it

enum class FactorKind : std::uint8_t { totp, recovery, neither };
struct TypedFactor {
  FactorKind kind = FactorKind::neither;
  std::string code = {}; // "123456"; or 16 of [a-z2-7]
};
// Spaces and hyphens between the characters are ignored, and so is case.
[[nodiscard]] TypedFactor read_factor(std::string_view typed);

// "abcd-efgh-ijkl-mnop": 80 bit each, so that its digest cannot be reversed by guessing.
[[nodiscard]] std::vector<std::string> make_recovery_codes(Entropy& entropy);
// As stored: the digest of one user's code, as read_factor() returns it.
[[nodiscard]] std::string recovery_digest(const UserId& user, std::string_view code);

} // namespace foyer::accounts
