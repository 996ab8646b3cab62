// Bytes: encodings, comparison of secrets, and the immutable shared buffer that
// holds a publication.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace foyer {

// Immutable, shared between send queues and between threads.
using SharedBytes = std::shared_ptr<const std::string>;
[[nodiscard]] inline SharedBytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

// RFC 4648 §5 without padding; decoding is strict: no padding, no white space, unused bits zero.
[[nodiscard]] std::string base64url_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);
// RFC 4648 §4 with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::string hex_encode(std::string_view bytes); // lower case

[[nodiscard]] std::string sha256(std::string_view bytes);                            // 32 raw bytes
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes); // 32 raw bytes

// Runs in constant time for equal lengths; only a difference in length is observable.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

[[nodiscard]] bool is_utf8(std::string_view bytes);
// A string from a peer, for logs and texts: truncated at `limit` bytes, control characters escaped.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 256);
// The nearest of `candidates` by edit distance, if one is near enough to be the one intended.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

} // namespace foyer
