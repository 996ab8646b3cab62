// Sec-WebSocket-Extensions (RFC 6455 §9.1) and what is agreed on about
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
// grammar, on which an end of the connection must fail the handshake.
[[nodiscard]] std::optional<std::vector<Extension>> parse_extensions(std::string_view value);

// How both ends compress, once agreed. A window is 2^bits bytes.
struct DeflateTerms {
  std::uint8_t server_bits = 15; // the most that the server's messages refer back to
  std::uint8_t client_bits = 15; // likewise the client's
  bool server_takeover = false;  // messages refer to those before them
  bool client_takeover = false;
  bool server_bits_asked = false; // the offer set server_max_window_bits, and the answer must
  bool client_bits_sent = false;  // the offer allowed to set client_max_window_bits, and the answer does
  friend bool operator==(const DeflateTerms&, const DeflateTerms&) = default;
};

// With takeover, a client that lets us is held to this window: 4 KiB of past messages
// are what chat repeats itself in, and eight times more cost eight times the memory.
inline constexpr std::uint8_t kTakeoverBits = 12;

// The server's choice: the first offer that can be accepted unchanged. Offers with
// unknown, repeated or bad parameters are declined (RFC 7692 §7.1); nullopt: none is left.
[[nodiscard]] std::optional<DeflateTerms> accept_deflate(const std::vector<Extension>& offers, bool takeover);
// The value of Sec-WebSocket-Extensions in the 101.
[[nodiscard]] std::string deflate_answer(const DeflateTerms& terms);

// Clients that agree to permessage-deflate and then cannot do it, by their User-Agent.
// Empty: it may be agreed on; else the reason why not.
[[nodiscard]] std::string_view broken_deflate(std::string_view user_agent);

} // namespace foyer::wire
