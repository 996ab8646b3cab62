// Passwords as RFC 8265 §4.2 (OpaqueString) prepares them, so that the same password is
// the same bytes whatever keyboard and system it is typed on: "é" as one character or
// as e with an accent, a blank or one of its relatives. Case and width stay.
//
// What the profile refuses when a password is set (controls, unassigned characters, what
// is invisible, joined emoji) may stand in an old one: for a login the bytes in NFC do.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::accounts {

// The prepared form, or which character is in the way: "U+200D ZERO WIDTH JOINER".
// For what is not UTF-8: "bytes that are not UTF-8". An empty password stays empty.
[[nodiscard]] std::expected<std::string, std::string> prepare_opaque(std::string_view text);

// What a stored hash may have been made of, likeliest first, without repeats: the prepared form (where the profile
// refuses, NFC), the bytes as typed, and NFD, which older releases hashed as it came from some systems. At most three.
[[nodiscard]] std::vector<std::string> password_forms(std::string_view text);

} // namespace foyer::accounts
