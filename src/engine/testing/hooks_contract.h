// The contract of engine/hooks.h, first part: the webhooks themselves, and which events a change leaves for them.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "engine/testing/hooks_fixture.h"

namespace foyer::engine {

class HooksContract : public HooksFixture {};

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
  std::vector<std::string> expected{"room.created tea", "room.created chess", "room.deleted tea"};
  if (w->alone()) expected.emplace_back("room.deleted chess");
  EXPECT_EQ(waiting("h"), expected);
}

} // namespace foyer::engine
