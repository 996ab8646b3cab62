// The contract of engine/hooks.h, second part: what happens to events in the outbox, until they are sent or given up.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "engine/testing/hooks_fixture.h"

namespace foyer::engine {

class HookOutboxContract : public HooksFixture {};

TEST_P(HookOutboxContract, WhatWaitsOutlivesARestartWithItsIds) {
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

TEST_P(HookOutboxContract, PagesAreInOrderAndCanBeAboutOneRoom) {
  add(hook("h", {"message.published"}));
  for (const char* room : {"tea", "chess", "tea", "chess", "tea"}) ASSERT_TRUE(w->say(room, "ann", "x"));
  const auto first = events("h", 0, 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(events("h", first[1].number).size(), 3U);
  const auto tea = events("h", 0, 10, "tea");
  ASSERT_EQ(tea.size(), 3U);
  EXPECT_EQ(events("h", tea[0].number, 1, "tea")[0].number, tea[1].number);
}

TEST_P(HookOutboxContract, SentEventsAreGoneForThatHookOnly) {
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

TEST_P(HookOutboxContract, ADeadLetterIsSentAgainUnderItsId) {
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

TEST_P(HookOutboxContract, ATestGoesToThatHookWhateverItChose) {
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

TEST_P(HookOutboxContract, TheTextOfADeletedMessageIsNotSentLater) {
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

TEST_P(HookOutboxContract, TheTextsOfAForgottenAuthorAreNotSent) {
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

TEST_P(HookOutboxContract, ADisabledHookGetsNothingNewAndKeepsWhatWaits) {
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

TEST_P(HookOutboxContract, ARemovedHookLeavesNothing) {
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

TEST_P(HookOutboxContract, EventsThatArePutReachTheHooksThatWantThem) {
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

TEST_P(HookOutboxContract, TheWatcherIsToldOfCommitsWithEventsOnly) {
  int told = 0;
  w->watch_outbox([&told] { ++told; });
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  EXPECT_EQ(told, 0);
  add(hook("h", {"message.published"}));
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(w->create("private:den", "ann"));
  EXPECT_EQ(told, 1);
}

TEST_P(HookOutboxContract, TooManyEventsBecomeDeadLettersOldestFirstAndOneGapTellsOfThem) {
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

TEST_P(HookOutboxContract, OldEventsBecomeDeadLettersAndOldDeadLettersEnd) {
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

} // namespace foyer::engine
