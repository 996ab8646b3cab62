#include "base/ip_address.h"

#include <gmock/gmock.h>

#include <string>

using namespace foyer;
using namespace std::string_view_literals;

TEST(IpAddress, BothKindsAreSixteenBytes) {
  const auto v4 = parse_ip("192.0.2.7");
  ASSERT_TRUE(v4);
  EXPECT_TRUE(v4->written_as_v4 && v4->is_v4());
  EXPECT_EQ(v4->v4(), 0xC0000207U);
  const auto mapped = parse_ip("::ffff:192.0.2.7");
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->bytes, v4->bytes);
  EXPECT_TRUE(mapped->is_v4() && !mapped->written_as_v4);
  const auto v6 = parse_ip("2001:DB8::1");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6->is_v4());
  EXPECT_EQ(v6->bytes[0], 0x20);
  EXPECT_EQ(v6->bytes[15], 1);
  EXPECT_TRUE(parse_ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")) << "the longest there is";
}

TEST(IpAddress, LoopbackIsEightBitsOfIpv4AndOneAddressOfIpv6) {
  for (const auto text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(parse_ip(text)->is_loopback()) << text;
  for (const auto text : {"128.0.0.1", "::", "::2", "1::1", "::7f00:1", "::ffff:10.0.0.1"})
    EXPECT_FALSE(parse_ip(text)->is_loopback()) << text;
}

TEST(IpAddress, ItsNetworkIsWhatASiteHas) {
  EXPECT_EQ(network_of("203.0.113.7"), "203.0.113.0/24");
  EXPECT_EQ(network_of("::ffff:203.0.113.7"), "203.0.113.0/24");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
  EXPECT_EQ(network_of("unix"), "unix");
}

TEST(IpAddress, NothingStandsAroundIt) {
  for (const auto text : {""sv, " 10.0.0.1"sv, "10.0.0.1 "sv, "10.0.0.1\0"sv, "::1\0x"sv, "\0"sv, "[::1]"sv,
           "fe80::1%eth0"sv, "10.0.0"sv, "10.0.0.256"sv, "010.0.0.1"sv, "0x7f.0.0.1"sv, "2130706433"sv, "::1/64"sv,
           "1::2::3"sv, ":1"sv, "localhost"sv})
    EXPECT_FALSE(parse_ip(text)) << testing::PrintToString(text);
  EXPECT_FALSE(parse_ip(std::string(1000, '1')));
}
