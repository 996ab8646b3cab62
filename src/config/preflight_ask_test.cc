// What [[ask]] may say.
#include "config/preflight_ask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/report.h"
#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kStart = "[[ask]]\nname = \"shop\"\nurl = \"http://127.0.0.1:3000/foyer\"\n";

World with_toml(const std::string& text, std::uint32_t mode = 0600) {
  return {.args = {"--dev", "--config", "c.toml"},
      .env = {},
      .files = {{"c.toml", {text, mode}}, {"ask.secret", {std::string(kSecret) + "\n", 0600}},
          {"open.secret", {std::string(kSecret), 0644}}, {"bad.secret", {"hunter2", 0600}}}};
}

// "CODE field: message" of each finding about this table: the lines of the start, and `secret`.
std::vector<std::string> said(const std::string& more, bool with_secret = true) {
  std::string toml(kStart);
  if (with_secret) toml += "secret = \"" + std::string(kSecret) + "\"\n";
  std::vector<std::string> out;
  for (const auto& f : with_toml(toml + more).findings())
    out.push_back(std::string(code_of(f.code)) + " " + f.field + ": " + f.message);
  return out;
}

TEST(Ask, TomlTablesAndAJsonArrayGiveTheSame) {
  const World toml = with_toml(std::string(kStart) +
      "events = [\"subscribe\", \"publish\"]\nrooms = [\"orders-*\"]\nsecret_file = \"ask.secret\"\n"
      "headers = [\"Cookie\"]\ntimeout = \"500ms\"\nask_cache = \"10s\"\n");
  World variable = with_toml("");
  variable.env = {{"FOYER_ASK",
      R"([{"name":"shop","url":"http://127.0.0.1:3000/foyer","events":["subscribe","publish"],"rooms":["orders-*"],
           "secret_file":"ask.secret","headers":["Cookie"],"timeout":"500ms","ask_cache":"10s"}])"}};
  EXPECT_THAT(toml.codes(), IsEmpty());
  EXPECT_THAT(variable.codes(), IsEmpty());
  const auto asks = toml.loaded().config.asks;
  ASSERT_EQ(asks.size(), 1U);
  EXPECT_EQ(asks[0].timeout, Millis{500});
  EXPECT_EQ(asks[0].ask_cache, Millis{10'000});
  const Option& option = *find_option("ask");
  EXPECT_EQ(format_value(option, asks.empty() ? Config{} : toml.loaded().config),
      format_value(option, variable.loaded().config));
}

TEST(Ask, TheSecretIsNeverShownAndItsFileIsNotForOthers) {
  const std::string table = std::string(kStart) + "events = [\"publish\"]\nsecret = \"" + std::string(kSecret) + "\"\n";
  const World world = with_toml(table);
  EXPECT_THAT(world.codes(), IsEmpty());
  const std::string shown = format_value(*find_option("ask"), world.loaded().config);
  EXPECT_EQ(shown.find("whsec"), std::string::npos) << shown;
  EXPECT_THAT(with_toml(table, 0644).codes(), ElementsAre("SECRET_FILE_EXPOSED"));
  EXPECT_THAT(said("events = [\"publish\"]\nsecret_file = \"open.secret\"\n", false),
      ElementsAre(HasSubstr("SECRET_FILE_EXPOSED secret_file")));
}

TEST(Ask, WrongValuesAreFindingsThatNameTheTable) {
  const struct {
    std::string toml, finding;
  } rows[] = {
      {"", "INVALID_VALUE events: ask \"shop\": events is missing"},
      {"events = []\n", "ask \"shop\": events is empty"},
      {"events = [\"pubish\"]\n", "events has a word that is no event"},
      {"events = [\"publish\", \"publish\"]\n", "events names publish twice"},
      {"events = [\"publish\"]\nsecret_file = \"ask.secret\"\n", "CONFLICTING_KEYS secret_file"},
      {"events = [\"publish\"]\ntimeout = \"10ms\"\n", "timeout takes a duration from 100ms to 30s"},
      {"events = [\"publish\"]\ntimeout = 5\n", "it is a number"},
      {"events = [\"publish\"]\nheaders = [\"Content-Type\"]\n", "Content-Type is a header of the question itself"},
      {"events = [\"publish\"]\nask_cache = \"5s\"\n", "ask_cache has no effect"},
      {"events = [\"publish\"]\nrooms = []\n", "rooms is empty"},
      {"events = [\"publish\"]\nca_file = \"ask.secret\"\n", "the file of ca_file does not contain a PEM certificate"},
      {"events = [\"publish\"]\nroom = \"x\"\n", "unknown key room. The nearest is rooms"},
  };
  for (const auto& [toml, finding] : rows) EXPECT_THAT(said(toml), testing::Contains(HasSubstr(finding))) << toml;
  EXPECT_THAT(said("events = [\"publish\"]\n", false), ElementsAre(HasSubstr("secret is missing")));
  EXPECT_THAT(said("events = [\"publish\"]\nsecret_file = \"bad.secret\"\n", false),
      ElementsAre(HasSubstr("secret_file is not usable: the secret does not begin with whsec_")));
}

TEST(Ask, ATableThatIsNeverAskedIsAnError) {
  const std::string all = "events = [\"publish\"]\n";
  const std::string second = "[[ask]]\nname = \"b\"\nurl = \"http://127.0.0.1/\"\nsecret_file = \"ask.secret\"\n";
  EXPECT_THAT(said(all + second + "events = [\"publish\"]\nrooms = [\"orders-*\"]\n"),
      ElementsAre(HasSubstr("ask \"b\": publish is never asked here")));
  EXPECT_THAT(said(all + second + "events = [\"subscribe\"]\n"), IsEmpty());
  EXPECT_THAT(said(all + second + "events = [\"publish\"]\nrooms = [\"private:*\"]\n"), IsEmpty())
      << "* does not reach private rooms";
}

TEST(Ask, ARuleWithAppNeedsATableThatCoversItsRooms) {
  const std::string rule = "[[rooms]]\nmatch = \"orders-*\"\njoin = \"app\"\nwrite = \"app\"\n";
  EXPECT_THAT(said("events = [\"subscribe\", \"publish\"]\n" + rule), IsEmpty());
  EXPECT_THAT(said("events = [\"subscribe\"]\nrooms = [\"orders-7\"]\n" + rule),
      ElementsAre(HasSubstr("join is app, but no [[ask]] table has subscribe for all of these rooms"),
          HasSubstr("write is app, but no [[ask]] table has publish")));
}

} // namespace
} // namespace foyer::config
