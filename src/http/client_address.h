// The client address of a request. The forwarding header that proxy_header names is used only if a trusted proxy
// (TRUSTED_PROXIES) sent it; the rightmost address that is not a trusted proxy is the client's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::http {

// An IPv4 or IPv6 network. IPv4 is stored as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
class Network {
 public:
  [[nodiscard]] static Result<Network> parse(std::string_view cidr); // "10.0.0.0/8", or an address alone; INVALID_VALUE
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  int bits_ = 128;
};

// Which proxies are trusted, and in which header they name the client.
struct ProxyTrust {
  std::vector<Network> networks = {};
  // X-Forwarded-For, X-Real-IP and similar ones hold addresses; Forwarded is RFC 7239. Only this header is read: a
  // proxy that sets one of them passes on the others as the client wrote them.
  std::string header = "X-Forwarded-For";

  [[nodiscard]] bool covers(std::string_view address) const;
};

struct ClientAddress {
  std::string address;
  bool secure = false;                // the client used https
  bool ignored_forwarding = false;    // an untrusted peer sent forwarding headers (PROXY_NOT_TRUSTED)
  std::string_view other_header = {}; // a trusted proxy sent this header instead of proxy_header
};

// `peer`: the other end of the socket. Whether the client used https comes from `proto` in
// Forwarded, or from X-Forwarded-Proto with any other header.
[[nodiscard]] ClientAddress client_address(
    const ProxyTrust& trust, std::string_view peer, bool secure, const Request& request);

} // namespace foyer::http
