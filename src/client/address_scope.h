// Which IP addresses belong to the public internet, by the IANA registries of special-purpose addresses (RFC 6890).
// Whoever chooses a URL for this server to open must not reach its own machine, its network or a cloud's metadata.
#pragma once

#include <optional>
#include <string_view>

#include "base/ip_address.h"

namespace foyer::client {

// The network of special use that holds the address: "10.0.0.0/8, private use". Nothing: it is a global unicast
// address. An IPv6 address that carries an IPv4 one (v4-mapped, NAT64, 6to4, Teredo) is of special use, whichever it
// carries.
[[nodiscard]] std::optional<std::string_view> special_use(const IpAddress& address);

} // namespace foyer::client
