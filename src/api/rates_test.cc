#include "api/rates.h"

#include <gtest/gtest.h>

namespace foyer::api {
namespace {

TEST(Rates, EachApplicationHasItsOwn) {
  Metrics metrics;
  ManualClock clock;
  Rates rates(10, 2, metrics);
  const Caller one{.id = ApiKeyId("one"), .user = {}, .name = {}, .rights = {}};
  const Caller other{.id = ClientId("other"), .user = {}, .name = {}, .rights = {}};
  EXPECT_FALSE(rates.take(one, clock.mono()));
  EXPECT_FALSE(rates.take(one, clock.mono()));
  const auto refusal = rates.take(one, clock.mono());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->cause, Cause::API_RATE_LIMIT);
  EXPECT_EQ(refusal->retry_after, Millis{100});
  EXPECT_FALSE(rates.take(other, clock.mono()));
  clock.advance(Millis{100});
  EXPECT_FALSE(rates.take(one, clock.mono()));
  EXPECT_TRUE(rates.take(one, clock.mono()));
}

} // namespace
} // namespace foyer::api
