// IP addresses as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foyer {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{}; // in network order; of IPv4 ::ffff:a.b.c.d (RFC 4291 §2.5.5.2)
  bool written_as_v4 = false;

  [[nodiscard]] bool is_v4() const; // in either notation
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::uint32_t v4() const; // of an IPv4 address, the host's order
};

// Four decimal numbers, or RFC 4291 §2.2; nothing around it: no brackets, zone, space or NUL.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

// The network around an address: "203.0.113.0/24", "2001:db8:1::/48". For any other text, the text itself.
[[nodiscard]] std::string network_of(std::string_view address);

} // namespace foyer
