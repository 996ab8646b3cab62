#include "engine/redis/control_bus.h"

#include <gmock/gmock.h>

#include "engine/control_bytes.h"
#include "engine/redis/canaries.h"
#include "engine/redis/testing/bus_world.h"
#include "engine/testing/control_bus_contract.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;

struct NotingListener final : ControlListener {
  redis::Notes notes; // the bytes of what is posted
  void post(std::shared_ptr<const ControlMessage> message) override { notes.add(to_bytes(*message)); }
  void received(const ControlMessage&) override { ADD_FAILURE() << "nobody sends on this thread"; }
};

class Node {
 public:
  Node(testing_world::RedisServer& server, const BusNames& names, const std::string& id)
      : commands(bus_server(server), TestBus::policy(), system_entropy()),
        bus({.server = {.url = server.url()}, .policy = TestBus::policy(), .names = names, .node = NodeId(id)},
            commands, clock, system_entropy()),
        name(id),
        channel(names.canary()) {}

  std::vector<std::string> heard() const {
    std::vector<std::string> out;
    for (const auto& each : bus.heard()) out.push_back(each.str());
    return out;
  }
  void sing() { redis::said(commands, {"PUBLISH", channel, to_bytes(Canary{.node = name, .number = 1})}); }

  ManualClock clock;
  redis::Connection commands;
  RedisControlBus bus;
  const std::string name, channel;
};

// Until each hears the other.
bool meet(Node& a, Node& b) {
  for (const auto end = std::chrono::steady_clock::now() + redis::kPatience; std::chrono::steady_clock::now() < end;) {
    a.sing();
    b.sing();
    if (a.heard().size() == 2 && b.heard().size() == 2) return true;
  }
  return false;
}

class RedisBusWorld final : public BusWorld {
 public:
  ControlBus& bus() override { return node_.bus; }
  void settle() override {} // it posts here at once

 private:
  Node node_{TestBus::shared().server(), TestBus::shared().fresh_names(), "n1"};
};

INSTANTIATE_TEST_SUITE_P(Redis, ControlBusContract,
    testing::Values([]() -> std::unique_ptr<BusWorld> { return std::make_unique<RedisBusWorld>(); }));

std::vector<ControlMessage> one_of_each() {
  const Selection all{
      .user = UserId("ann"), .connection = ConnectionId{7}, .session = SessionId("s"), .keep = {1, 300}};
  return {MemberAdded{RoomName("private:x"), UserId("ann")}, Evict{RoomName("private:x"), UserId("bob")},
      ToUser{UserId("bob"), publication_at("private:x", 3)},
      CloseSubscribers{RoomName("tea"),
          {.cause = Cause::HISTORY_UNREADABLE, .evidence = "e", .retry_after = Millis{5}, .field = "f", .detail = "d"}},
      RevocationsChanged{}, Disconnect{.who = all, .code = 4'000, .reason = "why"},
      Unsubscribe{.who = {.user = UserId("ann")}, .room = RoomName("tea")},
      Subscribe{.who = {.session = SessionId("s")},
          .room = RoomName("tea"),
          .since = rooms::SincePosition{Epoch("e"), 4, from_unix_millis(9), 2},
          .limit = 50},
      Subscribe{.who = {.user = UserId("ann")}, .room = RoomName("tea")},
      SetExpiry{.who = all, .expires_at = from_unix_millis(1'700'000'000'000)},
      Ask{.from = NodeId("a"), .number = 300, .question = 2, .to = {NodeId("b"), NodeId("c")}, .bytes = "who?"},
      Told{.from = NodeId("b"), .number = 300, .part = 1, .last = false, .refused = false, .bytes = "me"},
      UserCounts{.from = NodeId("b"), .users = {{UserId("ann"), 300}, {UserId("bob"), 0}}}};
}

TEST(ControlBytes, AreReadAsTheyWereWritten) {
  for (const auto& message : one_of_each()) {
    const std::string bytes = to_bytes(message);
    const auto read = read_control(bytes);
    ASSERT_TRUE(read) << message.index();
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(to_bytes(*read), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_control(bytes.substr(0, size)));
    EXPECT_FALSE(read_control(bytes + '\0'));
    EXPECT_EQ(read_control("\2" + bytes.substr(1)).error(), rooms::EventFault::unknown_version);
  }
}

// A node of another release reads them: what is here stays.
TEST(ControlBytes, HaveTheirNumbersForEver) {
  std::vector<std::string> kinds;
  for (const auto& message : one_of_each()) kinds.push_back(hex_encode(to_bytes(message).substr(0, 2)));
  EXPECT_THAT(kinds,
      ElementsAre(
          "0101", "0102", "0103", "0104", "0105", "0106", "0107", "0108", "0108", "0109", "010a", "010b", "010c"));
  EXPECT_EQ(
      hex_encode(to_bytes(Disconnect{.who = {.user = UserId("ann"), .keep = {300}}, .code = 4'000, .reason = "r"})),
      "010603616e6e000001ac02a01f0172");
}

class RedisControlBusTest : public testing::Test {
 protected:
  testing_world::RedisServer server; // its own: tests end it
  Node a{server, BusNames(), "a"}, b{server, BusNames(), "b"};
};

TEST_F(RedisControlBusTest, EveryMessageReachesTheOtherNodeInOrder) {
  ASSERT_TRUE(meet(a, b));
  const auto listener = std::make_shared<NotingListener>();
  b.bus.listen(listener);
  std::vector<std::string> expected;
  for (const auto& message : one_of_each()) {
    expected.push_back(to_bytes(message));
    EXPECT_TRUE(a.bus.send(message, {}));
  }
  ASSERT_TRUE(listener->notes.until_count(expected.size()));
  EXPECT_EQ(listener->notes.all(), expected);
  EXPECT_EQ(b.bus.counts().unreadable, 0U);
}

TEST_F(RedisControlBusTest, AMessageForOneNodeIsReceivedThereAlone) {
  ASSERT_TRUE(meet(a, b));
  const auto here = std::make_shared<NotingListener>(), there = std::make_shared<NotingListener>();
  a.bus.listen(here);
  b.bus.listen(there);
  const Evict evict{RoomName("tea"), UserId("ann")};
  EXPECT_TRUE(a.bus.send(evict, {.to = NodeId("b")}));
  EXPECT_FALSE(a.bus.send(evict, {.to = NodeId("c")}));
  EXPECT_TRUE(a.bus.send(RevocationsChanged{}, {}));
  ASSERT_TRUE(there->notes.until_count(2));
  EXPECT_THAT(there->notes.all(), ElementsAre(to_bytes(evict), to_bytes(RevocationsChanged{})));
  EXPECT_THAT(here->notes.all(), ElementsAre(to_bytes(RevocationsChanged{})));
}

TEST_F(RedisControlBusTest, ANodeIsKnownWhileItIsHeard) {
  ASSERT_TRUE(meet(a, b));
  EXPECT_THAT(a.heard(), testing::UnorderedElementsAre("a", "b"));
  a.clock.advance(RedisControlBusOptions{}.silence + Millis{1});
  EXPECT_THAT(a.heard(), testing::IsEmpty());
  EXPECT_FALSE(a.bus.send(RevocationsChanged{}, {.to = NodeId("b")}));
  ASSERT_TRUE(meet(a, b));
  EXPECT_TRUE(a.bus.send(RevocationsChanged{}, {.to = NodeId("b")}));
}

TEST_F(RedisControlBusTest, AfterTheBusWasAwayRevocationsAreReadAgain) {
  ASSERT_TRUE(meet(a, b));
  const auto listener = std::make_shared<NotingListener>();
  b.bus.listen(listener);
  server.kill();
  ASSERT_TRUE(redis::until_said(a.commands, {"PING"}, "unreachable"));
  EXPECT_TRUE(a.bus.send(Evict{RoomName("tea"), UserId("ann")}, {}));
  server.start();
  ASSERT_TRUE(listener->notes.until_count(1));
  EXPECT_EQ(listener->notes.all()[0], to_bytes(RevocationsChanged{}));
  ASSERT_TRUE(meet(a, b));
  EXPECT_EQ(a.bus.counts().unsent, 1U);
}

TEST_F(RedisControlBusTest, WhatIsNoMessageIsCountedAndReceivedByNobody) {
  ASSERT_TRUE(meet(a, b));
  const auto listener = std::make_shared<NotingListener>();
  b.bus.listen(listener);
  const std::string from_x("\1\1x", 3);
  const std::string good = from_x + "\2" + to_bytes(RevocationsChanged{});
  for (const std::string& bytes : {std::string(), std::string("nonsense"), from_x, from_x + "\3", from_x + "\1",
           from_x + "\2", good + "more", "\2" + good.substr(1)})
    redis::said(a.commands, {"PUBLISH", "foyer:control", bytes});
  redis::said(a.commands, {"PUBLISH", "foyer:control", good});
  ASSERT_TRUE(listener->notes.until_count(1));
  EXPECT_THAT(listener->notes.all(), ElementsAre(to_bytes(RevocationsChanged{})));
  EXPECT_EQ(b.bus.counts().unreadable, 8U);
}

} // namespace
} // namespace foyer::engine
