#include "io/poll/address_text.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

using foyer::io::address_text;

TEST(AddressText, WritesIpv4InsideIpv6AsIpv4) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  mapped.sin6_addr.s6_addr[12] = 10;
  mapped.sin6_addr.s6_addr[15] = 7;
  EXPECT_EQ(address_text(reinterpret_cast<sockaddr&>(mapped)), "10.0.0.7");
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0xFFFEFD0A);
  EXPECT_EQ(address_text(reinterpret_cast<sockaddr&>(v4)), "255.254.253.10");
  mapped.sin6_addr = in6addr_loopback;
  EXPECT_EQ(address_text(reinterpret_cast<sockaddr&>(mapped)), "::1");
}
