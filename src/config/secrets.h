// Rules that worthless secrets break: too short, too regular, publicly known, or never filled in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace foyer::config {

// A line end at the end of a file is not part of the secret in it.
[[nodiscard]] std::string_view without_line_end(std::string_view text);
// Text left over from a template or an example. `secret`: also common
// placeholders (secret, password123).
[[nodiscard]] bool is_placeholder(std::string_view value, bool secret);
// The rule that a secret breaks, as a sentence without the secret; nothing if it is strong enough.
[[nodiscard]] std::optional<std::string> weakness(std::string_view secret, std::size_t min_bytes);
// The loggable form of a secret: 8 hex digits of HMAC-SHA256(secret, "foyer-fp-v1:" + option), or `weak`; empty without
// a secret.
[[nodiscard]] std::string fingerprint(std::string_view option, std::string_view secret, std::size_t min_bytes);

} // namespace foyer::config
