#include <gtest/gtest.h>

#include "rooms/model/audience.h"
#include "rooms/model/presence.h"
#include "rooms/model/recovery.h"
#include "rooms/model/typing.h"

using namespace foyer;
using namespace foyer::rooms;
using namespace std::chrono_literals;

namespace {

const UserId kAnn{"ann"}, kBob{"bob"};
const MonoTime kStart{1000s};

TEST(Presence, AUserIsHereFromTheFirstConnectionInUntilTheGraceAfterTheLastOut) {
  Presence presence(5s);
  EXPECT_TRUE(presence.arrive(kAnn));
  EXPECT_FALSE(presence.arrive(kAnn));
  presence.depart(kAnn, kStart);
  EXPECT_FALSE(presence.next_deadline());
  presence.depart(kAnn, kStart);
  EXPECT_EQ(presence.next_deadline(), kStart + 5s);
  EXPECT_TRUE(presence.lapse(kStart + 4999ms).empty());
  EXPECT_EQ(presence.count(), 1U);
  const auto gone = presence.lapse(kStart + 5s);
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0], kAnn);
  EXPECT_EQ(presence.count(), 0U);
}

TEST(Presence, AReturnWithinTheGraceIsNeitherDepartureNorArrival) {
  Presence presence(5s);
  presence.arrive(kAnn);
  presence.depart(kAnn, kStart);
  EXPECT_FALSE(presence.arrive(kAnn));
  EXPECT_TRUE(presence.lapse(kStart + 1h).empty());
  EXPECT_EQ(presence.count(), 1U);
}

TEST(Presence, ExpellingIsAtOnceAndADepartureOfNobodyIsNothing) {
  Presence presence(5s);
  presence.depart(kBob, kStart);
  presence.arrive(kBob);
  EXPECT_TRUE(presence.expel(kBob));
  EXPECT_FALSE(presence.expel(kBob));
  presence.depart(kBob, kStart);
  EXPECT_FALSE(presence.next_deadline());
}

TEST(Recovery, APositionIsBelievedAsFarAsItsTimeOrTheHeadGoes) {
  const WallTime t1 = from_unix_millis(1), t2 = from_unix_millis(2);
  const auto judge = [](Offset offset, std::optional<WallTime> time, Offset head, std::optional<WallTime> stored,
                         std::optional<Offset> doubted) {
    return judge_position({.offset = offset, .time = time}, {.head = head, .time = stored, .doubted = doubted});
  };
  EXPECT_EQ(judge(5, std::nullopt, 9, t1, std::nullopt), Proof::good);
  EXPECT_EQ(judge(5, t1, 9, t1, std::nullopt), Proof::good);
  EXPECT_EQ(judge(5, t2, 9, t1, std::nullopt), Proof::contradicts) << "another message was there";
  EXPECT_EQ(judge(5, t1, 9, std::nullopt, std::nullopt), Proof::none) << "kept no longer";
  EXPECT_EQ(judge(10, std::nullopt, 9, std::nullopt, std::nullopt), Proof::contradicts) << "ahead of the head";
  EXPECT_EQ(judge(10, t1, 9, t1, std::nullopt), Proof::contradicts);
  EXPECT_EQ(judge(6, std::nullopt, 9, t1, 5), Proof::none) << "beyond the doubted head without a time";
  EXPECT_EQ(judge(6, t1, 9, t1, 5), Proof::good);
  EXPECT_EQ(judge(5, std::nullopt, 9, t1, 5), Proof::good);
  EXPECT_EQ(judge(0, t2, 9, std::nullopt, 5), Proof::good) << "it has seen nothing";
}

TEST(Recovery, SameEpochAndAtMostThreeHundredMissedIsOwedInFull) {
  const Position room{"e1", 1000};
  EXPECT_TRUE(plan_recovery(room, Position{"e1", 700}, 0).possible);
  EXPECT_FALSE(plan_recovery(room, Position{"e1", 699}, 0).possible);
  EXPECT_FALSE(plan_recovery(room, Position{"e2", 999}, 0).possible);
  EXPECT_FALSE(plan_recovery(room, Position{"e1", 1001}, 0).possible);
  EXPECT_TRUE(plan_recovery(room, Position{"e1", 1000}, 0).possible);
  EXPECT_TRUE(plan_recovery(Position{"e1", 0}, Position{"e1", 0}, 0).possible);
  EXPECT_FALSE(plan_recovery(room, std::nullopt, 20).possible);
  EXPECT_EQ(plan_recovery(room, std::nullopt, 20).newest, 20U);
}

TEST(Audience, ReportsTheLastOneOfALoop) {
  Audience audience;
  audience.add(0), audience.add(3), audience.add(3);
  EXPECT_FALSE(audience.remove(3));
  EXPECT_TRUE(audience.remove(3));
  EXPECT_FALSE(audience.remove(3)) << "nobody was left there";
  EXPECT_FALSE(audience.empty());
  EXPECT_TRUE(audience.remove(0));
  EXPECT_TRUE(audience.empty());
}

TEST(Typing, LapsesAfterSixSecondsUnlessRenewed) {
  Typing typing;
  EXPECT_FALSE(typing.set(kAnn, "Ann", false, kStart));
  EXPECT_TRUE(typing.set(kAnn, "Ann", true, kStart));
  EXPECT_TRUE(typing.set(kAnn, "Ann", true, kStart + 5s));
  EXPECT_TRUE(typing.lapse(kStart + 7s).empty());
  EXPECT_EQ(typing.lapse(kStart + 11s).size(), 1U);
  EXPECT_TRUE(typing.empty());
}

} // namespace
