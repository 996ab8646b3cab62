// The name that a user logs in with and that others see.
//
// 1 to 64 of [A-Za-z0-9._@-], beginning with a letter or a digit. ASCII only, so
// that two names which look alike are alike, and "Alice" and "alice" are one name:
// kept as written, compared by name_key().
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxEmailBytes = 254; // RFC 5321 §4.5.3.1.3, less the brackets

// NAME_INVALID with field "name" and which rule is broken; the name itself is not repeated.
[[nodiscard]] Result<bool> check_name(std::string_view name);
// Whether a name could be taken for the server or its operators, as the list in names.cc or
// `more` has it: without regard to case, separators, digits in place of letters, and what follows an @.
[[nodiscard]] bool is_reserved_name(std::string_view name, std::span<const std::string> more);
// What must be unique: lower case.
[[nodiscard]] std::string name_key(std::string_view name);
// One @ with something on both sides, no white space or controls. BAD_REQUEST with field "email".
[[nodiscard]] Result<bool> check_email(std::string_view email);

} // namespace foyer::accounts
