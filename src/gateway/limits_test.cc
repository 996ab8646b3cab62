#include "gateway/limits.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

namespace foyer::gateway {
namespace {

const MonoTime kStart{std::chrono::seconds{1000}};

Cause cause_of(const std::optional<Refusal>& refusal) { return refusal ? refusal->cause : Cause::INTERNAL_ERROR; }

TEST(AddressLimits, TheThousandAndFirstHandshakeWithinTenSecondsIsRefusedAndToldWhenToComeBack) {
  AddressLimits limits({});
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(limits.handshake("10.0.0.1", kStart));
  const auto refused = limits.handshake("10.0.0.1", kStart);
  ASSERT_EQ(cause_of(refused), Cause::ADDRESS_RATE_LIMIT);
  ASSERT_TRUE(refused->retry_after);
  EXPECT_TRUE(limits.handshake("10.0.0.1", kStart + *refused->retry_after - Millis{2}));
  EXPECT_FALSE(limits.handshake("10.0.0.1", kStart + *refused->retry_after));
  EXPECT_FALSE(limits.handshake("10.0.0.2", kStart)) << "another address is not concerned";
}

TEST(AddressLimits, TheWindowSlides) {
  AddressLimits limits({.handshakes = 10});
  const MonoTime late = kStart + Millis{9'000};
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(limits.handshake("10.0.0.1", late));
  EXPECT_TRUE(limits.handshake("10.0.0.1", kStart + Millis{10'000})) << "a second later all ten are still in sight";
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
  for (const Cause cause : {Cause::DRAINING, Cause::ADDRESS_RATE_LIMIT, Cause::AUTH_SERVICE_TIMEOUT, Cause::SERVICE_SECRET_REJECTED, Cause::REVOCATION_UNCHECKED,
                            Cause::USER_CONNECTION_LIMIT})
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
  a->release(); // gives back once
  EXPECT_TRUE(limits.connect("10.0.0.1", kStart));
}

TEST(AddressLimits, AFullTableRefusesTheStrangerAndServesWhoIsKnown) {
  AddressLimits limits({.table_size = 64});
  std::vector<Pass> held;
  std::vector<std::string> known;
  std::string stranger;
  for (int i = 0; i < 4096; ++i) {
    const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    if (auto pass = limits.connect(address, kStart)) {
      held.push_back(std::move(*pass));
      known.push_back(address);
    } else {
      stranger = address;
    }
  }
  EXPECT_EQ(limits.rows(), 64u);
  ASSERT_FALSE(stranger.empty());
  EXPECT_EQ(cause_of(limits.handshake(stranger, kStart)), Cause::ADDRESS_RATE_LIMIT);
  for (const auto& address : known) EXPECT_FALSE(limits.handshake(address, kStart));
  held.clear();
  EXPECT_FALSE(limits.handshake(stranger, kStart + Millis{30'000})) << "rows that nothing holds make room";
}

TEST(AddressKey, AnIpv6ClientIsItsNetworkAndAMappedAddressIsIpv4) {
  EXPECT_EQ(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(address_key("2001:db8:1:2::1"), address_key("2001:db8:1:3::1"));
  EXPECT_EQ(address_key("::ffff:10.0.0.1"), address_key("10.0.0.1"));
  EXPECT_NE(address_key("10.0.0.1"), address_key("10.0.0.2"));
}

TEST(UserConnections, OneMoreThanTheLimitIsRefusedUntilAnotherCloses) {
  UserConnections users(2);
  auto a = users.connect(UserId("alice"));
  auto b = users.connect(UserId("alice"));
  ASSERT_TRUE(a && b);
  const auto c = users.connect(UserId("alice"));
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().cause, Cause::USER_CONNECTION_LIMIT);
  EXPECT_TRUE(users.connect(UserId("bob")));
  a = Pass{};
  EXPECT_EQ(users.open(UserId("alice")), 1u);
  EXPECT_TRUE(users.connect(UserId("alice")));
}

TEST(ConnectionGauges, EachLimitHasItsCodeAndComesBackWithItsPass) {
  ConnectionGauges gauges({.connections = 1, .pending = 1, .refusal_upgrades = 1});
  {
    auto connection = gauges.connection();
    auto pending = gauges.pending();
    auto telling = gauges.refusal_upgrade();
    ASSERT_TRUE(connection && pending && telling);
    EXPECT_EQ(gauges.connection().error().cause, Cause::CONNECTION_LIMIT);
    EXPECT_EQ(gauges.pending().error().cause, Cause::PENDING_LIMIT);
    EXPECT_FALSE(gauges.refusal_upgrade());
    EXPECT_EQ(gauges.connections(), 1u);
  }
  EXPECT_EQ(gauges.connections(), 0u);
  EXPECT_TRUE(gauges.connection());
  EXPECT_TRUE(gauges.pending());
  EXPECT_TRUE(gauges.refusal_upgrade());
}

TEST(ConnectionGauges, TheRateOfHandshakesAllowsABurstOfOneSecond) {
  ConnectionGauges gauges({.connects_per_s = 10});
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(gauges.handshake(kStart));
  const auto refused = gauges.handshake(kStart);
  ASSERT_EQ(cause_of(refused), Cause::CONNECT_RATE_LIMIT);
  EXPECT_THAT(refused->retry_after->count(), testing::AllOf(testing::Ge(100), testing::Le(102)));
  EXPECT_FALSE(gauges.handshake(kStart + *refused->retry_after));
  EXPECT_TRUE(gauges.handshake(kStart + *refused->retry_after));
}

TEST(ConnectionGauges, ManyThreadsNeverTakeMoreThanTheLimit) {
  ConnectionGauges gauges({.connections = 5});
  UserConnections users(5);
  std::atomic<std::uint32_t> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        auto pass = gauges.connection();
        auto user = users.connect(UserId("alice"));
        const std::uint32_t now = gauges.connections();
        std::uint32_t seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), 5u);
  EXPECT_EQ(gauges.connections(), 0u);
  EXPECT_EQ(users.open(UserId("alice")), 0u);
}

} // namespace
} // namespace foyer::gateway
