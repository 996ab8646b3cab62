#include "gateway/unknown_people.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

const UserId kEve("eve");

class Unknown : public testing::Test {
 protected:
  // One look-up from start to end.
  std::string look_up(const UserId& user, bool unknown) {
    if (const auto refusal = people.begin(user, now))
      return refusal->evidence + " " + std::to_string(refusal->retry_after->count() / 60'000) + " min";
    people.end(user, unknown, now);
    return "asked";
  }
  Metrics metrics;
  UnknownPeople people{metrics};
  MonoTime now{std::chrono::seconds{1000}};
};

TEST_F(Unknown, ThirtyInAnHourAreLookedUpAndTheRestWaits) {
  for (std::size_t i = 0; i < UnknownPeople::kPerUser; ++i) {
    ASSERT_EQ(look_up(kEve, true), "asked");
    now += std::chrono::minutes{1};
  }
  EXPECT_EQ(look_up(kEve, true), "unknown_people=30 in an hour 30 min");
  EXPECT_EQ(look_up(UserId("bob"), true), "asked");
  now += std::chrono::minutes{30};
  EXPECT_EQ(look_up(kEve, true), "asked") << "the first of them was an hour ago";
  EXPECT_NE(look_up(kEve, true), "asked");
  EXPECT_NE(metrics.text().find("foyer_limit_refused_total{limit=\"unknown_people\"} 2"), std::string::npos);
}

TEST_F(Unknown, ExistingPeopleDoNotCount) {
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(look_up(kEve, false), "asked");
}

TEST_F(Unknown, WhatIsBeingLookedUpCountsUntilItIsFound) {
  for (std::size_t i = 0; i < UnknownPeople::kPerUser; ++i) ASSERT_FALSE(people.begin(kEve, now));
  const auto refusal = people.begin(kEve, now);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->cause, Cause::RATE_LIMITED);
  EXPECT_EQ(refusal->retry_after, Millis{1'000});
  people.end(kEve, false, now);
  EXPECT_EQ(look_up(kEve, true), "asked");
}

TEST_F(Unknown, ItRemembersNoMoreUsersThanItsLimit) {
  for (std::size_t i = 0; i < UnknownPeople::kUsers + 50; ++i)
    ASSERT_EQ(look_up(UserId("user" + std::to_string(i)), true), "asked");
  EXPECT_NE(metrics.text().find("foyer_limit_used{limit=\"unknown_people\"} 10000"), std::string::npos)
      << metrics.text();
}

} // namespace
} // namespace foyer::gateway
