#include "engine/redis/fanout.h"

#include <gmock/gmock.h>

#include "engine/redis/testing/bus_world.h"
#include "engine/testing/fanout_contract.h"
#include "rooms/model/event_bytes.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;

// Notes what is posted to it, on whatever thread.
struct NotingListener final : FanoutListener {
  redis::Notes notes;
  void post(rooms::PublicationPtr publication) override {
    const auto& event = publication->event();
    notes.add(event.room.str() + "@" + std::to_string(event.offset));
  }
  void arrived(rooms::Publication&) override { ADD_FAILURE() << "nobody publishes on this thread"; }
};

// One node: its own connections, and a fan-out on them.
class Node {
 public:
  Node(testing_world::RedisServer& server, const BusNames& names, const std::string& id)
      : commands(bus_server(server), TestBus::policy(), system_entropy()),
        fanout({.server = {.url = server.url()},
                   .policy = TestBus::policy(),
                   .names = names,
                   .node = NodeId(id),
                   .gap = [this](const RoomName& room) { gaps.add(room.str()); }},
            commands, system_entropy()) {}

  // "listens", "listened", or a cause.
  std::string subscribe(const std::string& room, std::shared_ptr<FanoutListener> listener) {
    auto promise = std::make_shared<std::promise<std::string>>();
    auto answer = promise->get_future();
    fanout.subscribe(RoomName(room), std::move(listener), [promise](Result<bool> r) {
      promise->set_value(!r ? std::string(r.error().code()) : *r ? "listens" : "listened");
    });
    return redis::got(std::move(answer));
  }

  redis::Notes gaps;
  redis::Connection commands;
  RedisFanout fanout;
};

// Until all that `to` was asked for is carried out, and all that `from` has published before has arrived there.
void settle(Node& from, Node& to) {
  static int markers = 0;
  const std::string marker = "marker" + std::to_string(++markers);
  const auto listener = std::make_shared<NotingListener>();
  ASSERT_EQ(to.subscribe(marker, listener), "listens");
  from.fanout.publish(publication_at(marker.c_str(), 1));
  ASSERT_TRUE(listener->notes.until_count(1));
  to.fanout.unsubscribe(RoomName(marker), *listener);
}

class RedisFanoutWorld final : public FanoutWorld {
 public:
  Fanout& fanout() override { return node_.fanout; }
  void settle() override {
    engine::settle(node_, other_);
    engine::settle(other_, node_);
  }

 private:
  const BusNames names_ = TestBus::shared().fresh_names();
  Node node_{TestBus::shared().server(), names_, "n1"};
  Node other_{TestBus::shared().server(), names_, "n2"};
};

INSTANTIATE_TEST_SUITE_P(Redis, FanoutContract,
    testing::Values([]() -> std::unique_ptr<FanoutWorld> { return std::make_unique<RedisFanoutWorld>(); }));

TEST(BusNamesTest, ChannelsHaveTheNameOfTheBusAndKeysDoNot) {
  const BusNames names(kBusPrefix, "d1.x");
  EXPECT_EQ(names.channel(RoomName("tea")), "foyer:d1.x:{tea}");
  EXPECT_EQ(names.room_of("foyer:d1.x:{tea}"), RoomName("tea"));
  EXPECT_EQ(names.room_of("foyer:d1.y:{tea}"), RoomName());
  EXPECT_EQ(names.canary(), "foyer:d1.x:canary");
  EXPECT_EQ(names.who(RoomName("tea")), "foyer:{tea}:who");
  EXPECT_EQ(names.identity(), "foyer:bus");
}

class RedisFanoutTest : public testing::Test {
 protected:
  testing_world::RedisServer server; // its own: tests end it
  Node a{server, BusNames(), "a"};
  Node b{server, BusNames(), "b"};
  std::shared_ptr<NotingListener> listener = std::make_shared<NotingListener>();
};

TEST_F(RedisFanoutTest, AnEventReachesTheListenersOfOtherNodesWholeAndInOrder) {
  struct Keeper final : FanoutListener {
    std::promise<rooms::PublicationPtr> first;
    void post(rooms::PublicationPtr publication) override { first.set_value(std::move(publication)); }
    void arrived(rooms::Publication&) override {}
  };
  const auto keeper = std::make_shared<Keeper>();
  ASSERT_EQ(b.subscribe("private:x", keeper), "listens");
  const rooms::Event event{.room = RoomName("private:x"),
      .epoch = Epoch("e"),
      .offset = 7,
      .delivery = rooms::Delivery::history,
      .except = UserId("bob"),
      .body = rooms::Message{.offset = 7, .from = {UserId("ann"), "Ann"}, .text = "hello", .key = "k"}};
  a.fanout.publish(std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(event)));
  const auto heard = redis::got(keeper->first.get_future());
  EXPECT_EQ(rooms::to_bytes(heard->event()), rooms::to_bytes(event));

  ASSERT_EQ(b.subscribe("tea", listener), "listens");
  for (Offset offset = 1; offset <= 500; ++offset) a.fanout.publish(publication_at("tea", offset));
  ASSERT_TRUE(listener->notes.until_count(500));
  const auto all = listener->notes.all();
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(all[i], "tea@" + std::to_string(i + 1));
}

TEST_F(RedisFanoutTest, ANodeHearsItsOwnEventsOnceAndWithoutTheBus) {
  ASSERT_EQ(a.subscribe("tea", listener), "listens");
  a.fanout.publish(publication_at("tea", 1));
  EXPECT_THAT(listener->notes.all(), ElementsAre("tea@1")) << "when the call returns";
  b.fanout.publish(publication_at("tea", 2));
  settle(a, b);
  settle(b, a);
  EXPECT_THAT(listener->notes.all(), ElementsAre("tea@1", "tea@2"));
}

TEST_F(RedisFanoutTest, ARoomIsSubscribedAsLongAsSomebodyHereListens) {
  const auto subscribers = [&] { return server.cli({"PUBSUB", "NUMSUB", "foyer:{tea}"}); };
  auto second = std::make_shared<NotingListener>();
  a.subscribe("tea", listener);
  a.subscribe("tea", second);
  EXPECT_EQ(subscribers(), "foyer:{tea}\n1");
  a.fanout.unsubscribe(RoomName("tea"), *listener);
  settle(b, a);
  EXPECT_EQ(subscribers(), "foyer:{tea}\n1");
  second.reset(); // without a word; the next event shows it
  b.fanout.publish(publication_at("tea", 1));
  settle(b, a);
  settle(b, a);
  EXPECT_EQ(subscribers(), "foyer:{tea}\n0");
  EXPECT_EQ(a.subscribe("tea", listener), "listens");
  b.fanout.publish(publication_at("tea", 2));
  ASSERT_TRUE(listener->notes.until_count(1));
  EXPECT_THAT(listener->notes.all(), ElementsAre("tea@2"));
}

TEST_F(RedisFanoutTest, AfterTheBusWasAwayEachRoomHasAGapAndGoesOn) {
  EXPECT_TRUE(a.fanout.may_lose());
  const auto other = std::make_shared<NotingListener>();
  ASSERT_EQ(b.subscribe("tea", listener), "listens");
  server.kill();
  // Whoever subscribes meanwhile is not held up by the bus; its events are a gap, too.
  ASSERT_TRUE(redis::until_said(a.commands, {"PING"}, "unreachable"));
  ASSERT_EQ(b.subscribe("milk", other), "listens");
  a.fanout.publish(publication_at("tea", 1));
  b.fanout.publish(publication_at("tea", 2));
  EXPECT_THAT(listener->notes.all(), ElementsAre("tea@2")) << "its own node goes on";
  server.start();
  ASSERT_TRUE(b.gaps.until_count(2));
  EXPECT_THAT(b.gaps.all(), testing::UnorderedElementsAre("tea", "milk"));
  ASSERT_TRUE(redis::until_said(a.commands, {"PING"}, "PONG"));
  a.fanout.publish(publication_at("milk", 1));
  ASSERT_TRUE(other->notes.until_count(1));
  EXPECT_THAT(other->notes.all(), ElementsAre("milk@1"));
  EXPECT_GE(a.fanout.counts().unsent, 1U);
}

TEST_F(RedisFanoutTest, WhatIsNoEventOfThatRoomIsCountedAndNotDelivered) {
  ASSERT_EQ(b.subscribe("tea", listener), "listens");
  const std::string other_room = rooms::to_bytes({.room = RoomName("milk"), .delivery = rooms::Delivery::ephemeral});
  const std::string event = rooms::to_bytes({.room = RoomName("tea"), .delivery = rooms::Delivery::ephemeral});
  const std::string from_x("\1\1x", 3);
  for (const std::string& bytes : {std::string(), std::string("nonsense"), from_x, from_x + other_room,
           from_x + "\2" + event.substr(1), "\2" + from_x.substr(1) + event})
    redis::said(a.commands, {"PUBLISH", "foyer:{tea}", bytes});
  redis::said(a.commands, {"PUBLISH", "foyer:{tea}", from_x + event});
  ASSERT_TRUE(listener->notes.until_count(1));
  EXPECT_THAT(listener->notes.all(), ElementsAre("tea@0"));
  EXPECT_EQ(b.fanout.counts().unreadable, 6U);
}

TEST_F(RedisFanoutTest, ASubscriptionThatEndsBeforeItsAnswerIsRefused) {
  ASSERT_EQ(a.subscribe("milk", listener), "listens");
  server.freeze();
  const auto answer = redis::promised<Result<bool>>();
  a.fanout.subscribe(RoomName("tea"), listener, [answer](Result<bool> r) { answer->set_value(std::move(r)); });
  a.fanout.unsubscribe(RoomName("tea"), *listener);
  EXPECT_FALSE(redis::got(answer->get_future()));
  server.thaw();
}

} // namespace
} // namespace foyer::engine
