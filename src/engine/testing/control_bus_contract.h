// What every control bus must do, as one node sees it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/testing/listening.h"

namespace foyer::engine {

class BusWorld {
 public:
  virtual ~BusWorld() = default;
  virtual ControlBus& bus() = 0;
  virtual void settle() = 0; // until everything that was sent is posted
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
  EXPECT_TRUE(w->bus().send(MembershipChanged{RoomName("private:x"), UserId("ann"), true}));
  w->bus().listen(b);
  EXPECT_TRUE(w->bus().send(MembershipChanged{RoomName("private:x"), UserId("bob"), false}));
  EXPECT_TRUE(w->bus().send(Evict{RoomName("private:x"), UserId("bob")}));
  EXPECT_TRUE(w->bus().send(ToUser{UserId("bob"), event_at(3)}));
  EXPECT_TRUE(w->bus().send(CloseSession{SessionId("s1"), Cause::SESSION_REVOKED}));
  const std::string rest = "no member private:x bob, evict private:x bob, user bob 3, close s1 SESSION_REVOKED";
  EXPECT_EQ(w->seen(a), "member private:x ann, " + rest);
  EXPECT_EQ(w->seen(b), rest);
}

TEST_P(ControlBusContract, WhatIsSentToThisNodeIsReceivedAndToNoNodeIsNot) {
  const auto a = std::make_shared<MessageListener>();
  w->bus().listen(a);
  EXPECT_FALSE(w->bus().node().empty());
  EXPECT_TRUE(w->bus().send(Evict{RoomName("tea"), UserId("ann")}, w->bus().node()));
  EXPECT_FALSE(w->bus().send(Evict{RoomName("tea"), UserId("bob")}, NodeId("never seen")));
  EXPECT_EQ(w->seen(a), "evict tea ann");
}

TEST_P(ControlBusContract, AListenerThatIsGoneIsNotCalledAnyMore) {
  auto a = std::make_shared<MessageListener>();
  const auto b = std::make_shared<MessageListener>();
  const auto tasks = a->tasks;
  w->bus().listen(a);
  w->bus().listen(b);
  w->bus().send(Evict{RoomName("tea"), UserId("ann")});
  w->settle();
  a.reset();
  w->bus().send(Evict{RoomName("tea"), UserId("bob")});
  w->settle();
  tasks->run(); // what was on its way finds nobody
  EXPECT_EQ(w->seen(b), "evict tea ann, evict tea bob");
}

} // namespace foyer::engine
