#include "io/wake_batch.h"

#include <gtest/gtest.h>

#include <thread>

namespace foyer::io {
namespace {

// A poller that sleeps until it is woken.
struct Sleeper final : Poller {
  int woken = 0;
  std::size_t wait(std::span<Event>, std::optional<Millis>) override { return 0; }
  void wake() override { ++woken; }
  void watch_listener(Handle, Tag) override {}
  void unwatch_listener(Handle) override {}
  Accepted accept(Handle) override { return {}; }
  bool watch(Handle, Tag) override { return true; }
  void want_writable(Handle, Tag, bool) override {}
  Received read(Handle) override { return {}; }
  std::optional<std::size_t> send(Handle, std::span<const iovec>, bool) override { return 0; }
  void shut_down(Handle) override {}
  void reset_on_close(Handle, bool) override {}
  bool has_failed(Handle) override { return false; }
  std::size_t unacknowledged(Handle) override { return 0; }
  void close(Handle) override {}
};

TEST(WakeBatch, WakesAtItsEnd) {
  Sleeper loop;
  {
    const WakeBatch batch;
    WakeBatch::wake(loop);
    EXPECT_EQ(loop.woken, 0);
    std::thread([&] { WakeBatch::wake(loop); }).join();
    EXPECT_EQ(loop.woken, 1) << "another thread has no part in it";
  }
  EXPECT_EQ(loop.woken, 2);
  WakeBatch::wake(loop);
  EXPECT_EQ(loop.woken, 3);
}

TEST(WakeBatch, AnInnerOneWakesItsOwn) {
  Sleeper one;
  Sleeper two;
  const WakeBatch outer;
  WakeBatch::wake(one);
  {
    const WakeBatch inner;
    WakeBatch::wake(two);
  }
  EXPECT_EQ(one.woken, 0);
  EXPECT_EQ(two.woken, 1);
}

} // namespace
} // namespace foyer::io
