#include "store/age_guard.h"

#include <gtest/gtest.h>

namespace foyer::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

// A machine with a wall clock that can be set and a monotonic one that cannot.
struct Machine {
  WallTime wall = from_unix_seconds(1'800'000'000);
  MonoTime mono{5s};
  std::optional<Millis> server_off; // the database server runs, and its clock is off by this

  void pass(Millis span) { wall += span, mono += span; }
  void set_clock(Millis by) { wall += by; }
  [[nodiscard]] AgeGuard::Reading read() const {
    return {.wall = wall, .mono = mono, .server = server_off ? std::optional(wall + *server_off) : std::nullopt};
  }
};

TEST(AgeGuard, AServerThatWasOffForADayDeletesAtOnce) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), m.wall - 24h, m.wall - 30h);
  EXPECT_FALSE(guard.waiting());
}

TEST(AgeGuard, AnEmptyStoreHasNothingToDoubtItsClockBy) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), std::nullopt, std::nullopt);
  EXPECT_FALSE(guard.waiting());
}

TEST(AgeGuard, ABootSixtyDaysAheadWaitsForAnHourOfSteadyClock) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), std::nullopt, m.wall - days{60});
  EXPECT_EQ(guard.doubt(), ClockDoubt::ahead);
  EXPECT_EQ(guard.off(), Millis{days{60}});
  EXPECT_EQ(guard.left(m.mono), 1h);
  for (int minute = 1; minute < 60; ++minute) {
    m.pass(1min);
    EXPECT_FALSE(guard.observe(m.read()));
    EXPECT_TRUE(guard.waiting());
  }
  m.pass(1min);
  EXPECT_TRUE(guard.observe(m.read()));
  EXPECT_FALSE(guard.waiting());
}

TEST(AgeGuard, RowsThatWereWrittenUnderTheWrongClockDoNotMakeItRight) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), m.wall - days{60}, m.wall - 1s); // the second boot 60 days ahead
  EXPECT_EQ(guard.doubt(), ClockDoubt::ahead);
}

TEST(AgeGuard, AClockThatIsSetWithinTheHourBeginsTheHourAnew) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), std::nullopt, m.wall - days{60});
  m.pass(59min);
  m.set_clock(-days{60});
  EXPECT_TRUE(guard.observe(m.read()));
  EXPECT_EQ(guard.doubt(), ClockDoubt::jumped);
  EXPECT_EQ(guard.off(), -Millis{days{60}});
  m.pass(59min);
  guard.observe(m.read());
  EXPECT_TRUE(guard.waiting());
  m.pass(1min);
  guard.observe(m.read());
  EXPECT_FALSE(guard.waiting());
}

TEST(AgeGuard, AStepOfSixtySecondsIsNoticedAndSlewingIsNot) {
  for (const Millis step : {Millis{-60s}, Millis{60s}, Millis{2h}}) {
    Machine m;
    AgeGuard guard;
    guard.begin(m.read(), m.wall, m.wall);
    for (int i = 0; i < 1'000; ++i) {
      m.pass(60s);
      m.set_clock(30ms); // 500 ppm, as fast as a kernel slews
      EXPECT_FALSE(guard.observe(m.read()));
    }
    m.set_clock(step);
    EXPECT_TRUE(guard.observe(m.read()));
    EXPECT_EQ(guard.doubt(), ClockDoubt::jumped);
  }
}

TEST(AgeGuard, StoredTimesFromTheFutureAreNoticedAtTheStart) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), m.wall - 1h, m.wall + 55s);
  EXPECT_EQ(guard.doubt(), ClockDoubt::behind);
  EXPECT_EQ(guard.off(), -Millis{55s});
  AgeGuard small;
  small.begin(m.read(), m.wall - 1h, m.wall + 20s); // two machines may differ by so much
  EXPECT_FALSE(small.waiting());
}

TEST(AgeGuard, AServerWithAnotherTimeHoldsDeletionBackForAsLongAsItHasOne) {
  Machine m;
  m.server_off = -days{60};
  AgeGuard guard;
  guard.begin(m.read(), m.wall, m.wall);
  EXPECT_EQ(guard.doubt(), ClockDoubt::server);
  m.pass(1min);
  EXPECT_FALSE(guard.observe(m.read())) << "reported once";
  m.pass(5h);
  guard.observe(m.read());
  EXPECT_TRUE(guard.waiting()) << "steady, but still a different time";
  m.server_off = 0s;
  m.pass(30min);
  guard.observe(m.read());
  EXPECT_TRUE(guard.waiting());
  m.pass(30min);
  guard.observe(m.read());
  EXPECT_FALSE(guard.waiting());
}

TEST(AgeGuard, TheOperatorsWordCountsMoreThanTheServersClockUntilThatIsRightAgain) {
  Machine m;
  m.server_off = -days{60};
  AgeGuard guard;
  guard.begin(m.read(), m.wall, m.wall);
  guard.believe(m.read());
  m.pass(1min);
  EXPECT_FALSE(guard.observe(m.read()));
  EXPECT_FALSE(guard.waiting());
  m.server_off = 0s;
  guard.observe(m.read());
  m.server_off = -days{1};
  EXPECT_TRUE(guard.observe(m.read()));
  EXPECT_EQ(guard.doubt(), ClockDoubt::server);
}

TEST(AgeGuard, AnOperatorWhoSaysThatTheClockIsRightEndsTheWait) {
  Machine m;
  AgeGuard guard;
  guard.begin(m.read(), std::nullopt, m.wall - days{60});
  m.pass(1min);
  guard.observe(m.read());
  guard.believe(m.read());
  EXPECT_FALSE(guard.waiting());
  EXPECT_EQ(guard.left(m.mono), 0s);
  m.pass(1min);
  EXPECT_FALSE(guard.observe(m.read()));
  EXPECT_FALSE(guard.waiting());
}

} // namespace
} // namespace foyer::store
