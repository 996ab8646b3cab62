#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "exec/control.h"
#include "exec/work_queue.h"

namespace foyer::exec {
namespace {

TEST(ControlPlane, RunsTasksInTheOrderTheyWerePosted) {
  ControlPlane plane;
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) plane.post([&seen, i] { seen.push_back(i); });
  plane.post([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(ControlPlane, FiresTimersByTheirTimeAndNotACancelledOne) {
  ControlPlane plane;
  std::vector<int> seen;
  std::promise<void> done;
  plane.post([&] { // in one task, so that none is due before all are armed
    plane.after(Millis{30}, [&] {
      seen.push_back(2);
      done.set_value();
    });
    const TimerId never = plane.after(Millis{20}, [&] { seen.push_back(99); });
    plane.after(Millis{1}, [&] { seen.push_back(1); });
    plane.cancel(never);
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(ControlPlane, RepeatsUntilItIsCancelledFromWithin) {
  ControlPlane plane;
  std::promise<void> done;
  int times = 0;
  std::atomic<TimerId> id{0};
  std::promise<void> known;
  auto ready = known.get_future().share();
  id = plane.every(Millis{1}, [&, ready] {
    ready.wait();
    if (++times == 3) {
      plane.cancel(id);
      plane.post([&] { done.set_value(); });
    }
  });
  known.set_value();
  done.get_future().wait();
  plane.stop();
  EXPECT_EQ(times, 3);
}

TEST(ControlPlane, DestroysWhatStopLeftUnrun) {
  auto held = std::make_shared<int>(1);
  {
    ControlPlane plane;
    plane.after(Millis{3'600'000}, [held] {});
    plane.stop();
    plane.post([held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkQueue, TakesUpToItsLimitAndSaysNoToTheRest) {
  WorkQueue queue("test", 1, 2);
  Metrics metrics;
  queue.report_to(metrics, "test_queue");
  std::promise<void> entered;
  std::promise<void> gate;
  auto open = gate.get_future().share();
  std::atomic<int> ran{0};
  ASSERT_TRUE(queue.submit([&, open] {
    entered.set_value();
    open.wait();
    ++ran;
  }));
  entered.get_future().wait();
  EXPECT_TRUE(queue.submit([&] { ++ran; }));
  EXPECT_TRUE(queue.submit([&] { ++ran; }));
  EXPECT_FALSE(queue.submit([&] { ++ran; }));
  EXPECT_EQ(metrics.gauge("foyer_limit_used", "", {{"limit", "test_queue"}}).value(), 2);
  gate.set_value();
  queue.stop();
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(metrics.counter("foyer_limit_refused_total", "", {{"limit", "test_queue"}}).value(), 1U);
}

TEST(WorkQueue, FinishesWhatWaitsWhenStoppedAndTakesNothingMore) {
  std::atomic<int> ran{0};
  WorkQueue queue("test", 2, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(queue.submit([&] { ++ran; }));
  queue.stop();
  EXPECT_EQ(ran, 50);
  EXPECT_FALSE(queue.submit([] {}));
}

} // namespace
} // namespace foyer::exec
