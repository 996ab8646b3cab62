#include "admission/limits.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

namespace foyer::admission {
namespace {

const MonoTime kStart{std::chrono::seconds{1000}};

Cause cause_of(const std::optional<Refusal>& refusal) { return refusal ? refusal->cause : Cause::INTERNAL_ERROR; }

TEST(UserConnections, OneMoreThanTheLimitIsRefusedUntilAnotherCloses) {
  UserConnections users(2);
  auto a = users.connect(UserId("alice"));
  auto b = users.connect(UserId("alice"));
  ASSERT_TRUE(a && b);
  const auto c = users.connect(UserId("alice"));
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().cause, Cause::USER_CONNECTION_LIMIT);
  EXPECT_TRUE(users.connect(UserId("bob")));
  a = Permit{};
  EXPECT_EQ(users.open(UserId("alice")), 1u);
  EXPECT_TRUE(users.connect(UserId("alice")));
}

TEST(ConnectionLimits, EachLimitHasItsCodeAndComesBackWithItsPass) {
  ConnectionLimits gauges({.connections = 1, .pending = 1, .refusal_upgrades = 1});
  {
    auto connection = gauges.connection();
    auto pending = gauges.pending();
    auto upgrade = gauges.refusal_upgrade();
    ASSERT_TRUE(connection && pending && upgrade);
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

TEST(ConnectionLimits, HandshakesUnderWayAndRequestsThatWaitHaveTheirCodes) {
  Metrics metrics;
  ConnectionLimits gauges({.handshakes = 1, .refused_sockets = 1, .requests = 1});
  gauges.report_to(metrics);
  auto arrival = gauges.arrival();
  auto refused = gauges.refused_socket();
  auto request = gauges.request();
  ASSERT_TRUE(arrival && refused && request);
  EXPECT_EQ(gauges.arrival().error().cause, Cause::HANDSHAKE_LIMIT);
  EXPECT_EQ(gauges.arrival().error().evidence, "handshake_limit=1");
  EXPECT_FALSE(gauges.refused_socket());
  EXPECT_EQ(gauges.request().error().cause, Cause::BUSY);
  EXPECT_EQ(gauges.request().error().evidence, "request_queue=1");
  const std::string text = metrics.text();
  for (const char* line : {"foyer_limit_used{limit=\"handshake_limit\"} 1",
           "foyer_limit_max{limit=\"request_queue\"} 1", "foyer_limit_refused_total{limit=\"request_queue\"} 2",
           "foyer_limit_refused_total{limit=\"refused_sockets\"} 1"})
    EXPECT_THAT(text, testing::HasSubstr(std::string(line) + "\n"));
}

TEST(Permit, MayOutliveWhatItWasTakenOf) {
  Permit pass;
  {
    ConnectionLimits gauges({.requests = 1});
    pass = std::move(*gauges.request());
  }
  pass.release();
  EXPECT_FALSE(pass);
}

TEST(ConnectionLimits, TheRateOfHandshakesAllowsABurstOfOneSecond) {
  ConnectionLimits gauges({.connects_per_s = 10});
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(gauges.handshake(kStart));
  const auto refused = gauges.handshake(kStart);
  ASSERT_EQ(cause_of(refused), Cause::CONNECT_RATE_LIMIT);
  EXPECT_THAT(refused->retry_after->count(), testing::AllOf(testing::Ge(100), testing::Le(102)));
  EXPECT_FALSE(gauges.handshake(kStart + *refused->retry_after));
  EXPECT_TRUE(gauges.handshake(kStart + *refused->retry_after));
}

TEST(ConnectionLimits, ManyThreadsNeverTakeMoreThanTheLimit) {
  ConnectionLimits gauges({.connections = 5});
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
        while (now > seen && !most.compare_exchange_weak(seen, now)) {}
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), 5u);
  EXPECT_EQ(gauges.connections(), 0u);
  EXPECT_EQ(users.open(UserId("alice")), 0u);
}

} // namespace
} // namespace foyer::admission
