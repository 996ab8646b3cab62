// Classifies a token by its form alone. Refresh tokens, cookies and tickets
// are opaque: before a lookup, they can be distinguished from a JWT but not from each other.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

// Three parts, the first a JSON object.
[[nodiscard]] constexpr bool looks_like_jwt(std::string_view token) {
  return token.starts_with("eyJ") && std::ranges::count(token, '.') == 2;
}

// WRONG_TOKEN_TYPE for a JWT in the session cookie.
[[nodiscard]] inline std::optional<Refusal> wrong_in_cookie(std::string_view cookie) {
  if (!looks_like_jwt(cookie)) return std::nullopt;
  return Refusal{.cause = Cause::WRONG_TOKEN_TYPE, .evidence = "a JWT in the session cookie", .field = "Cookie"};
}

// The form of Entropy::token().
[[nodiscard]] constexpr bool looks_opaque(std::string_view token) {
  return token.size() == 43 && std::ranges::all_of(token, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

} // namespace foyer::accounts
