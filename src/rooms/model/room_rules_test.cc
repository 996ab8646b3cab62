#include "rooms/model/room_rules.h"

#include <gtest/gtest.h>

#include "rooms/model/access.h"

namespace foyer::rooms {
namespace {

TEST(RoomRules, APatternsStarStandsForAnything) {
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

TEST(RoomRules, WithoutRulesARoomIsAsItsKindSays) {
  const RoomRules none;
  EXPECT_EQ(none.of("tea").join, JoinBy::anyone);
  for (const char* room : {"private:den", "direct:0f", "user:ann"}) EXPECT_EQ(none.of(room).join, JoinBy::members);
  EXPECT_TRUE(none.of("tea").durable);
  EXPECT_TRUE(none.of("tea").keeps_history());
  EXPECT_EQ(none.rule_of("tea"), nullptr);
}

TEST(RoomRules, ARoomIsKeptUnlessItMatchesAPatternOrItsRuleSaysOtherwise) {
  const RoomRules rules(
      {{.match = "game.chess", .durable = true}, {.match = "tea", .durable = false}}, {"game.*", "user:*"});
  EXPECT_TRUE(rules.durable("coffee"));
  EXPECT_FALSE(rules.durable("game.7"));
  EXPECT_FALSE(rules.durable("user:ann"));
  EXPECT_TRUE(rules.durable("game.chess"));
  EXPECT_FALSE(rules.durable("tea"));
}

TEST(RoomRules, TheFirstThatMatchesCountsAndLeavesTheRestAsItWas) {
  const RoomRules rules({
      {.match = "orders-7", .join = JoinBy::nobody},
      {.match = "orders-*", .join = JoinBy::token, .write = WriteBy::server, .presence = false},
      {.match = "*", .history_messages = 0, .typing = false},
  });
  EXPECT_EQ(rules.of("orders-7").join, JoinBy::nobody);
  EXPECT_EQ(rules.of("orders-7").write, WriteBy::anyone) << "not from the next rule";
  EXPECT_TRUE(rules.of("orders-7").typing);
  EXPECT_EQ(rules.of("orders-8").join, JoinBy::token);
  EXPECT_EQ(rules.of("orders-8").write, WriteBy::server);
  EXPECT_FALSE(rules.of("orders-8").presence);
  EXPECT_FALSE(rules.of("orders-8").join_events) << "they tell who is there";
  EXPECT_FALSE(rules.of("tea").keeps_history());
  EXPECT_EQ(rules.rule_of("tea")->match, "*");
}

TEST(RoomRules, APatternReachesPrivateDirectAndOwnRoomsOnlyByTheirPrefix) {
  const RoomRules open({{.match = "*", .join = JoinBy::anyone}, {.match = "p*", .join = JoinBy::anyone}});
  for (const char* room : {"private:den", "direct:0f", "user:ann"}) {
    EXPECT_EQ(open.rule_of(room), nullptr) << room;
    EXPECT_EQ(open.of(room).join, JoinBy::members) << room;
  }
  const RoomRules named(
      {{.match = "private:lounge", .join = JoinBy::anyone}, {.match = "private:*", .durable = false}});
  EXPECT_EQ(named.of("private:lounge").join, JoinBy::anyone);
  EXPECT_EQ(named.of("private:den").join, JoinBy::members);
  EXPECT_FALSE(named.of("private:den").durable);
}

TEST(RoomRules, NoRuleOpensDirectAndOwnRoomsToOthers) {
  for (const JoinBy join : {JoinBy::anyone, JoinBy::token}) {
    const RoomRules rules({{.match = "user:*", .join = join}, {.match = "direct:*", .join = join}});
    EXPECT_EQ(rules.of("user:ann").join, JoinBy::members);
    EXPECT_EQ(rules.of("direct:0f").join, JoinBy::members);
  }
  EXPECT_EQ(RoomRules({{.match = "user:*", .join = JoinBy::nobody}}).of("user:ann").join, JoinBy::nobody);
}

TEST(RoomRules, WhoMayJoinAndWhoMayWrite) {
  const Permissions all{.chat_read = true, .chat_write = true, .admin = true};
  const auto say = [&](Act act, RoomSettings settings, Standing standing, RoomKind kind = RoomKind::public_) {
    const auto r = may(act, kind, settings, standing, all);
    return r ? std::string("ok") : std::string(r.error().code());
  };
  const Standing stranger{}, member{.member = true}, with_token{.token = true};
  EXPECT_EQ(say(Act::read, {}, stranger), "ok");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::members}, stranger), "NOT_A_MEMBER");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::members}, member), "ok");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::members}, with_token), "NOT_A_MEMBER");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::token}, member), "ROOM_TOKEN_REQUIRED");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::token}, with_token), "ok");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::nobody}, member), "PERMISSION_DENIED");
  EXPECT_EQ(say(Act::write, {.join = JoinBy::token}, stranger), "ROOM_TOKEN_REQUIRED")
      << "writing needs what joining needs";
  EXPECT_EQ(say(Act::write, {.write = WriteBy::members}, stranger), "NOT_A_MEMBER");
  EXPECT_EQ(say(Act::write, {.write = WriteBy::members}, member), "ok");
  EXPECT_EQ(say(Act::read, {.write = WriteBy::members}, stranger), "ok");
  EXPECT_EQ(say(Act::write, {.write = WriteBy::server}, member), "PERMISSION_DENIED");
  EXPECT_EQ(say(Act::erase, {.write = WriteBy::server}, member), "ok") << "what was written before may be deleted";
  EXPECT_EQ(say(Act::erase, {.join = JoinBy::nobody}, member), "PERMISSION_DENIED");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::app}, member), "NOT_JOINED");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::app}, {.app_let_in = true}), "ok");
  EXPECT_EQ(say(Act::write, {.join = JoinBy::app}, stranger), "NOT_JOINED");
  EXPECT_EQ(say(Act::write, {.write = WriteBy::app}, member), "PERMISSION_DENIED");
  EXPECT_EQ(say(Act::write, {.write = WriteBy::app}, {.app_lets_write = true}), "ok");
  EXPECT_EQ(say(Act::write, {.join = JoinBy::app, .write = WriteBy::app}, {.app_lets_write = true}), "NOT_JOINED");
  const Standing application{.application = true};
  EXPECT_EQ(say(Act::write, {.join = JoinBy::nobody, .write = WriteBy::server}, application), "ok");
  EXPECT_EQ(say(Act::read, {.join = JoinBy::token}, application), "ok");
  EXPECT_EQ(say(Act::invite, {}, application), "PERMISSION_DENIED") << "a public room has no members";
  EXPECT_EQ(say(Act::invite, {.join = JoinBy::members}, application), "ok");
  EXPECT_EQ(say(Act::invite, {.join = JoinBy::anyone}, stranger, RoomKind::private_), "NOT_A_MEMBER")
      << "an open private room still belongs to its members";
}

TEST(RoomRules, OfWhichRoomsTheStoreKnowsTheMembers) {
  EXPECT_TRUE(has_members(RoomKind::private_, {.join = JoinBy::anyone}));
  EXPECT_TRUE(has_members(RoomKind::direct, {}));
  EXPECT_FALSE(has_members(RoomKind::own, {.join = JoinBy::members}));
  EXPECT_FALSE(has_members(RoomKind::public_, {}));
  EXPECT_TRUE(has_members(RoomKind::public_, {.join = JoinBy::members}));
  EXPECT_TRUE(has_members(RoomKind::public_, {.write = WriteBy::members}));
}

TEST(RoomRules, WordsAreReadAndWrittenAlike) {
  for (const char* word : {"anyone", "members", "token", "app", "nobody"}) EXPECT_EQ(to_string(*join_by(word)), word);
  for (const char* word : {"anyone", "members", "app", "server"}) EXPECT_EQ(to_string(*write_by(word)), word);
  EXPECT_FALSE(join_by("server"));
  EXPECT_FALSE(write_by("token"));
}

} // namespace
} // namespace foyer::rooms
