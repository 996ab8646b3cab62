// The pure part: names, patterns, rights, and rooms that live in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/changes_contract.h"
#include "rooms/access.h"
#include "rooms/durability.h"
#include "rooms/ephemeral.h"

namespace foyer::rooms {
namespace {

std::string told(std::string_view room) {
  auto kind = kind_of(room);
  return kind ? std::string(to_string(*kind)) : std::string(kind.error().code());
}

TEST(RoomName, SaysWhatKindOfRoomItIs) {
  EXPECT_EQ(told("tea"), "public");
  EXPECT_EQ(told("a.b_c-9"), "public");
  EXPECT_EQ(told(std::string(64, 'a')), "public");
  EXPECT_EQ(told("private:den"), "private");
  EXPECT_EQ(told("private:" + std::string(64, 'a')), "private");
  EXPECT_EQ(told("direct:0f"), "direct");
  EXPECT_EQ(told("user:Ann.b_c:d@e|f-1"), "own");
  EXPECT_EQ(told("user:" + std::string(128, 'A')), "own");
}

TEST(RoomName, AnythingElseIsRefused) {
  using namespace std::string_literals;
  for (const std::string& name : {""s, "Tea"s, "te a"s, "tea\n"s, "tea\0"s, "t\xC3\xA9"s, std::string(65, 'a'), ":"s,
           "private:"s, "private:Den"s, "private:a:b"s, "private:"s + std::string(65, 'a'), "direct:"s, "user:"s,
           "user:a b"s, "user:"s + std::string(129, 'a'), "team:x"s, "PRIVATE:x"s, "../etc"s})
    EXPECT_EQ(told(name), "ROOM_NAME_INVALID") << name;
  EXPECT_EQ(kind_of("te\x01").error().field, "room");
  EXPECT_EQ(kind_of("te\x01").error().evidence.find('\x01'), std::string::npos);
}

TEST(Durability, APatternsStarStandsForAnything) {
  EXPECT_TRUE(matches("tea", "tea"));
  EXPECT_FALSE(matches("tea", "teas"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("game.*", "game."));
  EXPECT_TRUE(matches("game.*", "game.7"));
  EXPECT_FALSE(matches("game.*", "a-game.7"));
  EXPECT_TRUE(matches("*.tmp", "a.tmp.tmp"));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches("a*b*c", "a-b-b"));
  EXPECT_FALSE(matches(std::string(30, '*') + "x", std::string(200, 'a'))) << "and soon";
  EXPECT_FALSE(matches("", "a"));
}

TEST(Durability, ARoomIsKeptUnlessItMatches) {
  const Durability rule({"game.*", "user:*"});
  EXPECT_TRUE(rule.durable("tea"));
  EXPECT_FALSE(rule.durable("game.7"));
  EXPECT_FALSE(rule.durable("user:ann"));
  EXPECT_TRUE(Durability().durable("game.7"));
}

TEST(Access, ANameTellsWhoMayBeInside) {
  EXPECT_TRUE(may_be_inside(RoomKind::public_, "tea", UserId("eve")));
  EXPECT_TRUE(may_be_inside(RoomKind::private_, "private:x", UserId("eve"))) << "the store knows its members";
  EXPECT_TRUE(may_be_inside(RoomKind::direct, "direct:x", UserId("eve")));
  EXPECT_TRUE(may_be_inside(RoomKind::own, "user:ann", UserId("ann")));
  EXPECT_FALSE(may_be_inside(RoomKind::own, "user:ann", UserId("an")));
  EXPECT_FALSE(may_be_inside(RoomKind::own, "user:ann", UserId("bob")));
}

TEST(Access, WhatMayBeDoneWithWhichRight) {
  const Permissions none{}, reads{.chat_read = true}, writes{.chat_write = true}, admin{.admin = true};
  const auto say = [](Result<void> r) { return r ? std::string("ok") : std::string(r.error().code()); };
  EXPECT_EQ(say(may(Act::read, RoomKind::public_, true, reads)), "ok");
  EXPECT_EQ(say(may(Act::read, RoomKind::public_, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::read, RoomKind::private_, false, reads)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::read, RoomKind::private_, false, none)), "PERMISSION_DENIED")
      << "the same whether the room exists";
  EXPECT_EQ(say(may(Act::write, RoomKind::public_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::write, RoomKind::public_, true, reads)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::write, RoomKind::direct, false, writes)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::invite, RoomKind::private_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::invite, RoomKind::private_, false, writes)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::invite, RoomKind::direct, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::remove, RoomKind::private_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::remove, RoomKind::public_, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::erase, RoomKind::public_, true, admin)), "ok");
  EXPECT_EQ(say(may(Act::erase, RoomKind::private_, false, admin)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::erase, RoomKind::public_, true, reads)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may_create(writes)), "ok");
  EXPECT_EQ(say(may_create(reads)), "PERMISSION_DENIED");
  EXPECT_TRUE(may_erase_any(admin));
  EXPECT_FALSE(may_erase_any(writes));
}

struct EphemeralTest : testing::Test {
  ManualClock clock;
  EphemeralHistory room{Epoch("e1"), {.messages = 4, .bytes = 40, .keys = 3}};

  std::string say(const std::string& text, const std::string& key = "", const std::string& from = "ann") {
    auto done = room.append(
        {.room = RoomName("game.1"), .from = {UserId(from), from}, .text = text, .key = key, .time = clock.wall()},
        clock.mono());
    if (!done) return std::string(done.error().code());
    return std::to_string(done->offset) + (done->duplicate ? " again" : "");
  }
  std::string page(HistoryRequest question) {
    std::string out;
    const HistoryPage got = room.history(question);
    for (const Message& m : got.messages)
      out += (out.empty() ? "" : " ") + std::to_string(m.offset) + ":" + (m.deleted ? "deleted" : m.text);
    return out + (got.more ? " +" : "");
  }
};

TEST_F(EphemeralTest, KeepsTheNewestAndNeverGivesAnOffsetTwice) {
  EXPECT_EQ(room.offset(), 0U);
  EXPECT_EQ(page({}), "");
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(say("m" + std::to_string(i)), std::to_string(i));
  EXPECT_EQ(room.offset(), 6U);
  EXPECT_EQ(page({}), "3:m3 4:m4 5:m5 6:m6");
  EXPECT_EQ(page({.limit = 2}), "5:m5 6:m6 +");
  EXPECT_EQ(page({.before = 5, .limit = 1}), "4:m4 +");
  EXPECT_EQ(page({.before = 3}), "");
  EXPECT_EQ(page({.before = 0}), "");
  EXPECT_EQ(page({.after = 4}), "5:m5 6:m6");
  EXPECT_EQ(page({.after = 0, .limit = 2}), "3:m3 4:m4 +");
  EXPECT_EQ(page({.after = 4, .up_to = 5}), "5:m5");
  EXPECT_EQ(page({.after = 6}), "");
  EXPECT_EQ(page({.limit = 0}), " +");
  EXPECT_EQ(say(std::string(39, 'x')), "7");
  EXPECT_EQ(page({}), "7:" + std::string(39, 'x')) << "bytes are bounded too";
}

TEST_F(EphemeralTest, AKeyIsRememberedForItsTimeEvenWhenItsMessageIsGone) {
  EXPECT_EQ(say("hello", "k"), "1");
  for (int i = 0; i < 5; ++i) say("x");
  clock.advance(kKeyLife - Millis{1});
  EXPECT_EQ(say("hello", "k"), "1 again");
  EXPECT_EQ(say("other", "k"), "KEY_REUSED");
  EXPECT_EQ(say("hello", "k", "bob"), "7");
  clock.advance(Millis{1});
  EXPECT_EQ(say("other", "k"), "8");
}

TEST_F(EphemeralTest, NoKeyIsForgottenBeforeItsTimeToMakeRoomForAnother) {
  for (const char* key : {"a", "b", "c"}) say("x", key);
  EXPECT_EQ(say("x", "d"), "RATE_LIMITED");
  EXPECT_EQ(say("x"), "4") << "without a key it goes on";
  clock.advance(kKeyLife);
  EXPECT_EQ(say("x", "d"), "5");
}

TEST_F(EphemeralTest, AnErasedMessageKeepsItsPlace) {
  say("one");
  say("two");
  EXPECT_EQ(room.erase(1, UserId("bob"), false).error().cause, Cause::PERMISSION_DENIED);
  EXPECT_EQ(room.erase(1, UserId("bob"), true)->offset, 1U);
  EXPECT_EQ(room.erase(3, UserId("ann"), false).error().cause, Cause::NOT_FOUND);
  EXPECT_EQ(page({}), "1:deleted 2:two");
  EXPECT_EQ(room.detach_author(UserId("ann")), 2U) << "the second change";
  EXPECT_EQ(room.history({}).messages[1].from.name, kDetachedName);
}

struct EphemeralChanges : testing::Test {
  ManualClock clock;
  EphemeralHistory history{Epoch("e1"), {.messages = 1'000}};
  engine::ChangingRoom room{.say = [this](const std::string& user, const std::string& text) {
    ASSERT_TRUE(history.append(
        {.room = RoomName("game.1"), .from = {UserId(user), user}, .text = text, .key = "", .time = clock.wall()},
        clock.mono()));
  }, .erase = [this](Offset offset, const std::string& by) {
    return history.erase(offset, UserId(by), false);
  }, .detach = [this](const std::string& user) {
    (void)history.detach_author(UserId(user));
  }, .changes_after = [this](Offset after) { return history.history({.limit = 0, .changes_after = after}); }};
};

TEST_F(EphemeralChanges, AreNumberedWithoutGaps) { engine::changes_are_numbered_without_gaps(room); }
TEST_F(EphemeralChanges, AreRecoveredUpToTheLimit) { engine::no_more_changes_are_recovered_than_the_limit(room); }

} // namespace
} // namespace foyer::rooms
