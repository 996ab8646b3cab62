// The name a person logs in with, and is seen under.
//
// 1 to 64 of [A-Za-z0-9._@-], beginning with a letter or a digit. ASCII only, so
// that two names which look alike are alike, and "Alice" and "alice" are one name:
// kept as written, compared by name_key().
#pragma once

#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxEmailBytes = 254; // RFC 5321 §4.5.3.1.3, less the brackets

// NAME_INVALID with field "name" and which rule is broken; the name itself is not repeated.
[[nodiscard]] Result<bool> check_name(std::string_view name);
// What must be unique: lower case.
[[nodiscard]] std::string name_key(std::string_view name);
// One @ with something on both sides, no white space or controls. BAD_REQUEST with field "email".
[[nodiscard]] Result<bool> check_email(std::string_view email);

} // namespace foyer::accounts
