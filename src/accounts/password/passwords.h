// Passwords: the rules for new ones, and argon2id (RFC 9106) in PHC strings.
//
// Everything here is pure computation. hash() and verify() cost tens of
// milliseconds and 19 MiB: run them on the hashing queue, never on a loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::accounts {

inline constexpr std::size_t kMinPasswordCharacters = 8; // Unicode code points
inline constexpr std::size_t kMaxPasswordBytes = 1024;

struct HashCost {
  std::uint32_t memory_kib = 19 * 1024; // the OWASP floor
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
  friend bool operator==(const HashCost&, const HashCost&) = default;
};
// Bounds within which a stored hash is accepted: a corrupt row must not allocate all memory.
inline constexpr HashCost kHighestCost{.memory_kib = 1024 * 1024, .passes = 32, .lanes = 16};
[[nodiscard]] bool within_bounds(const HashCost& cost); // also the lower ones of RFC 9106 §3.1

// PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_CHARACTER (RFC 8265 does not allow it: opaque_string.h),
// PASSWORD_COMMON (one of the list, or the name itself);
// `field` is the request's member with the password. No composition rules.
[[nodiscard]] Result<bool> check_new_password(std::string_view password, std::string_view name,
    std::size_t min_characters = kMinPasswordCharacters, std::string_view field = "password");
// Whether `password`, ignoring case, is among the most common ones.
[[nodiscard]] bool is_common_password(std::string_view password);

// Of the prepared password (opaque_string.h):
// $argon2id$v=19$m=19456,t=2,p=1$SALT$TAG with a fresh 16 byte salt and a 32 byte tag.
[[nodiscard]] std::string hash_password(std::string_view password, const HashCost& cost, Entropy& entropy);

enum class PasswordMatch : std::uint8_t {
  no,
  yes,
  yes_and_stale, // it matches, but the hash is weaker than `wanted`: rehash it
};
// Each of password_forms() is tried, so that hashes of unprepared bytes still match; they are stale.
// A hash of another program (foreign_hashes.h) is always stale. Any other hash, or one
// out of bounds, matches nothing.
[[nodiscard]] PasswordMatch verify_password(std::string_view password, std::string_view phc, const HashCost& wanted);

// The cost a PHC string declares; nullopt if it is not one of ours.
[[nodiscard]] std::optional<HashCost> cost_of(std::string_view phc);

} // namespace foyer::accounts
