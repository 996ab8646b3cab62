#include "io/timer_wheel.h"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace foyer;
using namespace foyer::io;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Does final : Timer {
  explicit Does(std::function<void()> act) : act_(std::move(act)) {}
  void on_timer() override { act_(); }
  std::function<void()> act_;
};

struct World {
  MonoTime now{1000s};
  TimerWheel wheel{now};
  std::vector<std::string> fired{};
  std::unique_ptr<Does> timer(std::string name) {
    return std::make_unique<Does>([this, name] { fired.push_back(name); });
  }
  std::vector<std::string> pass(Millis by) {
    fired.clear();
    now += by;
    wheel.advance(now);
    return fired;
  }
};

} // namespace

TEST(TimerWheel, FiresAtItsTimeRoundedUpToATickAndOnce) {
  World w;
  auto a = w.timer("a");
  w.wheel.arm(*a, 120ms);
  EXPECT_TRUE(a->armed());
  EXPECT_THAT(w.pass(149ms), IsEmpty());
  EXPECT_THAT(w.pass(1ms), ElementsAre("a"));
  EXPECT_FALSE(a->armed());
  EXPECT_THAT(w.pass(1h), IsEmpty());
}

TEST(TimerWheel, WhatIsDueTogetherMayBeFiredInParts) {
  World w;
  auto a = w.timer("a"), b = w.timer("b"), c = w.timer("c"), gone = w.timer("gone"), late = w.timer("late");
  for (auto* timer : {a.get(), b.get(), gone.get(), c.get()}) w.wheel.arm(*timer, 100ms);
  w.wheel.arm(*late, 150ms);
  w.now += 100ms;
  EXPECT_EQ(w.wheel.advance(w.now, 1), 1U);
  EXPECT_THAT(w.fired, ElementsAre("a"));
  EXPECT_EQ(w.wheel.quiet_for(), 0ms) << "the others are due";
  w.wheel.disarm(*gone);
  w.wheel.arm(*a, 0ms); // not before the next tick
  EXPECT_EQ(w.wheel.advance(w.now, 1), 1U);
  w.now += 10s;
  EXPECT_EQ(w.wheel.advance(w.now, 2), 2U);
  EXPECT_THAT(w.fired, ElementsAre("a", "b", "c", "late"));
  EXPECT_EQ(w.wheel.advance(w.now, 2), 1U);
  EXPECT_EQ(w.fired.back(), "a");
  EXPECT_EQ(w.wheel.armed(), 0U);
}

TEST(TimerWheel, AWheelThatEndsBetweenTwoPartsLeavesItsTimersDisarmed) {
  auto w = std::make_unique<World>();
  auto a = std::make_unique<Does>([] {}), b = std::make_unique<Does>([] {});
  w->wheel.arm(*a, 50ms);
  w->wheel.arm(*b, 50ms);
  w->wheel.advance(w->now + 50ms, 1);
  EXPECT_TRUE(b->armed());
  w.reset();
  EXPECT_FALSE(b->armed());
}

TEST(TimerWheel, NeverFiresBeforeItsTimeWhateverTheDistance) {
  World w;
  std::mt19937_64 random{7};
  struct Timed final : Timer {
    World* world = nullptr;
    MonoTime due{};
    int* count = nullptr;
    void on_timer() override {
      ++*count;
      EXPECT_GE(world->now, due);
      EXPECT_LT(world->now - due, 50ms + 40ms); // one tick and one step of this test
    }
  };
  int count = 0;
  std::vector<std::unique_ptr<Timed>> timers;
  for (int i = 0; i < 2000; ++i) {
    auto t = std::make_unique<Timed>();
    const Millis after{static_cast<int>(random() % (i % 2 ? 600'000 : 9'000))};
    t->world = &w;
    t->due = w.now + after;
    t->count = &count;
    w.wheel.arm(*t, after);
    timers.push_back(std::move(t));
    w.pass(Millis{static_cast<int>(random() % 40)});
  }
  for (int i = 0; i < 20'000; ++i) w.pass(40ms);
  EXPECT_EQ(count, 2000);
  EXPECT_EQ(w.wheel.armed(), 0U);
}

TEST(TimerWheel, AHourAndADayComeThroughAllWheels) {
  World w;
  auto hour = w.timer("hour");
  auto days = w.timer("three days");
  w.wheel.arm(*hour, 1h);
  w.wheel.arm(*days, 72h);
  EXPECT_THAT(w.pass(1h - 1ms), IsEmpty());
  EXPECT_THAT(w.pass(1ms), ElementsAre("hour"));
  EXPECT_THAT(w.pass(71h - 1ms), IsEmpty());
  EXPECT_THAT(w.pass(1ms), ElementsAre("three days"));
}

TEST(TimerWheel, AYearIsCutAndStillFires) {
  World w;
  auto year = w.timer("year");
  w.wheel.arm(*year, 24h * 365);
  EXPECT_THAT(w.pass(24h), IsEmpty());
  EXPECT_THAT(w.pass(24h * 9), ElementsAre("year"));
}

TEST(TimerWheel, ALateTurnFiresInTheOrderOfTimes) {
  World w;
  auto a = w.timer("a"), b = w.timer("b"), c = w.timer("c");
  w.wheel.arm(*c, 5s);
  w.wheel.arm(*b, 4s);
  w.wheel.arm(*a, 100ms);
  EXPECT_THAT(w.pass(10s), ElementsAre("a", "b", "c"));
}

TEST(TimerWheel, RearmingMovesAndDisarmingStops) {
  World w;
  auto a = w.timer("a"), b = w.timer("b");
  w.wheel.arm(*a, 1s);
  w.wheel.arm(*b, 1s);
  w.wheel.arm(*a, 2s);
  w.wheel.disarm(*b);
  w.wheel.disarm(*b);
  EXPECT_THAT(w.pass(1s), IsEmpty());
  EXPECT_THAT(w.pass(1s), ElementsAre("a"));
}

TEST(TimerWheel, ATimerMayRearmItselfDisarmAnotherAndDestroyAThird) {
  World w;
  auto third = w.timer("third");
  auto second = w.timer("second");
  Does first([&] {
    w.fired.push_back("first");
    w.wheel.arm(first, 0ms);
    w.wheel.disarm(*second);
    third.reset();
  });
  w.wheel.arm(first, 100ms);
  w.wheel.arm(*second, 100ms);
  w.wheel.arm(*third, 100ms);
  EXPECT_THAT(w.pass(100ms), ElementsAre("first"));
  EXPECT_THAT(w.pass(49ms), IsEmpty());
  EXPECT_THAT(w.pass(1ms), ElementsAre("first"));
}

TEST(TimerWheel, ADestroyedTimerDisarmsAndADestroyedWheelLeavesTimersAlone) {
  auto w = std::make_unique<World>();
  auto a = w->timer("a");
  auto b = w->timer("b");
  w->wheel.arm(*a, 1s);
  w->wheel.arm(*b, 1s);
  a.reset();
  EXPECT_EQ(w->wheel.armed(), 1U);
  w.reset();
  EXPECT_FALSE(b->armed());
}

TEST(TimerWheel, QuietTimeNeverOversleepsATimer) {
  World w;
  EXPECT_EQ(w.wheel.quiet_for(), std::nullopt);
  auto a = w.timer("a");
  w.wheel.arm(*a, 10min);
  int wakes = 0;
  const MonoTime start = w.now;
  while (a->armed()) {
    const auto quiet = w.wheel.quiet_for();
    ASSERT_TRUE(quiet.has_value());
    ASSERT_GT(*quiet, 0ms);
    w.pass(*quiet);
    ++wakes;
  }
  EXPECT_EQ(w.now - start, 10min);
  EXPECT_LT(wakes, 250); // it wakes only where a wheel turns
}
