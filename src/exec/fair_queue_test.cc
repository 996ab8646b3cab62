#include "exec/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace foyer::exec {
namespace {

using testing::ElementsAre;

struct Names {
  FairQueue queue;
  std::vector<std::string> dropped;
  std::string ran;

  explicit Names(std::size_t limit) : queue(limit) {}
  bool push(const std::string& name, Share share) {
    auto pushed = queue.push({.run = [this, name] { ran = name; }, .dropped = [this, name] {
      dropped.push_back(name);
    }, .share = std::move(share)});
    if (pushed.dropped) pushed.dropped->dropped();
    return pushed.taken;
  }
  std::string pop() {
    auto work = queue.pop();
    if (!work) return "nothing";
    work->run();
    return ran;
  }
  std::vector<std::string> pop(int count) {
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) out.push_back(pop());
    return out;
  }
};

Share at(const std::string& network, const std::string& address, WorkClass of = WorkClass::login) {
  return {.of = of, .network = network, .address = address};
}

TEST(FairQueue, NetworksTakeTurnsAndInThemAddresses) {
  Names n(100);
  n.push("a1", at("A", "a"));
  n.push("a2", at("A", "a"));
  n.push("b1", at("A", "b"));
  n.push("c1", at("C", "c"));
  n.push("c2", at("C", "c"));
  EXPECT_THAT(n.pop(6), ElementsAre("a1", "c1", "b1", "c2", "a2", "nothing"));
}

TEST(FairQueue, KnownPeopleComeFirstAndRegistrationsLastAndNobodyStarves) {
  Names n(100);
  n.push("registration", at("R", "r", WorkClass::other));
  n.push("stranger", at("S", "s"));
  for (int i = 0; i < 20; ++i) n.push("known", at("K", "k", WorkClass::known));
  const auto order = n.pop(22);
  EXPECT_EQ(std::ranges::find(order, "stranger") - order.begin(), 7);
  EXPECT_EQ(std::ranges::find(order, "registration") - order.begin(), 15);
}

TEST(FairQueue, FrequentSubmittersComeAfterOthers) {
  Names n(100);
  for (int i = 0; i < 50; ++i)
    n.push("flood", {.of = WorkClass::login, .often = true, .network = "F" + std::to_string(i), .address = "f"});
  n.push("first login", at("V", "v"));
  EXPECT_EQ(n.pop(), "first login");
}

TEST(FairQueue, WhatAFloodSentBeforeItWasOneWaitsBehindToo) {
  Names n(3);
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(n.push(name, at(name, "x")));
  for (const char* name : {"a", "b", "c"}) {
    Share again = at(name, "x");
    again.often = true;
    EXPECT_FALSE(n.push("again", again));
  }
  EXPECT_TRUE(n.push("first login", at("V", "v")));
  EXPECT_EQ(n.pop(), "first login");
  EXPECT_EQ(n.queue.size(), 2u);
}

TEST(FairQueue, TheOwnerWithMostWaitingMakesRoomForOneWithNone) {
  Names n(4);
  for (const char* name : {"a1", "a2", "a3", "b1"}) EXPECT_TRUE(n.push(name, at(std::string(1, name[0]), "x")));
  EXPECT_TRUE(n.push("c1", at("c", "x")));
  EXPECT_THAT(n.dropped, ElementsAre("a3"));
  EXPECT_FALSE(n.push("a4", at("a", "x"))) << "its own share is the largest";
  EXPECT_FALSE(n.push("c2", at("c", "x"))) << "a would have no more than c";
  EXPECT_TRUE(n.push("known", at("k", "x", WorkClass::known))) << "the first class finds room";
  EXPECT_EQ(n.queue.size(), 4u);
}

TEST(FairQueue, ARegistrationMakesRoomForALoginAndALoginNeverForARegistration) {
  Names n(2);
  n.push("registration", at("r", "x", WorkClass::other));
  n.push("login", at("l", "x"));
  EXPECT_TRUE(n.push("another login", at("m", "x")));
  EXPECT_THAT(n.dropped, ElementsAre("registration"));
  EXPECT_FALSE(n.push("another registration", at("s", "x", WorkClass::other)));
  EXPECT_THAT(n.pop(3), ElementsAre("login", "another login", "nothing"));
}

} // namespace
} // namespace foyer::exec
