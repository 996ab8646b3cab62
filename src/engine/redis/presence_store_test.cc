#include "engine/redis/presence_store.h"

#include <gmock/gmock.h>

#include "base/manual_executor.h"
#include "engine/redis/testing/bus_world.h"
#include "engine/testing/presence_store_contract.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// The view of one node. Its rounds are the test's.
class Node final : public PresenceWorld {
 public:
  Node(const BusNames& names, const std::string& id, testing_world::RedisServer& server = TestBus::shared().server())
      : commands_(bus_server(server), TestBus::policy(), system_entropy()),
        store_({.names = names, .node = NodeId(id), .report = [this](const PresenceReport& report) { note(report); }},
            commands_, executor_, clock_, system_entropy()) {
    round();
  }

  PresenceStore& store() override { return store_; }
  void run() override { redis::ask(commands_, {"PING"}); } // its answer is the last one
  void round() {
    const auto ended = std::make_shared<std::promise<void>>();
    store_.round([ended] { ended->set_value(); });
    redis::got(ended->get_future());
  }
  redis::Connection& commands() { return commands_; }
  ManualClock& clock() { return clock_; }
  // "tea: Ann left 1", since the last call.
  std::vector<std::string> reports() {
    auto all = notes_.all();
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ += all.size();
    return all;
  }

 private:
  void note(const PresenceReport& report) {
    const std::string count = " " + std::to_string(report.count);
    for (const auto& member : report.came) notes_.add(report.room.str() + ": " + member.name + " came" + count);
    for (const auto& member : report.left) notes_.add(report.room.str() + ": " + member.name + " left" + count);
    if (report.recount) notes_.add(report.room.str() + ":" + count);
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  redis::Notes notes_;
  std::size_t read_ = 0;
  redis::Connection commands_;
  RedisPresenceStore store_;
};

INSTANTIATE_TEST_SUITE_P(Redis, PresenceStoreContract, testing::Values([]() -> std::unique_ptr<PresenceWorld> {
  return std::make_unique<Node>(TestBus::shared().fresh_names(), "n1");
}));

class RedisPresenceTest : public testing::Test {
 protected:
  std::unique_ptr<Node> node(const std::string& id) { return std::make_unique<Node>(names, id); }
  const BusNames names = TestBus::shared().fresh_names();
};

TEST_F(RedisPresenceTest, AUserOnTwoNodesCameOnceAndLeavesWithTheLast) {
  const auto a = node("a"), b = node("b");
  EXPECT_EQ(a->touch("tea", "ann", "Ann"), "came 1");
  EXPECT_EQ(b->touch("tea", "ann", "Other"), "- 1");
  EXPECT_EQ(b->touch("tea", "bob", "Bob"), "came 2");
  EXPECT_THAT(a->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  EXPECT_EQ(a->leave("tea", "ann"), "- 2");
  EXPECT_EQ(a->leave("tea", "bob"), "- 2") << "it is not this node that has bob";
  EXPECT_EQ(b->leave("tea", "ann"), "Ann left 1");
}

TEST_F(RedisPresenceTest, TheUsersOfANodeThatDiedAreReportedOnceAndNobodyElse) {
  const auto a = node("a"), c = node("c");
  auto b = node("b");
  b->touch("tea", "ann", "Ann");
  b->touch("tea", "bob", "Bob");
  b->touch("milk", "bob", "Bob");
  a->touch("tea", "bob", "Bob");
  b.reset();
  TestBus::shared().advance(Millis{5'000});
  for (Node* each : {a.get(), c.get()}) each->round();
  EXPECT_THAT(a->reports(), IsEmpty()) << "its lease goes on";
  TestBus::shared().advance(Millis{6'000});
  a->round();
  c->round();
  EXPECT_THAT(a->reports(), UnorderedElementsAre("tea: Ann left 1", "milk: Bob left 0"));
  EXPECT_THAT(c->reports(), IsEmpty());
  EXPECT_THAT(a->names("tea"), ElementsAre("bob=Bob"));
  EXPECT_EQ(a->members("milk").count, 0U);
  a->round();
  c->round();
  EXPECT_THAT(a->reports(), IsEmpty());
  EXPECT_EQ(a->leave("tea", "bob"), "Bob left 0");
}

TEST_F(RedisPresenceTest, EntriesOfADeadNodeDoNotCountEvenBeforeTheyAreRemoved) {
  const auto a = node("a");
  auto b = node("b");
  b->touch("tea", "ann", "Ann");
  b.reset();
  TestBus::shared().advance(Millis{11'000});
  // Another node is cleaning up, and does not get on with it.
  ASSERT_EQ(redis::said(a->commands(), {"SET", names.reap("b"), "c", "PX", "10000"}), "OK");
  ASSERT_EQ(redis::ask(a->commands(), {"ZADD", names.nodes(), "0", "b"})->integer, 0);
  // `a` was silent as long, and goes on under another name.
  a->round();
  EXPECT_THAT(a->names("tea"), IsEmpty());
  EXPECT_EQ(a->touch("tea", "ann", "Ann again"), "came 1");
  EXPECT_THAT(a->names("tea"), ElementsAre("ann=Ann again"));
  TestBus::shared().advance(Millis{10'001 - 2'000});
  a->round();
  TestBus::shared().advance(Millis{2'001});
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty()) << "ann is here";
  EXPECT_EQ(a->leave("tea", "ann"), "Ann again left 0");
}

TEST_F(RedisPresenceTest, ANodeThatWasSilentForTooLongWritesItsUsersAgain) {
  const auto a = node("a"), b = node("b");
  a->touch("tea", "ann", "Ann");
  b->touch("tea", "bob", "Bob");
  TestBus::shared().advance(Millis{6'000});
  b->round();
  TestBus::shared().advance(Millis{6'000});
  b->round();
  EXPECT_THAT(b->reports(), ElementsAre("tea: Ann left 1"));
  a->round();
  EXPECT_THAT(a->reports(), ElementsAre("tea: Ann came 2"));
  EXPECT_THAT(b->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  // Before anybody noticed, it changes nothing for others.
  TestBus::shared().advance(Millis{9'000});
  b->round();
  TestBus::shared().advance(Millis{2'000});
  a->round();
  b->round();
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty());
  EXPECT_THAT(b->reports(), IsEmpty());
  EXPECT_EQ(a->leave("tea", "ann"), "Ann left 1");
}

TEST_F(RedisPresenceTest, AfterTheBusLostEverythingEachNodeWritesWhatItHas) {
  testing_world::RedisServer server;
  Node a(BusNames(), "a", server), b(BusNames(), "b", server);
  a.touch("tea", "ann", "Ann");
  b.touch("tea", "ann", "Ann");
  b.touch("milk", "bob", "Bob");
  server.cli({"FLUSHALL"});
  EXPECT_EQ(a.members("tea").count, 0U);
  a.round();
  b.round();
  EXPECT_THAT(a.reports(), ElementsAre("tea: 1")) << "nobody has come, and somebody may have left";
  EXPECT_THAT(b.reports(), UnorderedElementsAre("tea: 1", "milk: 1"));
  EXPECT_THAT(a.names("tea"), ElementsAre("ann=Ann"));
  EXPECT_THAT(a.names("milk"), ElementsAre("bob=Bob"));
  EXPECT_EQ(a.leave("tea", "ann"), "- 1");
  EXPECT_EQ(b.leave("tea", "ann"), "Ann left 0");
}

TEST_F(RedisPresenceTest, WhatCouldNotBeWrittenIsWrittenInTheNextRound) {
  testing_world::RedisServer server;
  Node a(BusNames(), "a", server), b(BusNames(), "b", server);
  a.touch("tea", "ann", "Ann");
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_EQ(a.touch("tea", "bob", "Bob"), "BUS_UNSUITABLE");
  EXPECT_EQ(a.leave("tea", "ann"), "BUS_UNSUITABLE");
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "0"});
  EXPECT_THAT(b.names("tea"), ElementsAre("ann=Ann"));
  a.round();
  EXPECT_THAT(b.names("tea"), ElementsAre("bob=Bob"));
  EXPECT_THAT(a.reports(), ElementsAre("tea: Bob came 1", "tea: Ann left 1"));
  a.round();
  EXPECT_THAT(a.reports(), IsEmpty());
}

TEST_F(RedisPresenceTest, WhoCameAndWentWhileTheBusCouldNotBeAskedIsNotReported) {
  testing_world::RedisServer server;
  Node a(BusNames(), "a", server);
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "1"});
  a.touch("tea", "ann", "Ann");
  a.leave("tea", "ann");
  server.cli({"CONFIG", "SET", "min-replicas-to-write", "0"});
  a.round();
  EXPECT_THAT(a.reports(), IsEmpty());
}

TEST_F(RedisPresenceTest, ChangesHaveRisingNumbers) {
  const auto a = node("a");
  std::uint64_t last = 0;
  const auto rises = [&](Result<PresenceChange> change) {
    ASSERT_TRUE(change);
    EXPECT_TRUE(change->changed);
    EXPECT_GT(change->order, last);
    last = change->order;
  };
  for (int i = 0; i < 3; ++i) {
    TestBus::shared().advance(Millis{1}); // the server's clock is the test's
    a->store().touch(RoomName("tea"), {UserId("ann"), "Ann"}, rises);
    a->run();
    TestBus::shared().advance(Millis{1});
    a->store().leave(RoomName("tea"), UserId("ann"), rises);
    a->run();
  }
}

TEST_F(RedisPresenceTest, EveryKeyEndsByItselfAndIsRenewedWhileItIsNeeded) {
  const auto a = node("a");
  a->touch("tea", "ann", "Ann");
  EXPECT_THAT(keys_of(a->commands(), names.prefix()),
      UnorderedElementsAre("era:{" + names.nodes() + "}", "nodes", "rooms:a", "{tea}:who"));
  TestBus::shared().advance(kPresenceRoomLife - Millis{1'000});
  a->clock().advance(kPresenceRewrite);
  a->round();
  TestBus::shared().advance(Millis{2'000});
  EXPECT_EQ(a->members("tea").count, 1U);
  a->leave("tea", "ann");
  const auto b = node("b");
  TestBus::shared().advance(Millis{11'000});
  b->round();
  b->round();
  TestBus::shared().advance(kPresenceNodeLife + Millis{1'000});
  EXPECT_THAT(keys_of(a->commands(), names.prefix()), IsEmpty());
}

TEST_F(RedisPresenceTest, LargeRoomsAreListedInPartAndCountedWhole) {
  const auto a = node("a");
  for (int i = 0; i < 1'000; ++i)
    a->store().touch(RoomName("tea"), {UserId("u" + std::to_string(i)), "U"}, [](Result<PresenceChange>) {});
  const auto present = a->members("tea", 300);
  EXPECT_EQ(present.count, 1'000U);
  EXPECT_EQ(present.members.size(), 300U);
}

// A replica that was promoted has what was written some moments ago: one came and one left since then.
TEST(RedisPresence, WhatAPromotedReplicaDoesNotKnowIsWrittenAgain) {
  const BusNames names = TestBus::shared().fresh_names();
  Node node(names, "n1");
  const RoomName tea("tea"), club("club");
  const auto touch = [&](const RoomName& room, const char* id) {
    const auto done = redis::promised<void>();
    node.store().touch(room, {UserId(id), id}, [done](auto) { done->set_value(); });
    redis::got(done->get_future());
  };
  touch(tea, "ann");
  touch(club, "ann");
  node.store().leave(club, UserId("ann"), [](auto) {});
  redis::ask(node.commands(), {"HDEL", names.who(tea), "ann"});
  redis::ask(node.commands(), {"HSET", names.who(club), "ann", "n1\nann"});
  TestBus::shared().server().cli({"REPLICAOF", "127.0.0.1", "1"});
  TestBus::shared().server().cli({"REPLICAOF", "NO", "ONE"}); // a history of its own
  node.round();
  EXPECT_EQ(redis::said(node.commands(), {"HGETALL", names.who(tea)}), "[ann n1\nann]");
  EXPECT_EQ(redis::said(node.commands(), {"HGETALL", names.who(club)}), "[]");
  EXPECT_THAT(node.reports(), IsEmpty()) << "everybody was told before";
}

// The server was away for longer than a lease, for everybody: whoever asks first afterwards takes nobody for dead.
TEST(RedisPresence, AfterASilenceOfTheServerLeasesGetAnotherTerm) {
  TestBus& bus = TestBus::shared();
  const BusNames names = bus.fresh_names();
  Node first(names, "n1"), second(names, "n2");
  const auto done = redis::promised<void>();
  first.store().touch(RoomName("tea"), {UserId("ann"), "Ann"}, [done](auto) { done->set_value(); });
  redis::got(done->get_future());
  bus.server().cli({"CONFIG", "SET", "min-replicas-to-write", "1"}); // all writes are refused
  second.round();
  bus.advance(kPresenceLease * 3);
  bus.server().cli({"CONFIG", "SET", "min-replicas-to-write", "0"});
  second.round();
  EXPECT_EQ(redis::said(second.commands(), {"HGETALL", names.who(RoomName("tea"))}), "[ann n1\nAnn]");
  EXPECT_THAT(second.reports(), IsEmpty());
  bus.advance(kPresenceLease + Millis{1});
  second.round(); // its own lease has ended, too; n1 did not come back
  EXPECT_THAT(second.reports(), ElementsAre("tea: Ann left 0"));
}

} // namespace
} // namespace foyer::engine
