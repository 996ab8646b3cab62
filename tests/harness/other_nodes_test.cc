// Two nodes on one database, without connections: what a home does with what the other node did. Nothing passes between
// the nodes by itself: a test says which positions and rights arrive.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/testing/store_worlds.h"
#include "harness/memory_network.h"
#include "rooms/room_service.h"

namespace foyer::harness {
namespace {

using rooms::Actor;
using testing::ElementsAre;
using testing::IsEmpty;

class Heard final : public rooms::Listener {
 public:
  rooms::PublicationPtr publication(rooms::EventPtr event) override {
    return std::make_shared<rooms::Publication>(std::move(event));
  }
  void post(rooms::PublicationPtr publication) override { arrived(*publication); } // the test is one thread
  void arrived(rooms::Publication& publication) override {
    const rooms::Event& event = publication.event();
    if (const auto* m = std::get_if<rooms::Message>(&event.body))
      words.push_back(fmt::format("{}@{} {}", event.room.view(), event.offset, m->deleted ? "deleted" : m->text));
    if (const auto* c = std::get_if<rooms::Change>(&event.body))
      words.push_back(fmt::format("{} change {} of {}", event.room.view(), c->number, c->offset));
    if (const auto* r = std::get_if<rooms::RoomReset>(&event.body))
      words.push_back(fmt::format("{} reset: {}", event.room.view(), r->reason));
  }
  void post(std::shared_ptr<const engine::ControlMessage> message) override { received(*message); }
  void received(const engine::ControlMessage& message) override {
    if (const auto* m = std::get_if<engine::MemberAdded>(&message)) home->member_added(m->room, m->user);
    if (const auto* m = std::get_if<engine::Evict>(&message)) {
      words.push_back(fmt::format("evict {} from {}", m->user.view(), m->room.view()));
      home->leave(0, m->user, m->room, true);
    }
    if (const auto* m = std::get_if<engine::CloseSubscribers>(&message))
      words.push_back(fmt::format("close {}: {}", m->room.view(), m->refusal.code()));
  }

  std::vector<std::string> words;
  rooms::RoomHome* home = nullptr;
};

struct TwoNodes : testing::Test {
  struct Node {
    std::shared_ptr<Heard> heard = std::make_shared<Heard>();
    std::shared_ptr<engine::LocalFanout> between = std::make_shared<engine::LocalFanout>();
    std::shared_ptr<engine::LocalControlBus> bus;
    rooms::Homes homes;
    std::unique_ptr<rooms::RoomHome> home;
    std::unique_ptr<rooms::RoomService> service;
  };
  engine::SqliteWorld world;
  Metrics metrics;
  FixedEntropy entropy;
  MemoryNetwork network{world.clock(), 2};
  rooms::RoomPolicy policy;
  rooms::UserUses users{{.messages_per_s = 200, .messages_burst = 2'000}, metrics};
  std::array<Node, 2> nodes;
  Node& a = nodes[0];
  Node& b = nodes[1];

  void SetUp() override {
    world.open({});
    policy.messages_per_s = 200;
    policy.messages_burst = 2'000;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Node& node = nodes[i];
      node.bus = std::make_shared<engine::LocalControlBus>(engine::NodeId(fmt::format("n{}", i)));
      node.home = std::make_unique<rooms::RoomHome>(network.loop(i), &world.log(), &world.directory(),
          rooms::Outlets{.fanout = std::make_shared<engine::LocalFanout>(),
              .bus = node.bus,
              .here = node.heard,
              .between = node.between},
          node.homes, policy, entropy, metrics);
      node.heard->home = node.home.get();
      node.bus->listen(node.heard);
      node.homes.add(*node.home);
      node.service = std::make_unique<rooms::RoomService>(node.homes, std::nullopt);
    }
  }

  Actor actor(const std::string& user, Permissions permissions = {.chat_read = true, .chat_write = true}) {
    return {.user = UserId(user),
        .name = user + "'s name",
        .permissions = permissions,
        .use = users.of(UserId(user), world.clock().mono())};
  }
  void rest() {
    for (int i = 0; i < 10; ++i) {
      network.pump();
      world.run();
    }
    network.pump();
  }
  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> result) { answer = std::move(result); });
    rest();
    if (!answer) return refuse(Cause::INTERNAL_ERROR, "no answer");
    return std::move(*answer);
  }
  // "3", or a code.
  std::string say(Node& node, const std::string& user, const std::string& room, const std::string& text) {
    const auto said = ask<rooms::Published>([&](Completion<rooms::Published> done) {
      node.service->publish(actor(user), {.room = RoomName(room), .text = text}, std::move(done));
    });
    return said ? std::to_string(said->offset) : std::string(said.error().code());
  }
  Result<rooms::Joined> join(Node& node, const std::string& user, rooms::JoinRequest request) {
    return ask<rooms::Joined>(
        [&](Completion<rooms::Joined> done) { node.service->join(actor(user), std::move(request), std::move(done)); });
  }
  void erase(Node& node, const std::string& room, Offset offset) {
    const Permissions admin{.chat_read = true, .chat_write = true, .admin = true};
    EXPECT_TRUE(ask<rooms::MessageErased>([&](Completion<rooms::MessageErased> done) {
      node.service->erase(actor("eve", admin), RoomName(room), offset, std::move(done));
    }));
  }
  // What the tail of the record brings: where the room stands now.
  void moved(Node& node, const std::string& room) {
    const auto page = world.ask<rooms::HistoryPage>([&](Completion<rooms::HistoryPage> done) {
      world.log().history({.room = RoomName(room), .limit = 0, .changes_after = 0}, std::move(done));
    });
    ASSERT_TRUE(page);
    node.home->moved({.room = RoomName(room), .epoch = page->epoch, .head = page->head, .change = page->change});
    rest();
  }
  void taken(Node& node, engine::ControlRow row) {
    node.home->taken(row);
    rest();
  }
  std::vector<std::string> take(Node& node) { return std::exchange(node.heard->words, {}); }
};

TEST_F(TwoNodes, AMessageOfAnotherNodeIsDeliveredWhenItsPositionArrives) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  EXPECT_EQ(say(b, "bob", "tea", "one"), "1");
  EXPECT_THAT(take(a), IsEmpty());
  moved(a, "tea");
  moved(a, "tea");
  EXPECT_THAT(take(a), ElementsAre("tea@1 one"));
}

TEST_F(TwoNodes, AnOwnMessageComesAfterThoseOfOtherNodesThatAreBeforeIt) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  EXPECT_EQ(say(b, "bob", "tea", "one"), "1");
  EXPECT_EQ(say(a, "ann", "tea", "two"), "2");
  EXPECT_THAT(take(a), ElementsAre("tea@1 one", "tea@2 two"));
}

TEST_F(TwoNodes, AnEventThatAnotherNodePublishedNeedsNoReading) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  ASSERT_TRUE(join(b, "bob", {.room = RoomName("tea")}));
  // As a bus does: what one node publishes arrives at the other, once early and once late.
  struct Bridge final : engine::FanoutListener {
    rooms::RoomHome* to = nullptr;
    std::vector<rooms::EventPtr> passed;
    void post(rooms::PublicationPtr p) override { arrived(*p); }
    void arrived(rooms::Publication& p) override {
      passed.push_back(p.event_ptr());
      to->heard(p.event_ptr(), false);
    }
  };
  const auto bridge = std::make_shared<Bridge>();
  bridge->to = a.home.get();
  b.between->subscribe(RoomName("tea"), bridge, [](Result<bool>) {});
  EXPECT_EQ(say(b, "bob", "tea", "one"), "1");
  EXPECT_THAT(take(a), ElementsAre("tea@1 one"));
  for (const auto& event : bridge->passed) a.home->heard(event, false);
  EXPECT_THAT(take(a), IsEmpty()) << "it has that one";
  EXPECT_THAT(take(b), ElementsAre("tea@1 one")) << "and its own only once";
}

TEST_F(TwoNodes, AJoinShowsEverythingThatAnyNodeStoredBefore) {
  const auto first = join(a, "ann", {.room = RoomName("tea")});
  ASSERT_TRUE(first);
  for (const char* text : {"one", "two", "three"}) say(b, "bob", "tea", text);
  const auto back =
      join(a, "eve", {.room = RoomName("tea"), .since = rooms::SincePosition{.epoch = first->epoch, .offset = 1}});
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->recovered);
  EXPECT_EQ(back->up_to, 3U);
  ASSERT_EQ(back->messages.size(), 2U);
  EXPECT_EQ(back->messages.back().text, "three");
  EXPECT_THAT(take(a), ElementsAre("tea@1 one", "tea@2 two", "tea@3 three"));
}

TEST_F(TwoNodes, HistoryShowsEverythingThatAnyNodeStoredBefore) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  say(b, "bob", "tea", "one");
  const auto part = ask<rooms::HistoryPart>([&](Completion<rooms::HistoryPart> done) {
    a.service->history(actor("ann"), {.room = RoomName("tea")}, std::move(done));
  });
  ASSERT_TRUE(part);
  EXPECT_EQ(part->up_to, 1U);
  const auto found = ask<rooms::MessageFound>([&](Completion<rooms::MessageFound> done) {
    say(b, "bob", "tea", "two");
    a.service->message(actor("ann"), RoomName("tea"), 2, std::move(done));
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->message.text, "two");
}

TEST_F(TwoNodes, ChangesComeInTheOrderOfTheirNumbersWhicheverNodeMadeThem) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  for (const char* text : {"one", "two", "three"}) say(a, "ann", "tea", text);
  take(a);
  erase(b, "tea", 1);
  EXPECT_THAT(take(a), IsEmpty());
  erase(a, "tea", 2);
  EXPECT_THAT(take(a), ElementsAre("tea change 1 of 1", "tea change 2 of 2"));
  erase(b, "tea", 3);
  moved(a, "tea");
  moved(a, "tea");
  EXPECT_THAT(take(a), ElementsAre("tea change 3 of 3"));
}

TEST_F(TwoNodes, AMessageThatWasDeletedBeforeItArrivedIsNeverShown) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  say(b, "bob", "tea", "one");
  erase(b, "tea", 1);
  moved(a, "tea");
  EXPECT_THAT(take(a), testing::Not(testing::Contains("tea@1 one")));
}

TEST_F(TwoNodes, AnAuthorWhoIsGoneLosesItsNameOnEveryNode) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  say(b, "bob", "tea", "one");
  moved(a, "tea");
  take(a);
  EXPECT_TRUE(ask<bool>(
      [&](Completion<bool> done) { b.service->forget_author(UserId("bob"), rooms::Forget::name, std::move(done)); }));
  moved(a, "tea");
  EXPECT_THAT(take(a), ElementsAre("tea change 1 of 0"));
}

TEST_F(TwoNodes, AMemberWhomAnotherNodeAddedIsOneHere) {
  world.create("private:den", "ann");
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("private:den")}));
  EXPECT_EQ(say(a, "bob", "private:den", "let me in"), "NOT_A_MEMBER");
  world.add("private:den", "bob");
  EXPECT_EQ(say(a, "bob", "private:den", "hello"), "1");
}

TEST_F(TwoNodes, AMemberWhomAnotherNodeRemovedIsNoneHere) {
  world.create("private:den", "ann");
  world.add("private:den", "bob");
  ASSERT_TRUE(join(a, "bob", {.room = RoomName("private:den")}));
  world.remove("private:den", "bob");
  EXPECT_THAT(take(a), IsEmpty());
  taken(a, {.what = engine::TakenAway::membership, .room = RoomName("private:den"), .user = UserId("bob")});
  EXPECT_THAT(take(a), ElementsAre("evict bob from private:den"));
  EXPECT_EQ(say(a, "bob", "private:den", "still here?"), "NOT_A_MEMBER");
}

TEST_F(TwoNodes, ARowThatIsReadLateRemovesNobodyWhoCameBack) {
  world.create("private:den", "ann");
  world.add("private:den", "bob");
  ASSERT_TRUE(join(a, "bob", {.room = RoomName("private:den")}));
  world.remove("private:den", "bob");
  world.add("private:den", "bob");
  taken(a, {.what = engine::TakenAway::membership, .room = RoomName("private:den"), .user = UserId("bob")});
  EXPECT_THAT(take(a), IsEmpty());
  EXPECT_EQ(say(a, "bob", "private:den", "hello"), "1");
}

TEST_F(TwoNodes, AMembershipThatEndsWhileItIsReadCountsNoMore) {
  world.create("private:den", "ann");
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("private:den")}));
  world.add("private:den", "bob");
  std::optional<std::string> said;
  a.service->publish(actor("bob"), {.room = RoomName("private:den"), .text = "hello"},
      [&](Result<rooms::Published> p) { said = p ? "sent" : std::string(p.error().code()); });
  network.pump(); // it is being read whether bob is a member
  world.remove("private:den", "bob");
  a.home->taken({.what = engine::TakenAway::membership, .room = RoomName("private:den"), .user = UserId("bob")});
  rest();
  EXPECT_EQ(said, "NOT_A_MEMBER");
}

TEST_F(TwoNodes, TheEndOfAnAccountEndsItsMembershipsOnEveryNode) {
  world.create("private:den", "ann");
  world.add("private:den", "bob");
  ASSERT_TRUE(join(a, "bob", {.room = RoomName("private:den")}));
  EXPECT_TRUE(ask<bool>(
      [&](Completion<bool> done) { b.service->forget_author(UserId("bob"), rooms::Forget::name, std::move(done)); }));
  taken(a, {.what = engine::TakenAway::account, .user = UserId("bob")});
  EXPECT_THAT(take(a), ElementsAre("evict bob from private:den"));
}

TEST_F(TwoNodes, ARoomThatAnotherNodeDeletedStartsAnewForThoseInIt) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  say(a, "ann", "tea", "one");
  take(a);
  EXPECT_TRUE(ask<rooms::RoomDestroyed>(
      [&](Completion<rooms::RoomDestroyed> done) { b.service->destroy(RoomName("tea"), std::move(done)); }));
  taken(a, {.what = engine::TakenAway::room, .room = RoomName("tea")});
  EXPECT_THAT(take(a), ElementsAre("tea reset: the room was deleted"));
  EXPECT_EQ(say(a, "ann", "tea", "anew"), "1");
}

TEST_F(TwoNodes, AnEmptyRoomStaysSinceAnotherNodeMayUseIt) {
  ASSERT_TRUE(join(a, "ann", {.room = RoomName("tea")}));
  a.service->leave(0, UserId("ann"), RoomName("tea"), false);
  for (int i = 0; i < 10; ++i) {
    network.advance(policy.idle_unload);
    rest();
  }
  EXPECT_EQ(a.home->loaded(), 0U);
  EXPECT_EQ(world.all_rooms(), "tea@0");
}

TEST_F(TwoNodes, WhatChangesWhileARoomIsLoadedIsNotMissed) {
  say(b, "bob", "tea", "one");
  std::optional<Result<rooms::Joined>> joined;
  a.service->join(actor("ann"), {.room = RoomName("tea")}, [&](Result<rooms::Joined> j) { joined = std::move(j); });
  network.pump(); // the row is being read
  world.run();    // and was
  ASSERT_TRUE(world.ask<rooms::Appended>([&](Completion<rooms::Appended> done) {
    world.log().append(world.message("tea", "bob", "two"), std::move(done));
  }));
  moved(a, "tea"); // it arrives before the row
  ASSERT_TRUE(joined && *joined);
  EXPECT_EQ((*joined)->up_to, 2U);
}

} // namespace
} // namespace foyer::harness
