// Which kind of token is this, by its form alone? Refresh tokens, cookies and tickets
// are opaque: before a lookup, one can be distinguished from a JWT but not from another.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

// Three parts, the first of them a JSON object.
[[nodiscard]] constexpr bool looks_like_jwt(std::string_view token) {
  return token.starts_with("eyJ") && std::ranges::count(token, '.') == 2;
}

// WRONG_TOKEN_TYPE for a JWT in the session cookie.
[[nodiscard]] inline std::optional<Refusal> wrong_in_cookie(std::string_view cookie) {
  if (!looks_like_jwt(cookie)) return std::nullopt;
  return Refusal{.cause = Cause::WRONG_TOKEN_TYPE, .evidence = "a JWT in the session cookie", .field = "Cookie"};
}

// As Entropy::token() makes them.
[[nodiscard]] constexpr bool looks_opaque(std::string_view token) {
  return token.size() == 43 && std::ranges::all_of(token, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

} // namespace foyer::accounts
