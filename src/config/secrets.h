// What makes a secret worthless: that it is short, poor, known, or never filled in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace foyer::config {

// Text that a template or an example left behind. `secret`: also the words that
// people write for the time being (secret, password123).
[[nodiscard]] bool is_placeholder(std::string_view value, bool secret);
// The rule that a secret breaks, as a sentence without the secret; nothing if it is strong enough.
[[nodiscard]] std::optional<std::string> weakness(std::string_view secret, std::size_t min_bytes);
// What may be shown of a secret: 8 hex digits of HMAC-SHA256(secret, "foyer-fp-v1:" + option), or `weak`; empty for no
// secret.
[[nodiscard]] std::string fingerprint(std::string_view option, std::string_view secret, std::size_t min_bytes);

} // namespace foyer::config
