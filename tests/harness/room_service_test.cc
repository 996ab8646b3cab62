// Rooms without any connection: what a backend or the server itself does with them, and what a listener hears.
#include "rooms/room_service.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/testing/store_worlds.h"
#include "harness/memory_network.h"

namespace foyer::harness {
namespace {

using rooms::Actor;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Everything that the listener of a loop hears, as words, with the answers of requests in their order. What goes to all
// loops is said by the first.
class Heard final : public rooms::Listener {
 public:
  Heard(std::size_t loop, std::vector<std::string>& words) : loop_(loop), words_(words) {}
  rooms::PublicationPtr publication(rooms::EventPtr event) override {
    return std::make_shared<rooms::Publication>(std::move(event));
  }
  void post(rooms::PublicationPtr publication) override { arrived(*publication); } // the test is one thread
  void arrived(rooms::Publication& publication) override {
    words_.push_back(fmt::format("{} {}", loop_, say(publication.event())));
  }
  void post(std::shared_ptr<const engine::ControlMessage> message) override { received(*message); }
  void received(const engine::ControlMessage& message) override {
    if (const auto* m = std::get_if<engine::MemberAdded>(&message)) home->member_added(m->room, m->user);
    if (loop_ != 0) return;
    if (const auto* m = std::get_if<engine::Evict>(&message))
      words_.push_back(fmt::format("evict {} from {}", m->user.view(), m->room.view()));
    if (const auto* m = std::get_if<engine::ToUser>(&message))
      words_.push_back(fmt::format("to {}: {}", m->user.view(), say(m->publication->event())));
  }
  rooms::RoomHome* home = nullptr;

 private:
  static std::string say(const rooms::Event& event) {
    if (const auto* m = std::get_if<rooms::Message>(&event.body))
      return fmt::format("{}@{} {}: {}", event.room.view(), event.offset, m->from.name, m->text);
    if (const auto* c = std::get_if<rooms::Change>(&event.body))
      return fmt::format("{} change {} of {}", event.room.view(), c->number, c->offset);
    if (const auto* j = std::get_if<rooms::MemberJoined>(&event.body))
      return fmt::format("{} joined by {}", event.room.view(), j->member.name);
    if (std::holds_alternative<rooms::RoomAdded>(event.body)) return "added to " + event.room.str();
    if (std::holds_alternative<rooms::RoomRemoved>(event.body)) return "removed from " + event.room.str();
    if (const auto* i = std::get_if<rooms::InvitationReceived>(&event.body))
      return fmt::format("invited to {} by {}", event.room.view(), i->invitation.from.name);
    return "something in " + event.room.str();
  }
  std::size_t loop_;
  std::vector<std::string>& words_;
};

// An answer holds so many messages, and nothing else has a length.
class SoManyMessages final : public rooms::AnswerMeasure {
 public:
  [[nodiscard]] std::size_t messages_that_fit(const RoomName&, const Epoch&, std::span<const rooms::Message> messages,
      rooms::Keep, std::size_t bytes) const override {
    return std::min(messages.size(), bytes);
  }
  [[nodiscard]] std::size_t members_that_fit(std::span<const rooms::Member> members, std::size_t) const override {
    return members.size();
  }
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Member>) const override { return 0; }
  [[nodiscard]] std::size_t bytes_of(std::span<const rooms::Change>) const override { return 0; }
};

struct RoomServiceTest : testing::Test {
  static constexpr std::size_t kLoops = 2;

  engine::SqliteWorld world;
  Metrics metrics;
  FixedEntropy entropy;
  MemoryNetwork network{world.clock(), kLoops};
  std::vector<std::string> words;
  const std::shared_ptr<engine::LocalFanout> fanout = std::make_shared<engine::LocalFanout>();
  const std::shared_ptr<engine::ControlBus> bus = std::make_shared<engine::LocalControlBus>(engine::NodeId("n1"));
  rooms::RoomPolicy policy;
  rooms::UserUses users{{.messages_per_s = 200, .messages_burst = 2'000}, metrics};
  rooms::Homes homes;
  std::vector<std::unique_ptr<rooms::RoomHome>> all;
  std::unique_ptr<rooms::RoomService> service;

  void SetUp() override {
    world.open({});
    policy.rules = rooms::RoomRules({}, {"game.*"});
    policy.messages_per_s = 200;
    policy.messages_burst = 2'000;
    network.also_pump([this] {
      const std::size_t before = turns_;
      world.run();
      return turns_ != before;
    });
    for (std::size_t i = 0; i < kLoops; ++i) {
      const auto heard = std::make_shared<Heard>(i, words);
      all.push_back(std::make_unique<rooms::RoomHome>(network.loop(i), &world.log(), &world.directory(),
          rooms::Outlets{.fanout = fanout, .bus = bus, .here = heard}, homes, policy, entropy, metrics));
      heard->home = all.back().get();
      bus->listen(heard);
      homes.add(*all.back());
    }
    service = std::make_unique<rooms::RoomService>(homes, std::nullopt);
  }

  Actor actor(const std::string& user, Permissions permissions = {.chat_read = true, .chat_write = true}) {
    return {.user = UserId(user),
        .name = user + "'s name",
        .permissions = permissions,
        .use = users.of(UserId(user), world.clock().mono())};
  }

  // Asks, and waits for the answer, which is in `words`, too.
  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> result) {
      words.push_back(result ? "answered" : std::string(result.error().code()));
      answer = std::move(result);
      ++turns_;
    });
    for (int i = 0; i < 20 && !answer; ++i) {
      network.pump();
      world.run();
    }
    network.pump();
    if (!answer) return refuse(Cause::INTERNAL_ERROR, "no answer");
    return std::move(*answer);
  }
  Result<rooms::Published> say(const std::string& user, const std::string& room, const std::string& text) {
    return ask<rooms::Published>([&](Completion<rooms::Published> done) {
      service->publish(actor(user), {.room = RoomName(room), .text = text}, std::move(done));
    });
  }
  Result<rooms::Joined> join(const std::string& user, rooms::JoinRequest request) {
    return ask<rooms::Joined>(
        [&](Completion<rooms::Joined> done) { service->join(actor(user), std::move(request), std::move(done)); });
  }
  Result<rooms::HistoryPart> history(const std::string& user, rooms::HistoryQuery query) {
    return ask<rooms::HistoryPart>(
        [&](Completion<rooms::HistoryPart> done) { service->history(actor(user), std::move(query), std::move(done)); });
  }
  std::vector<std::string> take() { return std::exchange(words, {}); }

 private:
  std::size_t turns_ = 0;
};

TEST_F(RoomServiceTest, ABackendPublishesAndListenersHearItBeforeTheAnswer) {
  for (const std::string room : {"tea", "coffee", "game.chess"}) { // of both homes, and one in memory only
    ASSERT_TRUE(join("ann", {.room = RoomName(room), .listener = 1}));
    EXPECT_THAT(take(), ElementsAre("1 " + room + " joined by ann's name", "answered"));
    const auto published = say("backend", room, "hello");
    ASSERT_TRUE(published);
    EXPECT_EQ(published->offset, 1U);
    EXPECT_FALSE(published->duplicate);
    EXPECT_THAT(take(), ElementsAre("1 " + room + "@1 backend's name: hello", "answered"));
  }
}

TEST_F(RoomServiceTest, ALoopHearsARoomAsLongAsItHasSubscribersThere) {
  const auto leave = [&](rooms::ListenerId listener, const char* user) {
    service->leave(listener, UserId(user), RoomName("tea"), false);
    network.pump();
  };
  ASSERT_TRUE(join("ann", {.room = RoomName("tea"), .listener = 1}));
  ASSERT_TRUE(join("bob", {.room = RoomName("tea"), .listener = 1}));
  ASSERT_TRUE(join("eve", {.room = RoomName("tea"), .listener = 0}));
  EXPECT_EQ(fanout->rooms(), 1U);
  take();
  ASSERT_TRUE(say("ann", "tea", "one"));
  EXPECT_THAT(take(), UnorderedElementsAre("0 tea@1 ann's name: one", "1 tea@1 ann's name: one", "answered"));
  leave(1, "ann");
  leave(0, "eve");
  ASSERT_TRUE(say("ann", "tea", "two"));
  EXPECT_THAT(take(), ElementsAre("1 tea@2 ann's name: two", "answered"));
  leave(1, "bob");
  EXPECT_EQ(fanout->rooms(), 0U);
  ASSERT_TRUE(say("ann", "tea", "three"));
  EXPECT_THAT(take(), ElementsAre("answered"));
  EXPECT_FALSE(join("fay", {.room = RoomName("private:nowhere"), .listener = 1}));
  EXPECT_EQ(fanout->rooms(), 0U);
}

TEST_F(RoomServiceTest, WhatWasSaidIsReadAgainWithoutAConnection) {
  EXPECT_EQ(history("ann", {.room = RoomName("tea")})->epoch, Epoch{}) << "there is no such room yet";
  for (const auto* text : {"one", "two", "three"}) ASSERT_TRUE(say("ann", "tea", text));
  const auto part = history("bob", {.room = RoomName("tea"), .limit = 2});
  ASSERT_TRUE(part);
  ASSERT_EQ(part->messages.size(), 2U);
  EXPECT_EQ(part->messages[0].text, "two");
  EXPECT_TRUE(part->more);
  EXPECT_EQ(part->up_to, 3U);
  const auto found = ask<rooms::MessageFound>([&](Completion<rooms::MessageFound> done) {
    service->message(actor("bob"), RoomName("tea"), 3, std::move(done));
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->message.text, "three");
  EXPECT_EQ(found->epoch, part->epoch);
  take();
  EXPECT_FALSE(ask<rooms::MessageFound>([&](Completion<rooms::MessageFound> done) {
    service->message(actor("bob"), RoomName("tea"), 4, std::move(done));
  }));
  EXPECT_THAT(take(), ElementsAre("NOT_FOUND"));
}

TEST_F(RoomServiceTest, AnAnswerIsAsLongAsItsMeasureAllowsAndSaysThatThereIsMore) {
  const SoManyMessages measure;
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(say("ann", "tea", fmt::format("{}", i)));
  const auto newest = history("ann", {.room = RoomName("tea"), .answer = {.measure = &measure, .bytes = 2}});
  ASSERT_TRUE(newest);
  EXPECT_TRUE(newest->more);
  ASSERT_EQ(newest->messages.size(), 2U);
  EXPECT_EQ(newest->messages.front().text, "4") << "without `after` the newest are kept";
  const Epoch epoch = newest->epoch;
  const auto pages = join("bob",
      {.room = RoomName("tea"),
          .since = rooms::SincePosition{.epoch = epoch, .offset = 1},
          .pages = true,
          .answer = {.measure = &measure, .bytes = 3}});
  ASSERT_TRUE(pages);
  EXPECT_TRUE(pages->recovered);
  EXPECT_TRUE(pages->more);
  ASSERT_EQ(pages->messages.size(), 3U);
  EXPECT_EQ(pages->messages.front().text, "2") << "a recovery begins where the client is";
  const auto whole = join("eve",
      {.room = RoomName("tea"),
          .since = rooms::SincePosition{.epoch = epoch, .offset = 1},
          .answer = {.measure = &measure, .bytes = 3}});
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->recovered) << "one answer cannot hold it, and the client takes no pages";
}

TEST_F(RoomServiceTest, MembersComeAndGoAndTheirOtherDevicesHearOfIt) {
  const RoomName den("private:den");
  ASSERT_TRUE(ask<rooms::RoomCreated>(
      [&](Completion<rooms::RoomCreated> done) { service->create(actor("ann"), den, std::move(done)); }));
  EXPECT_FALSE(say("bob", "private:den", "let me in"));
  EXPECT_THAT(take(), ElementsAre("answered", "NOT_A_MEMBER"));

  ASSERT_TRUE(ask<rooms::UserInvited>([&](Completion<rooms::UserInvited> done) {
    service->invite(actor("ann"), den, UserId("bob"), std::move(done));
  }));
  EXPECT_THAT(take(), ElementsAre("answered", "to bob: invited to private:den by ann's name"));
  ASSERT_TRUE(ask<rooms::InvitationAccepted>(
      [&](Completion<rooms::InvitationAccepted> done) { service->accept(actor("bob"), den, std::move(done)); }));
  EXPECT_THAT(take(), ElementsAre("answered", "to bob: added to private:den"));
  ASSERT_TRUE(say("bob", "private:den", "thank you"));

  ASSERT_TRUE(ask<rooms::UserRemoved>([&](Completion<rooms::UserRemoved> done) {
    service->remove(actor("ann"), den, UserId("bob"), std::move(done));
  }));
  EXPECT_THAT(
      take(), ElementsAre("answered", "answered", "evict bob from private:den", "to bob: removed from private:den"));
  EXPECT_FALSE(history("bob", {.room = den}));
  EXPECT_THAT(take(), ElementsAre("NOT_A_MEMBER"));
}

TEST_F(RoomServiceTest, AnApplicationReachesEveryRoomAndIsNoMemberOfAny) {
  const auto orders = [] {
    return Actor{.user = UserId("app:orders"),
        .name = "Orders",
        .permissions = {.chat_read = true, .chat_write = true, .admin = true},
        .from = ApiKeyId("k1"),
        .use = {}};
  };
  const auto publish = [&](const std::string& room) {
    const auto published = ask<rooms::Published>([&](Completion<rooms::Published> done) {
      service->publish(orders(), {.room = RoomName(room), .text = "x"}, std::move(done));
    });
    return published ? std::to_string(published->offset) : std::string(published.error().code());
  };
  ASSERT_TRUE(ask<rooms::RoomCreated>([&](Completion<rooms::RoomCreated> done) {
    service->create(actor("ann"), RoomName("private:den"), std::move(done));
  }));
  EXPECT_EQ(publish("private:den"), "1");
  EXPECT_EQ(publish("user:ann"), "1");
  EXPECT_EQ(publish("news:42"), "1");
  EXPECT_EQ(publish("private:nowhere"), "NOT_A_MEMBER");
  EXPECT_EQ(say("bob", "private:den", "let me in").error().cause, Cause::NOT_A_MEMBER);
  // Far beyond what one user may say in a room, or use of rooms.
  for (int i = 0; i < 2'100; ++i) ASSERT_EQ(publish("news:42"), std::to_string(i + 2));
  for (int i = 0; i < 310; ++i) ASSERT_EQ(publish("news:x" + std::to_string(i)), "1");

  ASSERT_TRUE(join("ann", {.room = RoomName("news:42"), .listener = 0}));
  ASSERT_TRUE(join("bob", {.room = RoomName("news:42"), .listener = 1}));
  ASSERT_TRUE(join("bob", {.room = RoomName("news:1"), .listener = 1}));
  const auto active = ask<std::vector<rooms::ActiveRoom>>(
      [&](Completion<std::vector<rooms::ActiveRoom>> done) { service->active("news:*", std::move(done)); });
  ASSERT_TRUE(active);
  std::vector<std::string> said;
  for (const auto& room : *active)
    said.push_back(fmt::format("{} {} {}", room.room.view(), room.present, room.subscribers));
  EXPECT_THAT(said, ElementsAre("news:1 1 1", "news:42 2 2"));
}

TEST_F(RoomServiceTest, ADeletedRoomIsMadeAnewOnlyForThoseWhoAreInIt) {
  const auto rooms_after_deleting = [&](const std::string& room) {
    EXPECT_TRUE(ask<rooms::RoomDestroyed>(
        [&](Completion<rooms::RoomDestroyed> done) { service->destroy(RoomName(room), std::move(done)); }));
    for (int i = 0; i < 3; ++i) {
      world.run();
      network.pump();
    }
    return world.all_rooms();
  };
  ASSERT_TRUE(say("ann", "empty", "hello"));
  EXPECT_EQ(rooms_after_deleting("empty"), "");
  ASSERT_TRUE(join("ann", {.room = RoomName("used"), .listener = 0}));
  ASSERT_TRUE(say("ann", "used", "hello"));
  EXPECT_EQ(rooms_after_deleting("used"), "used@0");
  EXPECT_EQ(say("ann", "used", "again")->offset, 1U);
}

TEST_F(RoomServiceTest, AMessageIsErasedByItsAuthorOrAnAdministratorAndKeepsItsOffset) {
  ASSERT_TRUE(join("ann", {.room = RoomName("tea")}));
  ASSERT_TRUE(say("ann", "tea", "oh"));
  take();
  const auto erase = [&](const std::string& user, Permissions permissions) {
    return ask<rooms::MessageErased>([&](Completion<rooms::MessageErased> done) {
      service->erase(actor(user, permissions), RoomName("tea"), 1, std::move(done));
    });
  };
  EXPECT_FALSE(erase("bob", {.chat_read = true, .chat_write = true}));
  EXPECT_THAT(take(), ElementsAre("PERMISSION_DENIED"));
  ASSERT_TRUE(erase("bob", {.chat_read = true, .chat_write = true, .admin = true}));
  EXPECT_THAT(take(), ElementsAre("0 tea change 1 of 1", "answered"));
  const auto part = history("ann", {.room = RoomName("tea")});
  ASSERT_EQ(part->messages.size(), 1U);
  EXPECT_TRUE(part->messages[0].deleted);
}

TEST_F(RoomServiceTest, TheMessagesOfAnAccountThatIsGoneLoseItsNameInEveryHome) {
  for (const std::string room : {"tea", "coffee", "game.chess"}) {
    ASSERT_TRUE(join("bob", {.room = RoomName(room)}));
    ASSERT_TRUE(say("ann", room, "hello"));
  }
  take();
  const auto forgotten = ask<bool>(
      [&](Completion<bool> done) { service->forget_author(UserId("ann"), rooms::Forget::name, std::move(done)); });
  ASSERT_TRUE(forgotten);
  EXPECT_TRUE(*forgotten);
  for (const std::string room : {"tea", "coffee", "game.chess"})
    EXPECT_EQ(history("bob", {.room = RoomName(room)})->messages.at(0).from.name, rooms::kDetachedName) << room;
}

TEST_F(RoomServiceTest, AForgottenAuthorIsToldOfAndLeavesNoTextInAnyRoom) {
  for (const std::string room : {"tea", "coffee", "game.chess"}) {
    ASSERT_TRUE(join("bob", {.room = RoomName(room)}));
    ASSERT_TRUE(say("ann", room, "hello"));
  }
  take();
  const auto forgotten = ask<bool>([&](Completion<bool> done) {
    service->forget_author(UserId("ann"), rooms::Forget::name_and_texts, std::move(done));
  });
  ASSERT_TRUE(forgotten);
  EXPECT_TRUE(*forgotten);
  for (const std::string room : {"tea", "coffee", "game.chess"}) {
    const auto part = history("bob", {.room = RoomName(room)});
    EXPECT_TRUE(part->messages.at(0).deleted) << room;
    EXPECT_EQ(part->messages.at(0).text, "") << room;
    EXPECT_EQ(part->messages.at(0).from.name, rooms::kDetachedName) << room;
  }
}

TEST_F(RoomServiceTest, ChangesAreHeardInTheOrderOfTheirNumbersWhoeverMakesThem) {
  const Permissions admin{.chat_read = true, .chat_write = true, .admin = true};
  for (const std::string room : {"tea", "coffee", "milk", "water"}) { // of both homes
    ASSERT_TRUE(join("bob", {.room = RoomName(room)}));
    ASSERT_TRUE(say("ann-" + room, room, "hello"));
    ASSERT_TRUE(say("bob", room, "good bye"));
    take();
    // Both are asked of the log before either is answered.
    service->forget_author(UserId("ann-" + room), rooms::Forget::name, [](Result<bool>) {});
    EXPECT_TRUE(ask<rooms::MessageErased>([&](Completion<rooms::MessageErased> done) {
      service->erase(actor("eve", admin), RoomName(room), 2, std::move(done));
    }));
    EXPECT_THAT(take(), ElementsAre("0 " + room + " change 1 of 0", "0 " + room + " change 2 of 2", "answered"));
  }
}

} // namespace
} // namespace foyer::harness
