#include "client/address_scope.h"

#include <array>
#include <cstddef>

namespace foyer::client {
namespace {

struct Network {
  std::string_view prefix;
  std::size_t bits; // of IPv4, within its 32
  std::string_view use;
};

constexpr std::array kV4{
    Network{"0.0.0.0", 8, "0.0.0.0/8, this network"},
    Network{"10.0.0.0", 8, "10.0.0.0/8, private use"},
    Network{"100.64.0.0", 10, "100.64.0.0/10, shared by a provider's customers (CGNAT)"},
    Network{"127.0.0.0", 8, "127.0.0.0/8, loopback"},
    Network{"169.254.0.0", 16, "169.254.0.0/16, link-local"},
    Network{"172.16.0.0", 12, "172.16.0.0/12, private use"},
    Network{"192.0.0.0", 24, "192.0.0.0/24, protocol assignments"},
    Network{"192.0.2.0", 24, "192.0.2.0/24, documentation"},
    Network{"192.88.99.0", 24, "192.88.99.0/24, 6to4 relays"},
    Network{"192.168.0.0", 16, "192.168.0.0/16, private use"},
    Network{"198.18.0.0", 15, "198.18.0.0/15, benchmarks"},
    Network{"198.51.100.0", 24, "198.51.100.0/24, documentation"},
    Network{"203.0.113.0", 24, "203.0.113.0/24, documentation"},
    Network{"224.0.0.0", 4, "224.0.0.0/4, multicast"},
    Network{"240.0.0.0", 4, "240.0.0.0/4, reserved"},
};

// The first match counts. Global unicast addresses are given out of 2000::/3 only.
constexpr std::array kV6{
    Network{"::", 128, "::, no address"},
    Network{"::1", 128, "::1, loopback"},
    Network{"::ffff:0:0", 96, "::ffff:0:0/96, IPv4 as IPv6"},
    Network{"64:ff9b::", 96, "64:ff9b::/96, NAT64"},
    Network{"64:ff9b:1::", 48, "64:ff9b:1::/48, NAT64"},
    Network{"100::", 64, "100::/64, discarded"},
    Network{"2001::", 32, "2001::/32, Teredo"},
    Network{"2001::", 23, "2001::/23, protocol assignments"},
    Network{"2001:db8::", 32, "2001:db8::/32, documentation"},
    Network{"2002::", 16, "2002::/16, 6to4"},
    Network{"3fff::", 20, "3fff::/20, documentation"},
    Network{"fc00::", 7, "fc00::/7, unique local"},
    Network{"fe80::", 10, "fe80::/10, link-local"},
    Network{"fec0::", 10, "fec0::/10, site-local"},
    Network{"ff00::", 8, "ff00::/8, multicast"},
};
constexpr Network kGlobalV6{"2000::", 3, "outside 2000::/3, not global unicast"};
constexpr std::size_t kV4Bits = 96; // before an IPv4 address in sixteen bytes

bool covers(const Network& network, const IpAddress& address) {
  const auto prefix = parse_ip(network.prefix);
  const std::size_t bits = network.bits + (prefix->written_as_v4 ? kV4Bits : 0);
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((prefix->bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

} // namespace

std::optional<std::string_view> special_use(const IpAddress& address) {
  if (address.written_as_v4) {
    for (const Network& network : kV4)
      if (covers(network, address)) return network.use;
    return std::nullopt;
  }
  for (const Network& network : kV6)
    if (covers(network, address)) return network.use;
  if (!covers(kGlobalV6, address)) return kGlobalV6.use;
  return std::nullopt;
}

} // namespace foyer::client
