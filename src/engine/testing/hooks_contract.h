// The contract of engine/hooks.h: which events a change leaves in the outbox, and what happens to them there.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class HooksContract : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  Hooks& hooks() { return w->store().hooks(); }
  HookOutbox& outbox() { return w->store().outbox(); }

  HookRow hook(const std::string& id, std::vector<std::string> types, std::vector<std::string> rooms = {}) {
    return {.id = id,
        .url = "https://app.example.com/" + id,
        .types = std::move(types),
        .rooms = std::move(rooms),
        .secret = "sealed-" + id,
        .created = w->clock().wall()};
  }
  // Added, and followed from now on.
  void add(HookRow row) {
    ASSERT_EQ(code_of(w->ask<bool>([&](Completion<bool> d) { hooks().add_hook(row, std::move(d)); })), "ok");
    refresh();
  }
  void add_for_all(const std::string& id) { add(hook(id, {kHookTypes.begin(), kHookTypes.end()})); }
  Result<bool> refresh() {
    return w->ask<bool>([&](Completion<bool> d) { outbox().refresh_hooks(std::move(d)); });
  }
  Result<bool> disable(const std::string& id, bool yes) {
    const auto since = yes ? std::optional(w->clock().wall()) : std::nullopt;
    return w->ask<bool>([&](Completion<bool> d) { hooks().disable_hook(id, since, yes ? "why" : "", std::move(d)); });
  }
  std::vector<HookEvent> events(const std::string& hook, std::uint64_t after = 0, std::size_t limit = 10'000,
      std::optional<std::string> room = {}) {
    auto found = w->ask<std::vector<HookEvent>>(
        [&](Completion<std::vector<HookEvent>> d) { outbox().waiting(hook, room, after, limit, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::vector<HookEvent>{});
  }
  // "message.published tea".
  std::vector<std::string> waiting(const std::string& hook) {
    std::vector<std::string> out;
    for (const HookEvent& event : events(hook))
      out.push_back(event.type + (event.room.empty() ? "" : " ") + event.room);
    return out;
  }
  void sent(const std::string& hook, std::vector<std::uint64_t> numbers) {
    EXPECT_TRUE(w->ask<bool>([&](Completion<bool> d) { outbox().sent(hook, numbers, std::move(d)); }));
  }
  void all_sent(const std::string& hook) {
    std::vector<std::uint64_t> numbers;
    for (const HookEvent& event : events(hook)) numbers.push_back(event.number);
    sent(hook, numbers);
  }
  std::vector<DeadLetter> dead(const std::string& hook = {}) {
    auto found = w->ask<std::vector<DeadLetter>>(
        [&](Completion<std::vector<DeadLetter>> d) { hooks().dead_letters(hook, 0, 10'000, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::vector<DeadLetter>{});
  }
  Result<bool> bury(const std::string& hook, std::uint64_t number) {
    return w->ask<bool>(
        [&](Completion<bool> d) { outbox().bury(hook, number, 3, "WEBHOOK_REFUSED: 400", std::move(d)); });
  }
  Result<std::uint64_t> trim(const std::string& hook, HookLimits limits) {
    return w->ask<std::uint64_t>([&](Completion<std::uint64_t> d) { outbox().trim(hook, limits, std::move(d)); });
  }
  Result<std::uint64_t> replay(const std::string& hook, std::vector<std::string> ids = {}) {
    return w->ask<std::uint64_t>([&](Completion<std::uint64_t> d) { hooks().replay(hook, ids, std::move(d)); });
  }
  std::optional<HookList> since(const std::string& version) {
    auto found = w->ask<std::optional<HookList>>(
        [&](Completion<std::optional<HookList>> d) { hooks().hooks_since(version, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::nullopt);
  }

  std::unique_ptr<StoreWorld> w;
};

TEST_P(HooksContract, WithoutHooksNothingIsWritten) {
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  add_for_all("late");
  EXPECT_THAT(waiting("late"), testing::IsEmpty());
}

TEST_P(HooksContract, EveryChangeIsReportedInItsOrder) {
  add_for_all("h");
  ASSERT_TRUE(w->say("tea", "ann", "hello", "k1"));
  ASSERT_TRUE(w->say("tea", "ann", "hello", "k1")) << "a repetition";
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->add("private:den", "bob"));
  ASSERT_TRUE(w->add("private:den", "bob"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  ASSERT_TRUE(w->remove("private:den", "ann"));
  ASSERT_TRUE(w->remove("private:den", "bob"));
  EXPECT_THAT(waiting("h"),
      testing::ElementsAre("room.created tea", "message.published tea", "room.created private:den",
          "member.added private:den", "member.added private:den", "message.deleted tea", "member.removed private:den",
          "member.removed private:den", "room.deleted private:den"));
}

TEST_P(HooksContract, InvitationsAndDirectRoomsAddMembersWhenTheyAreAccepted) {
  add(hook("h", {"member.added", "room.created"}));
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->invite("private:den", "ann", "bob"));
  EXPECT_THAT(waiting("h"), testing::ElementsAre("room.created private:den", "member.added private:den"));
  ASSERT_TRUE(w->accept("private:den", "bob"));
  const auto direct = w->ask_for_direct("ann", "bob");
  ASSERT_TRUE(direct);
  const std::string name = direct->room.room.str();
  ASSERT_TRUE(w->ask_for_direct("bob", "ann"));
  EXPECT_THAT(waiting("h"),
      testing::ElementsAre("room.created private:den", "member.added private:den", "member.added private:den",
          "room.created " + name, "member.added " + name, "member.added " + name));
}

TEST_P(HooksContract, WhatAnApplicationDoesToARoomIsReportedToo) {
  add(hook("h", {"room.created", "room.deleted", "member.added"}));
  ASSERT_TRUE(w->ask<RoomRow>([&](Completion<RoomRow> d) {
    w->directory().create_for(RoomName("private:den"), {UserId("ann"), UserId("bob"), UserId("ann")}, std::move(d));
  }));
  ASSERT_TRUE(w->remove_room("private:den"));
  ASSERT_TRUE(w->remove_room("private:den")) << "it was gone";
  EXPECT_THAT(waiting("h"),
      testing::ElementsAre("room.created private:den", "member.added private:den", "member.added private:den",
          "room.deleted private:den"));
}

TEST_P(HooksContract, ThePayloadSaysWhoWroteWhatWhere) {
  add(hook("h", {"message.published", "message.deleted", "member.added", "room.created"}));
  const auto said = w->say("tea", "ann", "a \"quoted\" line\n", "k1");
  ASSERT_TRUE(said);
  const auto all = events("h");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].data, R"({"room":"tea","kind":"public","user":"ann"})");
  EXPECT_EQ(all[1].data,
      R"({"room":"tea","epoch":")" + said->epoch.str() +
          R"(","offset":1,"user":{"id":"ann","name":"ann's name"},"message":"a \"quoted\" line\n","key":"k1"})");
  EXPECT_EQ(all[1].at, said->time);
  EXPECT_TRUE(all[1].id.starts_with("evt_"));
  EXPECT_NE(all[0].id, all[1].id);
  EXPECT_LT(all[0].number, all[1].number);
}

TEST_P(HooksContract, AMessageThatCarriesJsonIsReportedAsData) {
  add(hook("h", {"message.published"}));
  AppendRequest data = w->message("orders-1", "app:orders", R"({"total":[1,"2"]})");
  data.type = BodyType::data;
  ASSERT_TRUE(w->append(data));
  const auto all = events("h");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0].data, testing::HasSubstr(R"(,"data":{"total":[1,"2"]}})"));
  EXPECT_THAT(all[0].data, testing::Not(testing::HasSubstr("\"message\"")));
}

TEST_P(HooksContract, AHookGetsItsTypesAndRoomsOnly) {
  add(hook("orders", {"message.published"}, {"orders-*", "news"}));
  add(hook("everything", {"message.published"}));
  add(hook("public", {"message.published"}, {"*"}));
  add(hook("private", {"message.published", "member.added"}, {"private:*"}));
  ASSERT_TRUE(w->create("private:den", "ann"));
  for (const char* room : {"orders-1", "news", "news2", "private:den"}) ASSERT_TRUE(w->say(room, "ann", "x"));
  EXPECT_THAT(waiting("orders"), testing::ElementsAre("message.published orders-1", "message.published news"));
  EXPECT_EQ(waiting("everything").size(), 4U);
  EXPECT_EQ(waiting("public").size(), 3U) << "a pattern reaches private rooms only by their prefix";
  EXPECT_THAT(waiting("private"), testing::ElementsAre("member.added private:den", "message.published private:den"));
  EXPECT_EQ(events("orders")[0].id, events("everything")[0].id) << "one event has one id";
}

TEST_P(HooksContract, ARefusedChangeReportsNothing) {
  add_for_all("h");
  EXPECT_FALSE(w->say("private:none", "ann", "x"));
  EXPECT_FALSE(w->add("private:none", "bob"));
  EXPECT_FALSE(w->erase("tea", 9, "ann"));
  EXPECT_THAT(waiting("h"), testing::IsEmpty());
}

// Many in one transaction, with a refused change and a repeated key between them.
TEST_P(HooksContract, AGroupCommitReportsEachMessageOnce) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "first", "k"));
  all_sent("h");
  for (int i = 0; i < 250; ++i) {
    w->log().append(w->message("tea", "ann", "m" + std::to_string(i)), [](const Result<Appended>&) {});
    if (i == 100) w->directory().add_member(RoomName("private:none"), UserId("bob"), [](const Result<bool>&) {});
    if (i == 200) w->log().append(w->message("tea", "ann", "first", "k"), [](const Result<Appended>&) {});
  }
  w->run();
  const auto all = events("h");
  ASSERT_EQ(all.size(), 250U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_THAT(all[i].data, testing::HasSubstr("\"offset\":" + std::to_string(i + 2) + ","));
    EXPECT_THAT(all[i].data, testing::HasSubstr("\"message\":\"m" + std::to_string(i) + "\""));
  }
}

TEST_P(HooksContract, WhatWaitsOutlivesARestartWithItsIds) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  const auto before = events("h");
  w->open({});
  const auto after = events("h");
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].id, before[0].id);
  ASSERT_TRUE(w->say("tea", "ann", "two")) << "without a refresh: the hooks are read at the opening";
  EXPECT_EQ(waiting("h").size(), 2U);
}

TEST_P(HooksContract, PagesAreInOrderAndCanBeAboutOneRoom) {
  add(hook("h", {"message.published"}));
  for (const char* room : {"tea", "chess", "tea", "chess", "tea"}) ASSERT_TRUE(w->say(room, "ann", "x"));
  const auto first = events("h", 0, 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(events("h", first[1].number).size(), 3U);
  const auto tea = events("h", 0, 10, "tea");
  ASSERT_EQ(tea.size(), 3U);
  EXPECT_EQ(events("h", tea[0].number, 1, "tea")[0].number, tea[1].number);
}

TEST_P(HooksContract, SentEventsAreGoneForThatHookOnly) {
  add(hook("a", {"message.published"}));
  add(hook("b", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  const auto number = events("a")[0].number;
  sent("b", {number});
  EXPECT_EQ(waiting("a").size(), 1U);
  sent("a", {number, number + 1'000});
  EXPECT_EQ(waiting("a").size(), 0U);
  EXPECT_EQ(waiting("b").size(), 1U);
}

TEST_P(HooksContract, ADeadLetterIsSentAgainUnderItsId) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  ASSERT_TRUE(w->say("tea", "ann", "two"));
  const auto all = events("h");
  EXPECT_EQ(bury("h", all[0].number), true);
  EXPECT_EQ(bury("h", all[0].number), false);
  EXPECT_EQ(waiting("h").size(), 1U);
  const auto letters = dead("h");
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].event.id, all[0].id);
  EXPECT_EQ(letters[0].event.data, all[0].data);
  EXPECT_EQ(letters[0].tries, 3U);
  EXPECT_EQ(letters[0].why, "WEBHOOK_REFUSED: 400");
  EXPECT_EQ(code_of(replay("h", {"evt_none"})), "NOT_FOUND");
  EXPECT_EQ(code_of(replay("none")), "NOT_FOUND");
  const auto version = since("")->version;
  EXPECT_EQ(replay("h", {all[0].id}), 1U);
  EXPECT_TRUE(since(version)) << "a running server notices";
  EXPECT_TRUE(dead().empty());
  EXPECT_EQ(refresh(), true);
  const auto again = events("h");
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[1].id, all[0].id);
  EXPECT_EQ(again[1].at, all[0].at);
  EXPECT_EQ(refresh(), false);
}

TEST_P(HooksContract, ATestGoesToThatHookWhateverItChose) {
  add(hook("a", {"member.added"}, {"x"}));
  add(hook("b", {"member.added"}));
  const auto id = w->ask<std::string>([&](Completion<std::string> d) { hooks().test_hook("a", std::move(d)); });
  ASSERT_TRUE(id);
  EXPECT_TRUE(dead().empty()) << "it is none";
  EXPECT_EQ(refresh(), true);
  ASSERT_THAT(waiting("a"), testing::ElementsAre("hook.test"));
  EXPECT_EQ(events("a")[0].id, *id);
  EXPECT_TRUE(waiting("b").empty());
}

TEST_P(HooksContract, TheTextOfADeletedMessageIsNotSentLater) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "secret one"));
  ASSERT_TRUE(w->say("tea", "ann", "secret two"));
  ASSERT_TRUE(bury("h", events("h")[0].number));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  ASSERT_TRUE(w->erase("tea", 2, "ann"));
  // In one transaction.
  w->log().append(w->message("tea", "ann", "secret three"), [](const Result<Appended>&) {});
  w->log().erase(RoomName("tea"), 3, UserId("ann"), false, [](const Result<Erased>&) {});
  w->run();
  const auto left = events("h");
  ASSERT_EQ(left.size(), 2U);
  for (const auto& data : {left[0].data, left[1].data, dead()[0].event.data}) {
    EXPECT_THAT(data, testing::Not(testing::HasSubstr("secret")));
    EXPECT_THAT(data, testing::HasSubstr("\"deleted\":true"));
  }
}

TEST_P(HooksContract, TheTextsOfAForgottenAuthorAreNotSent) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "secret one"));
  ASSERT_TRUE(w->say("tea", "ann", "secret two"));
  ASSERT_TRUE(w->say("tea", "bob", "hello"));
  ASSERT_TRUE(bury("h", events("h")[0].number));
  ASSERT_TRUE(w->detached("ann", Forget::name_and_texts));
  const auto left = events("h");
  ASSERT_EQ(left.size(), 2U);
  for (const auto& data : {left[0].data, dead()[0].event.data})
    EXPECT_THAT(data, testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(left[1].data, testing::HasSubstr("hello"));
}

TEST_P(HooksContract, ADisabledHookGetsNothingNewAndKeepsWhatWaits) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  EXPECT_EQ(disable("h", true), true);
  EXPECT_EQ(disable("h", true), false);
  ASSERT_TRUE(refresh());
  ASSERT_TRUE(w->say("tea", "ann", "two"));
  EXPECT_EQ(waiting("h").size(), 1U);
  EXPECT_EQ(since("")->hooks[0].why, "why");
  EXPECT_EQ(disable("h", false), true);
  EXPECT_EQ(since("")->hooks[0].why, "");
  EXPECT_FALSE(since("")->hooks[0].disabled);
  EXPECT_EQ(code_of(disable("none", true)), "NOT_FOUND");
}

TEST_P(HooksContract, ARemovedHookLeavesNothing) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  ASSERT_TRUE(w->say("tea", "ann", "two"));
  ASSERT_TRUE(bury("h", events("h")[0].number));
  const auto remove = [this](const std::string& id) {
    return w->ask<bool>([&](Completion<bool> d) { hooks().remove_hook(id, std::move(d)); });
  };
  EXPECT_EQ(remove("h"), true);
  EXPECT_EQ(code_of(remove("h")), "NOT_FOUND");
  ASSERT_TRUE(refresh());
  EXPECT_TRUE(events("h").empty());
  EXPECT_TRUE(dead().empty());
}

TEST_P(HooksContract, ARotatedHookHasTwoSecretsUntilTheOldOneEnds) {
  add(hook("h", {"message.published"}));
  const auto rotate = [this](const std::string& sealed) {
    return w->ask<bool>([&](Completion<bool> d) { hooks().rotate_hook("h", sealed, std::move(d)); });
  };
  const auto version = since("")->version;
  EXPECT_FALSE(since(version));
  EXPECT_EQ(rotate("second"), true);
  const auto changed = since(version);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->hooks[0].secret, "second");
  EXPECT_EQ(changed->hooks[0].old_secret, "sealed-h");
  EXPECT_EQ(rotate("third"), true);
  EXPECT_EQ(since("")->hooks[0].old_secret, "second");
  EXPECT_EQ(rotate(""), true);
  EXPECT_EQ(since("")->hooks[0].secret, "third");
  EXPECT_EQ(since("")->hooks[0].old_secret, "");
}

TEST_P(HooksContract, TheNumberOfHooksIsLimited) {
  for (std::size_t i = 0; i < kMostHooks; ++i) add(hook("h" + std::to_string(i), {"message.published"}));
  const HookRow more = hook("more", {"message.published"});
  EXPECT_EQ(code_of(w->ask<bool>([&](Completion<bool> d) { hooks().add_hook(more, std::move(d)); })), "INVALID_VALUE");
}

TEST_P(HooksContract, AUserWhoIsBlockedIsReportedWithTheBlock) {
  add_for_all("h");
  const auto put = [&](Ending ending) {
    return w->ask<bool>([&](Completion<bool> d) { w->store().endings().put_ending(ending, std::move(d)); });
  };
  EXPECT_TRUE(put({.kind = EndingKind::before, .id = "ann", .at = w->clock().wall()}));
  EXPECT_TRUE(put({.kind = EndingKind::block, .id = "ann", .at = w->clock().wall()}));
  const WallTime until{std::chrono::hours{24 * 365 * 40}};
  EXPECT_TRUE(put({.kind = EndingKind::block, .id = "shop|7", .at = w->clock().wall(), .until = until}));
  EXPECT_THAT(waiting("h"), testing::ElementsAre("user.blocked", "user.blocked"));
  EXPECT_EQ(events("h").front().data, R"({"user":"ann"})");
  EXPECT_EQ(events("h").back().data, R"({"user":"shop|7","until":")" + rfc3339(until) + R"("})");
}

TEST_P(HooksContract, EventsThatArePutReachTheHooksThatWantThem) {
  add(hook("h", {"user.online"}));
  std::vector<NewHookEvent> events{{.type = "user.online", .data = R"({"user":"ann"})", .at = w->clock().wall()},
      {.type = "user.offline", .data = R"({"user":"bob"})", .at = w->clock().wall()},
      {.type = "unknown", .data = "{}"}};
  const auto put = [&] { return w->ask<bool>([&](Completion<bool> d) { outbox().put_events(events, std::move(d)); }); };
  EXPECT_TRUE(outbox().wants_events("user.online"));
  EXPECT_FALSE(outbox().wants_events("user.offline"));
  EXPECT_FALSE(outbox().wants_events("unknown"));
  EXPECT_EQ(put(), true);
  EXPECT_THAT(waiting("h"), testing::ElementsAre("user.online"));
  events.erase(events.begin());
  EXPECT_EQ(put(), false);
}

TEST_P(HooksContract, TheWatcherIsToldOfCommitsWithEventsOnly) {
  int told = 0;
  outbox().watch_outbox([&told] { ++told; });
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  EXPECT_EQ(told, 0);
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(w->create("private:den", "ann"));
  EXPECT_EQ(told, 1);
}

TEST_P(HooksContract, TooManyEventsBecomeDeadLettersOldestFirstAndOneGapTellsOfThem) {
  add(hook("h", {"message.published"}));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(w->say("tea", "ann", "m" + std::to_string(i)));
    w->clock().advance(Millis{1'000});
  }
  const auto all = events("h");
  EXPECT_EQ(trim("h", {.rows = 15}), 5U);
  EXPECT_EQ(dead("h").size(), 5U);
  EXPECT_EQ(dead("h")[0].event.id, all[0].id);
  EXPECT_EQ(dead("h")[0].why, "WEBHOOK_BACKLOG");
  auto left = events("h");
  ASSERT_EQ(left.size(), 16U);
  EXPECT_EQ(left.front().id, all[5].id);
  EXPECT_EQ(left.back().type, "hook.gap");
  EXPECT_EQ(
      left.back().data, R"({"from":")" + rfc3339(all[0].at) + R"(","to":")" + rfc3339(all[4].at) + R"(","events":5})");
  const auto gap = left.back().id;
  EXPECT_EQ(trim("h", {.rows = 12}), 4U);
  left = events("h");
  EXPECT_EQ(left.back().id, gap) << "the same one, which has grown";
  EXPECT_EQ(
      left.back().data, R"({"from":")" + rfc3339(all[0].at) + R"(","to":")" + rfc3339(all[8].at) + R"(","events":9})");
  EXPECT_EQ(trim("h", {.rows = 12}), 0U);
}

TEST_P(HooksContract, OldEventsBecomeDeadLettersAndOldDeadLettersEnd) {
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "old"));
  w->clock().advance(std::chrono::days{8});
  ASSERT_TRUE(w->say("tea", "ann", "new"));
  EXPECT_EQ(trim("h", {}), 1U);
  EXPECT_EQ(dead().size(), 1U);
  EXPECT_THAT(waiting("h"), testing::ElementsAre("message.published tea", "hook.gap"));
  w->clock().advance(std::chrono::days{31});
  EXPECT_EQ(trim("h", {.age = std::chrono::days{365}}), 0U);
  EXPECT_TRUE(dead().empty());
}

TEST_P(HooksContract, TheEndOfAnAccountReportsTheRoomsItLeaves) {
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->add("private:den", "bob"));
  ASSERT_TRUE(w->create("private:own", "ann"));
  add(hook("h", {"member.removed", "room.deleted"}));
  ASSERT_TRUE(w->detach("ann"));
  EXPECT_THAT(waiting("h"),
      testing::UnorderedElementsAre(
          "member.removed private:den", "member.removed private:own", "room.deleted private:own"));
}

TEST_P(HooksContract, EmptyPublicRoomsAreDeletedOnceTheyAreLeft) {
  add(hook("h", {"room.created", "room.deleted"}));
  ASSERT_TRUE(w->room("tea"));
  ASSERT_TRUE(w->room("chess"));
  EXPECT_EQ(w->forget_empty("tea"), true);
  EXPECT_THAT(waiting("h"), testing::ElementsAre("room.created tea", "room.created chess", "room.deleted tea"));
  w->open({});
  EXPECT_THAT(waiting("h"),
      testing::ElementsAre("room.created tea", "room.created chess", "room.deleted tea", "room.deleted chess"));
}

} // namespace foyer::engine
