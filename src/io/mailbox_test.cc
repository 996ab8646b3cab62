#include "io/mailbox.h"

#include <gmock/gmock.h>

#include <memory>
#include <thread>
#include <vector>

using foyer::io::Mailbox;
using testing::Each;
using testing::ElementsAre;

TEST(Mailbox, RunsInTheOrderOfPuttingAndOnlyWhatWasThereAtTheCall) {
  Mailbox box;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i)
    (void)box.put([&, i] {
      ran.push_back(i);
      (void)box.put([&, i] { ran.push_back(10 + i); });
    });
  EXPECT_EQ(box.run_all(), 3U);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_EQ(box.run_all(), 3U);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 10, 11, 12));
  EXPECT_EQ(box.run_all(), 0U);
}

TEST(Mailbox, OnlyTheFirstSenderWakesALoopThatSleepsAndMailPreventsSleep) {
  Mailbox box;
  EXPECT_FALSE(box.put([] {})) << "the loop is awake";
  EXPECT_FALSE(box.begin_sleep()) << "there is mail";
  box.run_all();
  EXPECT_TRUE(box.begin_sleep());
  EXPECT_TRUE(box.put([] {}));
  EXPECT_FALSE(box.put([] {})) << "already woken";
  box.end_sleep();
  EXPECT_EQ(box.run_all(), 2U);
}

TEST(Mailbox, WhatWasNeverRunIsReleased) {
  auto held = std::make_shared<int>(1);
  {
    Mailbox box;
    (void)box.put([held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Mailbox, EverySendersOrderIsKeptAmongManyThreads) {
  constexpr int kSenders = 4, kEach = 20'000;
  Mailbox box;
  std::vector<int> next(kSenders, 0);
  bool in_order = true;
  std::vector<std::jthread> senders;
  for (int s = 0; s < kSenders; ++s)
    senders.emplace_back([&, s] {
      for (int i = 0; i < kEach; ++i)
        (void)box.put([&, s, i] { in_order = in_order && next[static_cast<std::size_t>(s)]++ == i; });
    });
  for (std::size_t ran = 0; ran < static_cast<std::size_t>(kSenders) * kEach;) ran += box.run_all();
  EXPECT_TRUE(in_order);
  EXPECT_THAT(next, Each(kEach));
}
