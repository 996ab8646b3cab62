#pragma once

#include <string>

struct sockaddr;

namespace foyer::io {

// The numeric address of an AF_INET or AF_INET6 socket address, "" for others. An
// IPv4 address mapped into IPv6 is written as IPv4.
[[nodiscard]] std::string address_text(const sockaddr& address);

} // namespace foyer::io
