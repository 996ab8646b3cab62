// Time-based one-time passwords (RFC 6238 over RFC 4226): SHA-1, six digits, steps
// of 30 seconds, one step of tolerance either way. Pure; takes `now`.
//
// A code belongs to a step. A caller that remembers the newest used step, and
// accepts only later ones, accepts every code once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace foyer::accounts {

inline constexpr std::size_t kTotpSecretBytes = 20; // 160 bit (RFC 4226 §4, R6)
inline constexpr int kTotpDigits = 6;
inline constexpr Millis kTotpStep = std::chrono::seconds{30};
inline constexpr std::int64_t kTotpWindow = 1; // steps either way

[[nodiscard]] std::int64_t totp_step(WallTime now); // T of RFC 6238 §4.2
// The code of a counter (RFC 4226 §5.3), with leading zeros.
[[nodiscard]] std::string hotp(std::string_view secret, std::int64_t counter, int digits = kTotpDigits);
// The step within the window that has this code.
[[nodiscard]] std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, WallTime now);

// RFC 4648 §6 without padding, as authenticators accept it.
[[nodiscard]] std::string base32_encode(std::string_view bytes);
// otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=…&algorithm=SHA1&digits=6&period=30
[[nodiscard]] std::string totp_uri(std::string_view issuer, std::string_view account, std::string_view secret);

} // namespace foyer::accounts
