// Whose address a request came from. Forwarding headers are believed only from
// TRUSTED_PROXIES; the rightmost address that is not such a proxy is the client's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::gateway {

// An IPv4 or IPv6 network; IPv4 is held as IPv4-mapped IPv6.
class Network {
 public:
  [[nodiscard]] static Result<Network> parse(std::string_view cidr); // INVALID_VALUE; a bare address is a network of one
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  int bits_ = 128;
};

struct ClientAddress {
  std::string address;
  bool secure = false;             // https, as the client saw it
  bool ignored_forwarding = false; // forwarding headers came from someone not trusted (PROXY_NOT_TRUSTED)
};

// `peer`: the other end of the socket. Reads Forwarded (RFC 7239), or
// X-Forwarded-For and X-Forwarded-Proto. A proxy that writes one of them may pass on
// the other as the client sent it: where both are there and differ, neither is
// believed, and the address is the proxy's.
[[nodiscard]] ClientAddress client_address(const std::vector<Network>& trusted, std::string_view peer, bool secure, const Request& request);

} // namespace foyer::gateway
