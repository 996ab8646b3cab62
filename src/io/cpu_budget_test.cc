#include "io/cpu_budget.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"

namespace foyer::io {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

struct World {
  ManualClock clock;
  EventLoop loop{0, clock, null_log(), make_epoll_poller()};
  CpuBudget& costly = loop.costly();
  std::vector<std::string> done;

  std::move_only_function<void()> task(std::string name, std::chrono::microseconds takes) {
    return [this, name = std::move(name), takes] {
      clock.advance(takes);
      done.push_back(name);
    };
  }
};

TEST(CpuBudget, ATurnHasTimeUntilItIsSpent) {
  World w;
  w.loop.turn(0ms);
  EXPECT_TRUE(w.costly.has_time());
  EXPECT_EQ(w.costly.now([&] {
    w.clock.advance(60us);
    return 7;
  }),
      7);
  EXPECT_TRUE(w.costly.has_time());
  w.costly.now([&] {
    w.clock.advance(60us);
    return 0;
  });
  EXPECT_FALSE(w.costly.has_time());
  w.loop.turn(0ms);
  EXPECT_TRUE(w.costly.has_time()) << "another turn";
}

TEST(CpuBudget, WhatIsPostponedIsDoneInOrderAndSoMuchPerTurn) {
  World w;
  for (const char* name : {"a", "b", "c", "d", "e"}) w.costly.later(w.task(name, 60us));
  EXPECT_THAT(w.done, ElementsAre());
  w.loop.turn(0ms);
  EXPECT_THAT(w.done, ElementsAre("a", "b")) << "no work starts once the time is spent";
  w.loop.turn(); // without a limit: it does not wait
  EXPECT_THAT(w.done, ElementsAre("a", "b", "c", "d"));
  w.loop.turn(0ms);
  EXPECT_THAT(w.done, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(w.loop.stats().postponed.value(), 5U);
}

TEST(CpuBudget, WhatIsPartOfAnotherCountsOnce) {
  World w;
  const auto nested = [&] { w.costly.now(w.task("inner", 40us)); };
  for (int i = 0; i < 3; ++i) w.costly.later(nested);
  w.loop.turn(0ms);
  EXPECT_EQ(w.done.size(), 3U) << "the third is begun at 80 µs";
}

TEST(CpuBudget, OfATurnThatTakesLongAQuarterIsItsOwn) {
  World w;
  w.loop.turn(0ms);
  w.clock.advance(4ms); // other connections are served
  int checks = 0;
  for (; w.costly.has_time() && checks < 100; ++checks) w.costly.now(w.task("check", 120us));
  EXPECT_EQ(checks, 12) << "a quarter of 4 ms and of what they took themselves";
}

TEST(CpuBudget, WhatWaitsWhenTheLoopEndsIsForgotten) {
  auto w = std::make_unique<World>();
  int done = 0;
  for (int i = 0; i < 3; ++i)
    w->costly.later([&, clock = &w->clock] {
      clock->advance(1ms);
      ++done;
    });
  w->loop.stop();
  w->loop.run();
  EXPECT_EQ(done, 1);
  w.reset();
  EXPECT_EQ(done, 1) << "its owner may be gone";
}

TEST(CpuBudget, NothingOvertakesWaitingWork) {
  World w;
  w.loop.turn(0ms);
  w.costly.later([&] {
    w.task("first", 1us)();
    EXPECT_FALSE(w.costly.has_time()) << "the work that it causes waits as well";
    w.costly.later(w.task("brought about", 1us));
  });
  w.costly.later(w.task("second", 1us));
  EXPECT_FALSE(w.costly.has_time());
  w.loop.turn(0ms);
  EXPECT_THAT(w.done, ElementsAre("first", "second", "brought about"));
  EXPECT_TRUE(w.costly.has_time());
}

TEST(CpuBudget, WhatTakesLongIsAloneInItsTurnAndWhatCostsNothingIsNot) {
  World w;
  w.costly.later(w.task("long", 5ms));
  for (int i = 0; i < 3; ++i) w.costly.later(w.task("short", 0us));
  w.loop.turn(0ms);
  EXPECT_THAT(w.done, ElementsAre("long"));
  w.loop.turn(0ms);
  EXPECT_THAT(w.done, ElementsAre("long", "short", "short", "short"));
}

} // namespace
} // namespace foyer::io
