#include "io/paced_drain.h"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"

using namespace foyer;
using namespace foyer::io;
using namespace std::chrono_literals;

namespace {

struct World;

struct Guest {
  World& world;
  SlotId id;
  bool stays;
  void end();
};

// A loop that is turned by hand on virtual time.
struct World {
  ManualClock clock;
  EventLoop loop{0, clock, null_log(), make_epoll_poller()};
  SlotTable<Guest> guests;
  PacedDrain<Guest> drain{loop, guests, &Guest::end};
  int ended = 0, done = 0;

  Guest& add(bool stays = false) {
    return guests.add([&](SlotId id) { return std::make_unique<Guest>(*this, id, stays); });
  }
  void remove(const Guest& guest) {
    const auto gone = guests.remove(guest.id.slot);
    drain.removed();
  }
  void pass(Millis time) {
    for (; time > 0ms; time -= 50ms) {
      clock.advance(50ms);
      loop.turn(0ms);
    }
  }
};

void Guest::end() {
  ++world.ended;
  if (!stays) world.remove(*this);
}

} // namespace

TEST(PacedDrain, EndsEverythingWithinItsTimeInBatches) {
  World w;
  for (int i = 0; i < 100; ++i) w.add();
  w.drain.start(1s, [&] { ++w.done; });
  EXPECT_TRUE(w.drain.started());
  EXPECT_EQ(w.ended, 0);
  w.pass(500ms);
  EXPECT_GT(w.ended, 30);
  EXPECT_LT(w.ended, 70);
  EXPECT_EQ(w.done, 0);
  w.pass(600ms);
  EXPECT_EQ(w.ended, 100);
  EXPECT_EQ(w.done, 1);
}

TEST(PacedDrain, IsDoneAtOnceWhereNothingIsLeft) {
  World w;
  w.drain.start(1s, [&] { ++w.done; });
  EXPECT_EQ(w.done, 1);
  w.drain.finish([&] { ++w.done; });
  EXPECT_EQ(w.done, 2);
}

TEST(PacedDrain, GoesRoundUntilThoseThatStayedAndThoseThatCameAreGone) {
  World w;
  Guest& last = w.add(true);
  w.drain.start(1s, [&] { ++w.done; });
  w.pass(2s);
  EXPECT_GT(w.ended, 1) << "end is called again";
  w.add();
  w.pass(2s);
  EXPECT_EQ(w.guests.size(), 1U);
  EXPECT_EQ(w.done, 0);
  w.remove(last);
  EXPECT_EQ(w.done, 1);
}

TEST(PacedDrain, TheEndOfItDoesNotSpread) {
  World w;
  w.drain.start(10min, [&] { ++w.done; });
  for (int i = 0; i < 100; ++i) w.add();
  w.drain.finish([&] { ++w.done; });
  w.pass(50ms);
  EXPECT_EQ(w.ended, 100);
  EXPECT_EQ(w.done, 2);
}
