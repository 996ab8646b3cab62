// Sec-WebSocket-Extensions (RFC 6455 §9.1) and the negotiation of
// permessage-deflate (RFC 7692 §5, §7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::wire {

struct ExtensionParameter {
  std::string name;
  std::optional<std::string> value = {}; // without quotes
};

struct Extension {
  std::string name;
  std::vector<ExtensionParameter> parameters = {};
};

// A header's value, or several joined by commas. nullopt: it does not follow the
// grammar, so the handshake must fail.
[[nodiscard]] std::optional<std::vector<Extension>> parse_extensions(std::string_view value);

// The negotiated compression of both directions. A window is 2^bits bytes.
struct DeflateTerms {
  std::uint8_t server_bits = 15; // the farthest that the server's messages refer back
  std::uint8_t client_bits = 15; // likewise the client's
  bool server_takeover = false;  // messages refer to earlier ones
  bool client_takeover = false;
  bool server_bits_asked = false; // the offer set server_max_window_bits, and the answer must
  bool client_bits_sent = false;  // the offer allowed client_max_window_bits, and the answer sets it
  friend bool operator==(const DeflateTerms&, const DeflateTerms&) = default;
};

// With takeover, a client that allows it is held to this window: chat mostly repeats
// the last 4 KiB, and an eight times larger window costs eight times the memory.
inline constexpr std::uint8_t kTakeoverBits = 12;

// The server's choice: the first offer that can be accepted unchanged. Offers with
// unknown, repeated or bad parameters are declined (RFC 7692 §7.1); nullopt: none is left.
[[nodiscard]] std::optional<DeflateTerms> accept_deflate(const std::vector<Extension>& offers, bool takeover);
// The value of Sec-WebSocket-Extensions in the 101.
[[nodiscard]] std::string deflate_answer(const DeflateTerms& terms);

// Clients, by their User-Agent, that negotiate permessage-deflate and then fail to use it.
// Empty: it may be negotiated; otherwise the reason why not.
[[nodiscard]] std::string_view broken_deflate(std::string_view user_agent);

} // namespace foyer::wire
