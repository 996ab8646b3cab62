#include "harness/script.h"

#include <gmock/gmock.h>

#include "harness/json_match.h"

using namespace foyer;
using namespace foyer::harness;

namespace {

std::optional<std::string> against(std::string_view expected, std::string_view seen, Bindings& bindings) {
  return mismatch(*json::parse(expected), *json::parse(seen), bindings);
}
bool matches(std::string_view expected, std::string_view seen) {
  Bindings bindings;
  return !against(expected, seen, bindings);
}

} // namespace

TEST(Script, StatementsEndAtLineEndsAndSemicolonsOutsideOfStringsAndBrackets) {
  const auto script = parse_script(
      "# two_meet: alice and bob meet\n\nalice connects ; bob connects\n# aside\nalice > {\"a\":\"x;y\",\"b\":[1]};5s "
      "pass\n");
  ASSERT_TRUE(script);
  EXPECT_EQ(script->name, "two_meet");
  EXPECT_EQ(script->about, "alice and bob meet");
  std::vector<std::pair<int, std::string>> seen;
  for (const auto& s : script->statements) seen.emplace_back(s.line, s.text);
  EXPECT_THAT(seen,
      testing::ElementsAre(std::pair(3, "alice connects"), std::pair(3, "bob connects"),
          std::pair(5, "alice > {\"a\":\"x;y\",\"b\":[1]}"), std::pair(5, "5s pass")));
}

TEST(Script, WithoutANameOrAStatementItIsNone) {
  EXPECT_FALSE(parse_script("alice connects\n"));
  EXPECT_FALSE(parse_script("# name: nothing\n"));
}

TEST(JsonMatch, AnObjectMatchesWhateverElseIsThere) {
  EXPECT_TRUE(matches(R"({"type":"x"})", R"({"id":1,"type":"x"})"));
  EXPECT_TRUE(matches(R"({"u":{"id":"a"}})", R"({"u":{"name":"A","id":"a"}})"));
  EXPECT_FALSE(matches(R"({"type":"x"})", R"({"type":"y"})"));
  EXPECT_FALSE(matches(R"({"n":1})", R"({"n":2})"));
  EXPECT_FALSE(matches(R"({"n":1})", R"({})"));
}

TEST(JsonMatch, ArraysMatchElementByElement) {
  EXPECT_TRUE(matches(R"({"m":[{"o":1},{"o":2}]})", R"({"m":[{"o":1,"t":"a"},{"o":2}]})"));
  EXPECT_FALSE(matches(R"({"m":[{"o":1}]})", R"({"m":[{"o":1},{"o":2}]})"));
  EXPECT_FALSE(matches(R"({"m":[{"o":2},{"o":1}]})", R"({"m":[{"o":1},{"o":2}]})"));
}

TEST(JsonMatch, WordsWithMagic) {
  EXPECT_TRUE(matches(R"({"a":"*","b":"!","c":"~ab","d":"#2"})", R"({"a":null,"c":"abc","d":[1,2]})"));
  EXPECT_FALSE(matches(R"({"a":"*"})", R"({})"));
  EXPECT_FALSE(matches(R"({"b":"!"})", R"({"b":1})"));
  EXPECT_FALSE(matches(R"({"c":"~ab"})", R"({"c":"ba"})"));
  EXPECT_FALSE(matches(R"({"d":"#2"})", R"({"d":[1]})"));
}

TEST(JsonMatch, ANameIsBoundByTheFirstMatchAndHoldsForLaterOnes) {
  Bindings bindings;
  EXPECT_TRUE(against(R"({"e":"$epoch","n":1})", R"({"e":"x","n":2})", bindings));
  EXPECT_TRUE(bindings.empty()) << "nothing is bound by what did not match";
  EXPECT_FALSE(against(R"({"e":"$epoch"})", R"({"e":"x"})", bindings));
  EXPECT_FALSE(against(R"({"e":"$epoch"})", R"({"e":"x"})", bindings));
  EXPECT_EQ(against(R"({"e":"$epoch"})", R"({"e":"y"})", bindings), R"(e: expected $epoch as before, "x", seen "y")");
}
