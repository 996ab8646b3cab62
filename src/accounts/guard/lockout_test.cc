#include "accounts/guard/lockout.h"

#include <gtest/gtest.h>

#include "accounts/guard/rate_limits.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Guesser {
  ManualClock clock;
  Lockout lockout;

  bool may_try(std::string_view name = "alice", std::string_view address = "10.0.0.1") {
    return lockout.begin(name, address, clock.mono()).has_value();
  }
  void fail(int times, std::string_view name = "alice", std::string_view address = "10.0.0.1") {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(may_try(name, address));
      lockout.failed(name, address, clock.mono());
    }
  }
  Millis locked_for() {
    auto refused = lockout.begin("alice", "10.0.0.1", clock.mono());
    if (refused) return Millis{0};
    EXPECT_EQ(refused.error().cause, Cause::LOGIN_LOCKED);
    return refused.error().retry_after.value();
  }
};

TEST(Lockout, FiveFailuresLockForAMinuteAndEachFurtherOneTwiceAsLongUpToFifteen) {
  Guesser g;
  g.fail(5);
  for (const auto expected : {minutes{1}, minutes{2}, minutes{4}, minutes{8}, minutes{15}, minutes{15}}) {
    EXPECT_EQ(g.locked_for(), Millis{expected});
    g.clock.advance(expected - Millis{1});
    EXPECT_EQ(g.locked_for(), Millis{1});
    g.clock.advance(Millis{1});
    g.fail(1); // the lock has expired: one try, and it fails
  }
}

TEST(Lockout, ARightPasswordForgetsAllFailures) {
  Guesser g;
  g.fail(4);
  ASSERT_TRUE(g.may_try());
  g.lockout.succeeded("alice", "10.0.0.1");
  EXPECT_EQ(g.lockout.size(), 0u);
  g.fail(4);
  EXPECT_TRUE(g.may_try());
}

TEST(Lockout, NobodyIsLockedOutByOthers) {
  Guesser g;
  g.fail(5, "alice", "10.0.0.66");
  EXPECT_FALSE(g.may_try("alice", "10.0.0.66"));
  EXPECT_TRUE(g.may_try("alice", "10.0.0.1"));
  EXPECT_TRUE(g.may_try("bob", "10.0.0.66"));
}

TEST(Lockout, AttemptsUnderWayCountAsIfTheyWouldFail) {
  Guesser g;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(g.may_try());
  EXPECT_EQ(g.locked_for(), Millis{1000});
  g.lockout.abandoned("alice", "10.0.0.1");
  EXPECT_TRUE(g.may_try());
}

TEST(Lockout, AFailureAnHourAgoIsForgotten) {
  Guesser g;
  g.fail(5);
  g.clock.advance(std::chrono::hours{1});
  g.fail(4);
  EXPECT_TRUE(g.may_try());
}

TEST(Lockout, TheTableIsBoundedAndForgetsTheOneUntouchedLongest) {
  ManualClock clock;
  Lockout lockout({.max_pairs = 3});
  for (const auto* name : {"a", "b", "c"})
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(lockout.begin(name, "x", clock.mono()));
      lockout.failed(name, "x", clock.mono());
    }
  EXPECT_FALSE(lockout.begin("a", "x", clock.mono())); // used again
  ASSERT_TRUE(lockout.begin("d", "x", clock.mono()));
  EXPECT_EQ(lockout.size(), 3u);
  EXPECT_FALSE(lockout.begin("a", "x", clock.mono()));
  EXPECT_TRUE(lockout.begin("b", "x", clock.mono()));
}

TEST(RateLimits, ABucketIsEmptiedAtOnceAndRefillsSteadily) {
  ManualClock clock;
  RateLimits limits;
  const Rate rate{.burst = 3, .per_second = 2};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits.take("login", "10.0.0.1", rate, clock.mono()));
  const auto refused = limits.take("login", "10.0.0.1", rate, clock.mono());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refusal.cause, Cause::ADDRESS_RATE_LIMIT);
  EXPECT_EQ(refused.error().refusal.retry_after, Millis{500});
  EXPECT_TRUE(refused.error().first);
  EXPECT_FALSE(limits.take("login", "10.0.0.1", rate, clock.mono()).error().first);
  EXPECT_TRUE(limits.take("login", "10.0.0.2", rate, clock.mono()));
  EXPECT_TRUE(limits.take("register", "10.0.0.1", rate, clock.mono()));
  clock.advance(Millis{500});
  EXPECT_TRUE(limits.take("login", "10.0.0.1", rate, clock.mono()));
  EXPECT_TRUE(limits.take("login", "10.0.0.1", rate, clock.mono()).error().first);
}

TEST(RateLimits, ANetworkOfSixtyFourBitsIsOneAddress) {
  EXPECT_EQ(address_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(address_key("2001:db8:1:2::ffff"), "2001:db8:1:2::/64");
  EXPECT_EQ(address_key("::ffff:203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(address_key("203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(address_key(""), "");
}

} // namespace
} // namespace foyer::accounts
