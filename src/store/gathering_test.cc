#include "store/gathering.h"

#include <gtest/gtest.h>

namespace foyer::store {
namespace {

using namespace std::chrono_literals;

TEST(Gathering, AfterOneTaskTheNextIsTakenAtOnce) {
  Gathering gathering;
  EXPECT_EQ(gathering.wait().tasks, 1U) << "nothing was consumed yet";
  gathering.consumed(1, 4ms);
  EXPECT_EQ(gathering.wait().tasks, 1U);
  EXPECT_EQ(gathering.wait().limit, 0ns);
}

TEST(Gathering, AfterSeveralTasksItWaitsForAsManyForAPartOfTheirTime) {
  Gathering gathering;
  gathering.consumed(16, 4ms);
  EXPECT_EQ(gathering.wait().tasks, 16U);
  EXPECT_EQ(gathering.wait().limit, 2ms);
  EXPECT_EQ(gathering.wait().quiet, 500us);
  gathering.consumed(3, 2ms); // no more came
  EXPECT_EQ(gathering.wait().tasks, 3U);
  EXPECT_EQ(gathering.wait().limit, 1ms);
}

TEST(Gathering, TheWaitIsBounded) {
  Gathering gathering;
  gathering.consumed(16, 10s);
  EXPECT_EQ(gathering.wait().limit, 2ms);
  EXPECT_EQ(gathering.wait().quiet, 500us);
}

TEST(Gathering, AQuickConsumerDoesNotWait) {
  Gathering gathering;
  gathering.consumed(16, 100us);
  EXPECT_EQ(gathering.wait().tasks, 1U);
}

TEST(Gathering, ATurnWithoutTasksSaysNothing) {
  Gathering gathering;
  gathering.consumed(16, 4ms);
  gathering.consumed(0, 1us);
  EXPECT_EQ(gathering.wait().tasks, 16U);
}

} // namespace
} // namespace foyer::store
