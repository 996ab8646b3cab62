// The text of a key of the server API: a prefix by which scanners of secrets recognise it, and 256 random bits.
// Only its hash is stored. A fast hash is enough, since nobody can guess 256 bits.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::access {

inline constexpr std::string_view kApiKeyPrefix = "foyer_key_";
inline constexpr std::size_t kApiKeyBytes = kApiKeyPrefix.size() + 43;
inline constexpr std::size_t kApiKeyNameBytes = 64;

[[nodiscard]] std::string make_api_key(Entropy& entropy);
[[nodiscard]] std::string hash_of_api_key(std::string_view key); // base64url of SHA-256
// Whether it can be one of ours, without asking anybody.
[[nodiscard]] bool looks_like_api_key(std::string_view text);
// Letters, digits, `.`, `_` and `-`, 1 to 64: it becomes part of an id, app:NAME. NAME_INVALID.
[[nodiscard]] Result<void> check_api_key_name(std::string_view name);

} // namespace foyer::access
