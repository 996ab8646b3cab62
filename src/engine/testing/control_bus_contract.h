// The contract of every control bus, as seen by one node.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "engine/testing/listening.h"

namespace foyer::engine {

class BusWorld {
 public:
  virtual ~BusWorld() = default;
  virtual ControlBus& bus() = 0;
  virtual void settle() = 0; // until everything sent is posted
  bool send(ControlMessage message, ControlBus::Route route = {}) {
    return bus().send(std::move(message), std::move(route));
  }
  std::string seen(const std::shared_ptr<MessageListener>& listener) {
    settle();
    return listener->seen();
  }
};

class ControlBusContract : public testing::TestWithParam<std::function<std::unique_ptr<BusWorld>()>> {
 protected:
  void SetUp() override { w = GetParam()(); }
  std::unique_ptr<BusWorld> w;
};

TEST_P(ControlBusContract, WhatIsSentToAllIsReceivedHereTooInTheOrderOfSending) {
  const auto a = std::make_shared<MessageListener>(), b = std::make_shared<MessageListener>();
  w->bus().listen(a);
  EXPECT_TRUE(w->send(MemberAdded{RoomName("private:x"), UserId("ann")}));
  w->bus().listen(b);
  EXPECT_TRUE(w->send(MemberAdded{RoomName("private:x"), UserId("bob")}));
  EXPECT_TRUE(w->send(Evict{RoomName("private:x"), UserId("bob")}));
  EXPECT_TRUE(w->send(ToUser{UserId("bob"), publication_at("private:x", 3)}));
  EXPECT_TRUE(w->send(CloseSubscribers{RoomName("tea"), {.cause = Cause::HISTORY_UNREADABLE}}));
  const std::string rest = "member private:x bob, evict private:x bob, user bob 3, close tea HISTORY_UNREADABLE";
  EXPECT_EQ(w->seen(a), "member private:x ann, " + rest);
  EXPECT_EQ(w->seen(b), rest);
}

TEST_P(ControlBusContract, WhatIsSentToThisNodeIsReceivedAndToNoNodeIsNot) {
  const auto a = std::make_shared<MessageListener>();
  w->bus().listen(a);
  EXPECT_FALSE(w->bus().node().empty());
  EXPECT_TRUE(w->send(RevocationsChanged{}, {.to = w->bus().node()}));
  EXPECT_TRUE(w->send(ToUser{UserId("ann"), publication_at("tea", 1), rooms::SessionKey{7}}, {.to = w->bus().node()}));
  EXPECT_FALSE(w->send(Evict{RoomName("tea"), UserId("bob")}, {.to = NodeId("never seen")}));
  EXPECT_EQ(w->seen(a), "revocations, user ann 1 but for 7");
}

TEST_P(ControlBusContract, TheListenerOfTheCallingThreadHasReceivedItWhenTheCallReturns) {
  const auto here = std::make_shared<MessageListener>(), there = std::make_shared<MessageListener>();
  w->bus().listen(here);
  w->bus().listen(there);
  EXPECT_TRUE(w->send(Evict{RoomName("tea"), UserId("ann")}, {.here = here.get()}));
  EXPECT_EQ(here->heard(), "evict tea ann");
  EXPECT_EQ(there->heard(), "");
  EXPECT_EQ(w->seen(there), "evict tea ann");
  EXPECT_EQ(w->seen(here), "");
}

TEST_P(ControlBusContract, AListenerThatIsGoneIsNotCalledAnyMore) {
  auto a = std::make_shared<MessageListener>();
  const auto b = std::make_shared<MessageListener>();
  const auto tasks = a->tasks;
  w->bus().listen(a);
  w->bus().listen(b);
  w->send(Evict{RoomName("tea"), UserId("ann")});
  w->settle();
  tasks->run();
  EXPECT_EQ(a->heard(), "evict tea ann");
  a.reset();
  w->send(Evict{RoomName("tea"), UserId("bob")});
  w->settle();
  EXPECT_TRUE(tasks->empty());
  EXPECT_EQ(w->seen(b), "evict tea ann, evict tea bob");
}

} // namespace foyer::engine
