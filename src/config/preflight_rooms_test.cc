// What [[rooms]] may say, and what `foyer check --room` shows.
#include "config/preflight_rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/report.h"
#include "config/room_report.h"
#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

World with_toml(const std::string& text, std::vector<std::string> more = {}) {
  World world{.args = {"--dev", "--config", "c.toml"}, .env = {}, .files = {{"c.toml", {text, 0644}}}};
  for (auto& arg : more) world.args.push_back(std::move(arg));
  return world;
}

// "CODE field: message" of each finding.
std::vector<std::string> said(const std::string& toml) {
  std::vector<std::string> out;
  for (const auto& f : with_toml(toml).findings())
    out.push_back(std::string(code_of(f.code)) + " " + f.field + ": " + f.message);
  return out;
}

TEST(Rooms, TomlTablesAndAJsonArrayGiveTheSame) {
  const World toml = with_toml(
      "[[rooms]]\nmatch = \"orders-*\"\njoin = \"token\"\nwrite = \"server\"\nhistory_messages = 0\n"
      "[[rooms]]\nmatch = \"live-*\"\ndurable = false\npresence = false\ntyping = false\nhistory_messages = 10\n"
      "[[rooms]]\nmatch = \"*\"\nhistory_days = 7\njoin_events = false\n");
  const World variable{.args = {"--dev"},
      .env = {{"FOYER_ROOMS",
          R"([{"match":"orders-*","join":"token","write":"server","history_messages":0},
              {"match":"live-*","durable":false,"presence":false,"typing":false,"history_messages":10},
              {"match":"*","history_days":7,"join_events":false}])"}}};
  EXPECT_THAT(toml.codes(), IsEmpty());
  EXPECT_THAT(variable.codes(), IsEmpty());
  const auto rules = toml.loaded().config.room_rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].match, "orders-*");
  EXPECT_EQ(rules[0].join, rooms::JoinBy::token);
  EXPECT_EQ(rules[0].write, rooms::WriteBy::server);
  EXPECT_EQ(rules[0].history_messages, 0U);
  EXPECT_FALSE(rules[0].durable);
  EXPECT_EQ(rules[1].durable, false);
  EXPECT_EQ(rules[2].history_days, 7U);
  const Option& option = *find_option("rooms");
  EXPECT_EQ(format_value(option, toml.loaded().config), format_value(option, variable.loaded().config));
  EXPECT_NE(configuration_fingerprint(toml.loaded().config), configuration_fingerprint(with_toml("").loaded().config));
}

TEST(Rooms, WrongValuesAreFindingsThatNameTheRule) {
  EXPECT_THAT(
      said("[[rooms]]\njoin = \"token\"\n"), ElementsAre(HasSubstr("INVALID_VALUE match: rooms 1: match is missing")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"a b\"\n"), ElementsAre(HasSubstr("INVALID_VALUE match: ")));
  EXPECT_THAT(
      said("[[rooms]]\nmatch = \"tea\"\nhistory_messages = -1\n"), ElementsAre(HasSubstr("outside that range")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\nhistory_days = 1.5\n"), ElementsAre(HasSubstr("it has a fraction")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\nhistory_days = \"7\"\n"), ElementsAre(HasSubstr("it is a text")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\npresence = 1\n"), ElementsAre(HasSubstr("it is a number")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\nhistory = 5\n"), ElementsAre(HasSubstr("UNKNOWN_OPTION history: ")));
}

TEST(Rooms, AWordThatIsNoneOfTheKnownIsRefusedWithThem) {
  for (const std::string join : {"everybody", "server", "Token", ""})
    EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\njoin = \"" + join + "\"\n"),
        ElementsAre(
            "INVALID_VALUE join: rooms \"tea\": join takes one of anyone, members, token, app, nobody; it is another "
            "word."))
        << join;
  for (const std::string write : {"token", "nobody", ""})
    EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\nwrite = \"" + write + "\"\n"),
        ElementsAre(
            "INVALID_VALUE write: rooms \"tea\": write takes one of anyone, members, app, server; it is another word."))
        << write;
}

TEST(Rooms, NothingOpensDirectAndOwnRooms) {
  for (const std::string match : {"user:*", "direct:*"})
    for (const std::string join : {"anyone", "token", "nobody"})
      EXPECT_THAT(said("[[rooms]]\nmatch = \"" + match + "\"\njoin = \"" + join + "\"\n"),
          ElementsAre(HasSubstr("INVALID_VALUE join: ")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"user:*\"\njoin = \"members\"\nwrite = \"server\"\n"), IsEmpty());
  EXPECT_THAT(said("[[rooms]]\nmatch = \"private:lounge*\"\njoin = \"anyone\"\n"), IsEmpty());
}

TEST(Rooms, ValuesWithoutEffectAreRefused) {
  EXPECT_THAT(said("[[rooms]]\nmatch = \"live-*\"\ndurable = false\nhistory_days = 1\n"),
      ElementsAre(HasSubstr("INVALID_VALUE history_days: ")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\npresence = false\njoin_events = true\n"),
      ElementsAre(HasSubstr("INVALID_VALUE join_events: ")));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"tea\"\njoin = \"nobody\"\nwrite = \"anyone\"\n"),
      ElementsAre(HasSubstr("INVALID_VALUE write: ")));
}

TEST(Rooms, APatternThatNoRoomMatchesIsRefused) {
  for (const std::string match : {"Private:*", "USER:ann", "private:Plan", "direct:a:b", "tea:", ":*:", "a|b"})
    EXPECT_THAT(
        said("[[rooms]]\nmatch = \"" + match + "\"\ntyping = false\n"), ElementsAre(HasSubstr("INVALID_VALUE match: ")))
        << match;
  for (const std::string match :
      {"*", "a*", "*:a", "News:*", "private:*", "direct:*", "user:*", "user:shop|*", "user:shop|~*", "user:a@b", "p*"})
    EXPECT_THAT(said("[[rooms]]\nmatch = \"" + match + "\"\ntyping = false\n"), IsEmpty()) << match;
}

TEST(Rooms, APatternThatMayBeMeantForPrivateRoomsIsAWarning) {
  for (const std::string stem : {"private", "direct", "user"}) {
    const auto findings = with_toml("[[rooms]]\nmatch = \"" + stem + "*\"\njoin = \"nobody\"\n").findings();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_EQ(findings[0].fix, "Write " + stem + ":* for those.");
  }
}

TEST(Rooms, ARuleThatIsNeverReachedIsAWarning) {
  const auto findings =
      with_toml("[[rooms]]\nmatch = \"orders-*\"\n[[rooms]]\nmatch = \"orders-7\"\ntyping = false\n").findings();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::warning);
  EXPECT_THAT(findings[0].message, HasSubstr("rooms \"orders-7\": never used: all its rooms match rooms \"orders-*\""));
  EXPECT_THAT(said("[[rooms]]\nmatch = \"*\"\n[[rooms]]\nmatch = \"private:*\"\n"), IsEmpty());
  EXPECT_THAT(said("[[rooms]]\nmatch = \"orders-7\"\n[[rooms]]\nmatch = \"orders-*\"\n"), IsEmpty());
}

TEST(Rooms, WhatHoldsInARoomAndWhereItComesFrom) {
  const Loaded loaded =
      with_toml("history_days = 30\n[[rooms]]\nmatch = \"orders-*\"\njoin = \"token\"\nhistory_messages = 0\n",
          {"--non-durable-rooms", "live-*"})
          .loaded();
  const auto report = report_on_room(loaded, "orders-7");
  ASSERT_TRUE(report);
  const std::string text = room_text(*report);
  EXPECT_THAT(text, HasSubstr("orders-7 (public): the rule for orders-*, c.toml line 2 column 1."));
  EXPECT_THAT(text, HasSubstr("join              token        c.toml line 4 column 1"));
  EXPECT_THAT(text, HasSubstr("write             anyone       default"));
  EXPECT_THAT(text, HasSubstr("history_messages  none         c.toml line 5 column 1"));
  EXPECT_THAT(text, HasSubstr("history_days      30           c.toml line 1 column 1"));
  const std::string live = room_text(*report_on_room(loaded, "live-1"));
  EXPECT_THAT(live, HasSubstr("live-1 (public): no rule"));
  EXPECT_THAT(live, HasSubstr("durable           false        command line --non-durable-rooms"));
  EXPECT_THAT(live, HasSubstr("history_messages  300          default"));
  EXPECT_THAT(room_text(*report_on_room(loaded, "private:den")), HasSubstr("join              members      default"));
  EXPECT_EQ(std::string(report_on_room(loaded, "no name").error().code()), "ROOM_NAME_INVALID");
  const json::Object object = room_json(*report);
  EXPECT_EQ(json::write(object.at("rule")), R"({"match":"orders-*","source":"c.toml line 2 column 1"})");
  EXPECT_EQ(json::write(object.at("settings").as_object().at("join")),
      R"({"value":"token","source":"c.toml line 4 column 1"})");
}

} // namespace
} // namespace foyer::config
