#include "client/address_scope.h"

#include <gmock/gmock.h>

#include <string>

namespace foyer::client {
namespace {

std::string use_of(std::string_view text) {
  const auto address = parse_ip(text);
  if (!address) return "not an address";
  return std::string(special_use(*address).value_or("global"));
}

TEST(AddressScope, AddressesOfThePublicInternetAreGlobal) {
  for (const auto text :
      {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
          "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
          "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255",
          "223.255.255.255", "2001:4860:4860::8888", "2600::1", "2a00:1450::1", "2001:200::1", "2003::1", "3ffe::1"})
    EXPECT_EQ(use_of(text), "global") << text;
}

TEST(AddressScope, EverySpecialNetworkIsKnownFromItsFirstToItsLastAddress) {
  using testing::HasSubstr;
  const struct {
    const char *first, *last, *use;
  } networks[] = {
      {"0.0.0.0", "0.255.255.255", "this network"},
      {"10.0.0.0", "10.255.255.255", "private"},
      {"100.64.0.0", "100.127.255.255", "CGNAT"},
      {"127.0.0.0", "127.255.255.255", "loopback"},
      {"169.254.0.0", "169.254.255.255", "link-local"},
      {"172.16.0.0", "172.31.255.255", "private"},
      {"192.0.0.0", "192.0.0.255", "protocol"},
      {"192.0.2.0", "192.0.2.255", "documentation"},
      {"192.88.99.0", "192.88.99.255", "6to4"},
      {"192.168.0.0", "192.168.255.255", "private"},
      {"198.18.0.0", "198.19.255.255", "benchmarks"},
      {"198.51.100.0", "198.51.100.255", "documentation"},
      {"203.0.113.0", "203.0.113.255", "documentation"},
      {"224.0.0.0", "239.255.255.255", "multicast"},
      {"240.0.0.0", "255.255.255.255", "reserved"},
      {"::", "::", "no address"},
      {"::1", "::1", "loopback"},
      {"::ffff:0.0.0.0", "::ffff:255.255.255.255", "IPv4 as IPv6"},
      {"64:ff9b::", "64:ff9b::ffff:ffff", "NAT64"},
      {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64"},
      {"100::", "100::ffff:ffff:ffff:ffff", "discarded"},
      {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
      {"2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocol"},
      {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
      {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"},
      {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
      {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
      {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
      {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
      {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
      {"::2", "::7f00:1", "not global"},
      {"4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not global"},
  };
  for (const auto& network : networks) {
    EXPECT_THAT(use_of(network.first), HasSubstr(network.use)) << network.first;
    EXPECT_THAT(use_of(network.last), HasSubstr(network.use)) << network.last;
  }
}

// A public IPv4 address inside an IPv6 one is no way around the list.
TEST(AddressScope, AMappedAddressIsRefusedWhateverItCarries) {
  for (const auto text : {"::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::808:808", "2002:808:808::1"})
    EXPECT_NE(use_of(text), "global") << text;
}

} // namespace
} // namespace foyer::client
