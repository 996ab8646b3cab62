// The contract of every fan-out, within a process or over a bus.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/testing/listening.h"

namespace foyer::engine {

class FanoutWorld {
 public:
  virtual ~FanoutWorld() = default;
  virtual Fanout& fanout() = 0;
  virtual void settle() = 0; // until everything published is posted

  // "listens", "listened"
  std::string subscribe(const char* room, const std::shared_ptr<EventListener>& listener) {
    std::string answer = "no answer";
    fanout().subscribe(RoomName(room), listener, [&](Result<bool> r) {
      answer = !r ? std::string(r.error().code()) : *r ? "listens" : "listened";
    });
    settle();
    return answer;
  }
  void publish(const char* room, Offset offset) { fanout().publish(publication_at(room, offset)); }
  std::string seen(const std::shared_ptr<EventListener>& listener) {
    settle();
    return listener->seen();
  }
};

class FanoutContract : public testing::TestWithParam<std::function<std::unique_ptr<FanoutWorld>()>> {
 protected:
  void SetUp() override { w = GetParam()(); }
  std::unique_ptr<FanoutWorld> w;
};

TEST_P(FanoutContract, AListenerGetsTheEventsOfItsRoomsAndNoOthers) {
  const auto a = std::make_shared<EventListener>(), b = std::make_shared<EventListener>();
  w->publish("tea", 1);
  EXPECT_EQ(w->subscribe("tea", a), "listens");
  EXPECT_EQ(w->subscribe("tea", b), "listens");
  EXPECT_EQ(w->subscribe("milk", b), "listens");
  w->publish("tea", 2);
  w->publish("milk", 1);
  w->publish("tea", 3);
  w->publish("beer", 1);
  EXPECT_EQ(w->seen(a), "tea@2 tea@3");
  EXPECT_EQ(w->seen(b), "tea@2 milk@1 tea@3");
}

TEST_P(FanoutContract, ASecondSubscriptionDeliversNothingTwice) {
  const auto a = std::make_shared<EventListener>();
  EXPECT_EQ(w->subscribe("tea", a), "listens");
  EXPECT_EQ(w->subscribe("tea", a), "listened");
  w->publish("tea", 1);
  EXPECT_EQ(w->seen(a), "tea@1");
}

TEST_P(FanoutContract, WhatIsPublishedAfterTheEndOfASubscriptionDoesNotArrive) {
  const auto a = std::make_shared<EventListener>(), b = std::make_shared<EventListener>();
  for (const auto& listener : {a, b}) {
    w->subscribe("tea", listener);
    w->subscribe("milk", listener);
  }
  w->publish("tea", 1);
  EXPECT_EQ(w->seen(a), "tea@1");
  w->fanout().unsubscribe(RoomName("tea"), *a);
  w->fanout().unsubscribe(RoomName("never"), *a);
  w->publish("tea", 2);
  w->publish("milk", 1);
  EXPECT_EQ(w->seen(a), "milk@1");
  EXPECT_EQ(w->seen(b), "tea@1 tea@2 milk@1");
  EXPECT_EQ(w->subscribe("tea", a), "listens");
  w->publish("tea", 3);
  EXPECT_EQ(w->seen(a), "tea@3");
}

TEST_P(FanoutContract, TheListenerOfThePublishingThreadHasTheEventWhenTheCallReturns) {
  const auto here = std::make_shared<EventListener>(), there = std::make_shared<EventListener>();
  for (const auto& listener : {there, here}) w->subscribe("tea", listener);
  w->fanout().publish(publication_at("tea", 1), here.get());
  EXPECT_EQ(here->heard(), "tea@1");
  EXPECT_EQ(there->heard(), "");
  w->fanout().publish(publication_at("milk", 1), here.get());
  EXPECT_EQ(w->seen(here), "") << "once, and no room that it does not listen to";
  EXPECT_EQ(w->seen(there), "tea@1");
}

TEST_P(FanoutContract, ListenersOfAProcessGetTheSameObject) {
  struct Keeper final : FanoutListener {
    std::vector<rooms::PublicationPtr> posted;
    void post(rooms::PublicationPtr publication) override { posted.push_back(std::move(publication)); }
    void arrived(rooms::Publication&) override {}
  };
  const auto a = std::make_shared<Keeper>(), b = std::make_shared<Keeper>();
  for (const auto& listener : {a, b}) w->fanout().subscribe(RoomName("tea"), listener, [](Result<bool>) {});
  w->settle();
  w->publish("tea", 1);
  w->settle();
  ASSERT_EQ(a->posted.size(), 1U);
  ASSERT_EQ(b->posted.size(), 1U);
  EXPECT_EQ(a->posted[0], b->posted[0]);
}

TEST_P(FanoutContract, AListenerThatIsGoneIsNotCalledAnyMore) {
  auto a = std::make_shared<EventListener>();
  const auto tasks = a->tasks;
  w->subscribe("tea", a);
  a.reset();
  w->publish("tea", 1);
  w->settle();
  EXPECT_TRUE(tasks->empty());
  const auto b = std::make_shared<EventListener>();
  EXPECT_EQ(w->subscribe("tea", b), "listens");
  w->publish("tea", 2);
  EXPECT_EQ(w->seen(b), "tea@2");
}

TEST_P(FanoutContract, EventsOfOnePublisherArriveInItsOrder) {
  constexpr Offset kEach = 200;
  const auto a = std::make_shared<EventListener>();
  for (const char* room : {"r0", "r1", "r2"}) w->subscribe(room, a);
  {
    std::vector<std::jthread> publishers;
    for (const char* room : {"r0", "r1", "r2"})
      publishers.emplace_back([&, room] {
        for (Offset o = 1; o <= kEach; ++o) w->publish(room, o);
      });
  }
  w->settle();
  a->tasks->run();
  if (w->fanout().may_lose()) return;
  for (const std::string room : {"r0", "r1", "r2"}) {
    std::vector<std::string> of_room, expected;
    for (const std::string& each : a->events)
      if (each.starts_with(room)) of_room.push_back(each);
    for (Offset o = 1; o <= kEach; ++o) expected.push_back(room + "@" + std::to_string(o));
    EXPECT_EQ(of_room, expected);
  }
}

} // namespace foyer::engine
