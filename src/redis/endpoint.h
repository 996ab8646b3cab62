// Where a server listens.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foyer::redis {

inline constexpr std::size_t kMostHostBytes = 253;

struct Endpoint {
  std::string host = {}; // a name or an address, IPv6 without brackets
  std::uint16_t port = 0;

  // "10.0.0.1:6379", "[::1]:6379"
  [[nodiscard]] std::string shown() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  }
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// As a server names another one. Nothing: the host is empty, too long or not printable, or the port is none.
[[nodiscard]] std::optional<Endpoint> read_endpoint(std::string_view host, std::string_view port);

} // namespace foyer::redis
