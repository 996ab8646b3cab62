// The name that a user logs in with and others see.
//
// 1 to 64 of [A-Za-z0-9._@-], beginning with a letter or a digit. ASCII only, so
// that different names look different, and "Alice" and "alice" are one name:
// stored as written, compared by name_key().
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/refusal.h"

namespace foyer::accounts {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxEmailBytes = 254; // RFC 5321 §4.5.3.1.3, less the brackets

// NAME_INVALID with field "name" and the broken rule; the name itself is not repeated.
[[nodiscard]] Result<bool> check_name(std::string_view name);
// Whether a name could be mistaken for the server or its operators, according to the list in names.cc or
// `more`: ignoring case, separators, digits in place of letters, and everything after an @.
[[nodiscard]] bool is_reserved_name(std::string_view name, std::span<const std::string> more);
// The unique form: lower case.
[[nodiscard]] std::string name_key(std::string_view name);
// One @ with something on both sides, no white space or controls. BAD_REQUEST with field "email".
[[nodiscard]] Result<bool> check_email(std::string_view email);

} // namespace foyer::accounts
