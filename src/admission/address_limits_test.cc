#include "admission/address_limits.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>
#include <vector>

namespace foyer::admission {
namespace {

const MonoTime kStart{std::chrono::seconds{1000}};

Cause cause_of(const std::optional<Refusal>& refusal) { return refusal ? refusal->cause : Cause::INTERNAL_ERROR; }

TEST(AddressLimits, TheThousandAndFirstHandshakeWithinTenSecondsIsRefusedWithARetryTime) {
  AddressLimits limits({});
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(limits.handshake("10.0.0.1", kStart));
  const auto refused = limits.handshake("10.0.0.1", kStart);
  ASSERT_EQ(cause_of(refused), Cause::ADDRESS_RATE_LIMIT);
  ASSERT_TRUE(refused->retry_after);
  EXPECT_TRUE(limits.handshake("10.0.0.1", kStart + *refused->retry_after - Millis{2}));
  EXPECT_FALSE(limits.handshake("10.0.0.1", kStart + *refused->retry_after));
  EXPECT_FALSE(limits.handshake("10.0.0.2", kStart)) << "another address is not affected";
}

TEST(AddressLimits, TheWindowSlides) {
  AddressLimits limits({.handshakes = 10});
  const MonoTime late = kStart + Millis{9'000};
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(limits.handshake("10.0.0.1", late));
  EXPECT_TRUE(limits.handshake("10.0.0.1", kStart + Millis{10'000})) << "a second later all ten still count";
  int admitted = 0;
  for (int i = 0; i < 10; ++i) admitted += limits.handshake("10.0.0.1", kStart + Millis{15'000}) ? 0 : 1;
  EXPECT_EQ(admitted, 5);
}

TEST(AddressLimits, ManyRefusalsCloseTheDoorToThatAddress) {
  AddressLimits limits({.refusals = 3});
  for (int i = 0; i < 3; ++i) limits.refused("10.0.0.1", Cause::SIGNATURE_INVALID, kStart);
  const auto refused = limits.handshake("10.0.0.1", kStart);
  ASSERT_EQ(cause_of(refused), Cause::ADDRESS_RATE_LIMIT);
  EXPECT_FALSE(limits.handshake("10.0.0.1", kStart + *refused->retry_after));
}

TEST(AddressLimits, RefusalsThatAreNotTheClientsFaultDoNotCount) {
  AddressLimits limits({.refusals = 1});
  for (const Cause cause : {Cause::DRAINING, Cause::ADDRESS_RATE_LIMIT, Cause::AUTH_SERVICE_TIMEOUT,
           Cause::SERVICE_SECRET_REJECTED, Cause::REVOCATION_UNCHECKED, Cause::USER_CONNECTION_LIMIT})
    limits.refused("10.0.0.1", cause, kStart);
  EXPECT_FALSE(limits.handshake("10.0.0.1", kStart));
}

TEST(AddressLimits, OpenSocketsAreCountedUntilTheirPassEnds) {
  AddressLimits limits({.connections = 2});
  auto a = limits.connect("10.0.0.1", kStart);
  auto b = limits.connect("10.0.0.1", kStart);
  ASSERT_TRUE(a && b);
  const auto c = limits.connect("10.0.0.1", kStart);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().cause, Cause::ADDRESS_LIMIT);
  EXPECT_TRUE(c.error().retry_after);
  a->release();
  a->release(); // returns it once
  EXPECT_TRUE(limits.connect("10.0.0.1", kStart));
}

TEST(AddressLimits, AFullTableServesStrangersUntilTheirNetworkHasHadAsMuchAsOneAddress) {
  AddressLimits limits({.handshakes = 10, .table_size = 16});
  // 4,096 addresses of 4,096 networks: one row in each of the 16 shards, the others have none.
  std::vector<Permit> held;
  for (int i = 0; i < 4096; ++i) {
    const std::string address = "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1";
    auto pass = limits.connect(address, kStart);
    ASSERT_TRUE(pass) << address;
    held.push_back(std::move(*pass));
  }
  EXPECT_EQ(limits.rows(), 16u);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limits.handshake("192.0.2." + std::to_string(i), kStart));
  const auto refused = limits.handshake("192.0.2.200", kStart);
  ASSERT_EQ(cause_of(refused), Cause::ADDRESS_RATE_LIMIT);
  EXPECT_THAT(refused->evidence, testing::HasSubstr("network around the address"));
  EXPECT_FALSE(limits.handshake("203.0.113.1", kStart)) << "another network";
  held.clear();
  EXPECT_FALSE(limits.handshake("198.51.100.7", kStart + Millis{30'000}));
  EXPECT_LE(limits.rows(), 16u);
}

TEST(AddressLimits, AnAddressWithARowIsServedWhenTheTableIsFull) {
  AddressLimits limits({.handshakes = 10, .table_size = 16});
  ASSERT_FALSE(limits.handshake("192.0.2.1", kStart));
  std::vector<Permit> held;
  for (int i = 0; i < 4096; ++i) {
    auto pass = limits.connect("10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1", kStart);
    ASSERT_TRUE(pass);
    held.push_back(std::move(*pass));
  }
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(limits.handshake("192.0.2.1", kStart)) << i;
  EXPECT_TRUE(limits.handshake("192.0.2.1", kStart)) << "an address has its own ten, whatever its neighbours do";
}

TEST(AddressLimits, AWholeIpv6NetworkOfSixtyFiveThousandLocksOutItselfAlone) {
  AddressLimits limits({});
  int served = 0;
  char address[64];
  for (unsigned i = 0; i < 65'536; ++i) {
    std::snprintf(address, sizeof address, "2001:db8:1:%x::1", i);
    served += limits.handshake(address, kStart) ? 0 : 1;
  }
  EXPECT_EQ(served, 4'096) << "a row each, until its part of the table was full";
  EXPECT_LE(limits.rows(), 4'096u);
  int locked_out = 0;
  for (int i = 0; i < 1000; ++i) {
    std::snprintf(address, sizeof address, "2001:db8:%x:1::1", 2 + i);
    locked_out += limits.handshake(address, kStart) ? 1 : 0;
    std::snprintf(address, sizeof address, "198.51.%d.7", i % 256);
    locked_out += limits.handshake(address, kStart) ? 1 : 0;
  }
  EXPECT_LE(locked_out, 2) << "only networks that share its count, one in 4,096";
}

TEST(AddressLimits, ANetworkMayDoSixteenTimesWhatAnAddressMay) {
  AddressLimits limits({.handshakes = 10, .connections = 2});
  int served = 0, open = 0;
  std::vector<Permit> held;
  for (int i = 0; i < 256; ++i) {
    const std::string address = "192.0.2." + std::to_string(i);
    for (int j = 0; j < 10; ++j) served += limits.handshake(address, kStart) ? 0 : 1;
    for (int j = 0; j < 2; ++j)
      if (auto pass = limits.connect(address, kStart)) ++open, held.push_back(std::move(*pass));
  }
  EXPECT_EQ(served, 160);
  EXPECT_EQ(open, 32);
}

TEST(AddressLimits, SocketsWithoutAnAnswerAreCountedUntilTheirPassEnds) {
  AddressLimits limits({.arriving = 2});
  auto a = limits.arrive("10.0.0.1", kStart);
  auto b = limits.arrive("10.0.0.1", kStart);
  ASSERT_TRUE(a && b);
  const auto c = limits.arrive("10.0.0.1", kStart);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().cause, Cause::HANDSHAKE_LIMIT);
  EXPECT_EQ(c.error().evidence, "address_arriving 2");
  EXPECT_TRUE(limits.arrive("10.0.0.2", kStart));
  b->release();
  EXPECT_TRUE(limits.arrive("10.0.0.1", kStart));
}

TEST(AddressLimits, TheMetricsShowHowFullTheTableIsAndWhatWasRefused) {
  Metrics metrics;
  AddressLimits limits({.handshakes = 1, .table_size = 64});
  limits.report_to(metrics, "address_table");
  ASSERT_FALSE(limits.handshake("10.0.0.1", kStart));
  ASSERT_TRUE(limits.handshake("10.0.0.1", kStart));
  const std::string text = metrics.text();
  EXPECT_THAT(text, testing::HasSubstr("foyer_limit_used{limit=\"address_table\"} 1\n"));
  EXPECT_THAT(text, testing::HasSubstr("foyer_limit_max{limit=\"address_table\"} 64\n"));
  EXPECT_THAT(text, testing::HasSubstr("foyer_limit_refused_total{limit=\"address_handshakes\"} 1\n"));
}

TEST(AddressKey, AnIpv6ClientIsItsNetworkAndAMappedAddressIsIpv4) {
  EXPECT_EQ(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:3::1"));
  EXPECT_EQ(address_key("::ffff:10.0.0.1"), address_key("10.0.0.1"));
  EXPECT_NE(address_key("10.0.0.1"), address_key("10.0.0.2"));
}

} // namespace
} // namespace foyer::admission
