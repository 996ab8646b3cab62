// Prepares passwords according to RFC 8265 §4.2 (OpaqueString), so that the same password is
// the same bytes on every keyboard and system: "é" as one character or
// as e with an accent, every kind of blank. Case and width are kept.
//
// Characters that the profile refuses in new passwords (controls, unassigned characters, invisible
// ones, joined emoji) may occur in old ones: a login then uses the bytes in NFC.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::accounts {

// The prepared form, or the offending character: "U+200D ZERO WIDTH JOINER".
// For invalid UTF-8: "bytes that are not UTF-8". An empty password stays empty.
[[nodiscard]] std::expected<std::string, std::string> prepare_opaque(std::string_view text);

// The possible inputs of a stored hash, likeliest first, without repeats: the prepared form (NFC if the
// profile refuses it), the bytes as typed, and NFD, which older releases hashed as some systems sent it. At most three.
[[nodiscard]] std::vector<std::string> password_forms(std::string_view text);

} // namespace foyer::accounts
