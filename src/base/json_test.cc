#include "base/json.h"

#include <gtest/gtest.h>

namespace foyer::json {
namespace {

using namespace std::string_literals;

TEST(Json, ReadsEveryKindOfValue) {
  const auto value = parse(
      R"({"s":"grüße\n\u00e9\ud83c\udf89","i":-5,"u":18446744073709551615,"d":0.1,"t":true,"n":null,"a":[1,[2]],"o":{"a":1}})");
  ASSERT_TRUE(value) << value.error();
  const auto& o = value->as_object();
  EXPECT_EQ(get_string(o, "s"), "grüße\né🎉");
  EXPECT_EQ(get_int(o, "i"), -5);
  EXPECT_EQ(o.at("u").as_uint64(), 18446744073709551615ULL);
  EXPECT_EQ(o.at("d").as_double(), 0.1);
  EXPECT_EQ(get_bool(o, "t"), true);
  EXPECT_TRUE(o.at("n").is_null());
  EXPECT_EQ(get_int(o, "s"), std::nullopt);
  EXPECT_EQ(get_string(o, "absent"), std::nullopt);
  EXPECT_EQ(get_bool(o, "n"), std::nullopt);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::string bad[] = {"", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "+1", ".5", "1.", "1e",
      "-", "NaN", "Infinity", "nul", "true false", "{} {}", "[1] x", "\xef\xbb\xbf{}", "\"\x01\"", "\"\n\"", "\"\\x\"",
      "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"abc",
      "// c\n1", "/* c */ 1", "[1\0]"s, "{}\0"s, "1e999", "-1e999", "\f1", "\v1"};
  for (const auto& text : bad) EXPECT_FALSE(parse(text)) << text;
}

TEST(Json, RefusesAnObjectThatSaysOneThingTwice) {
  EXPECT_EQ(parse("{\"sub\":\"a\",\n \"sub\":\"b\"}").error(), "the name \"sub\" occurs twice at line 2 column 6");
  EXPECT_FALSE(parse(R"({"a":1,"\u0061":2})")) << "the same name in another spelling";
  EXPECT_FALSE(parse(R"([{"x":{"b":1,"b":1}}])"));
  EXPECT_TRUE(parse(R"([{"a":1},{"a":2},{"b":{"a":{"a":3}}}])"));
  std::string many = R"({"n0":{"n1":1,"n2":2})";
  for (int i = 1; i < 100; ++i) many += ",\"n" + std::to_string(i) + "\":{\"n0\":1}";
  EXPECT_TRUE(parse(many + "}"));
  for (const char* name : {"n0", "n1", "n99"}) EXPECT_FALSE(parse(many + ",\"" + name + "\":1}")) << name;
}

TEST(Json, HasADepthAndALength) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parse(nested(16)));
  EXPECT_FALSE(parse(nested(17)));
  EXPECT_FALSE(parse(nested(400'000)));
  EXPECT_TRUE(parse("[]", {.bytes = 2, .depth = 1}));
  EXPECT_FALSE(parse("[] ", {.bytes = 2, .depth = 1}));
  EXPECT_FALSE(parse("[[]]", {.bytes = 100, .depth = 1}));
}

TEST(Json, SaysWhere) { EXPECT_NE(parse("{\n  \"a\": tru }").error().find("line 2"), std::string::npos); }

TEST(Json, ReadsDoublesExactly) {
  EXPECT_EQ(parse("179769313486231570000e288")->as_double(), 1.7976931348623157e308);
  EXPECT_EQ(parse("0.30000000000000004")->as_double(), 0.1 + 0.2);
  EXPECT_EQ(parse("18446744073709551616")->as_double(), 18446744073709551616.0);
  for (const std::string& tiny : {"1e-999"s, "-1e-999"s, "0."s + std::string(400, '0') + "1e5", "0e999"s}) {
    const auto value = parse(tiny);
    ASSERT_TRUE(value) << tiny;
    EXPECT_EQ(value->as_double(), 0.0) << tiny;
  }
  for (const std::string& large :
      {"1e999"s, "0.1e999"s, "1"s + std::string(400, '0') + "e-5", "1e99999999999999999999"s})
    EXPECT_FALSE(parse(large)) << large;
}

TEST(Json, SplitsNoStringAtItsEscapes) {
  const std::string text = "[\"" + std::string(5000, 'x') + "\\n" + std::string(5000, 'y') + "\"]";
  const auto value = parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->as_array()[0].as_string().size(), 10'001U);
}

TEST(Json, WritesBackWhatItRead) {
  const std::string text = R"({"a":[1,2,{"b":"c\"\\"}],"e":[],"o":{},"n":null})";
  EXPECT_EQ(write(*parse(text)), text);
  EXPECT_EQ(write_pretty(*parse(R"({"a":[1,{"b":2}],"e":[]})")),
      "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"e\": []\n}");
}

TEST(Json, CompactsWithoutTouchingStringsNumbersOrOrder) {
  EXPECT_EQ(compact(" { \"b \\\" c\" :\n[ 1.50 ,\t-0 ],\r\"a\":null } "), R"({"b \" c":[1.50,-0],"a":null})");
  EXPECT_EQ(compact("\"\\\\\" "), "\"\\\\\"");
  EXPECT_EQ(compact(" 0 "), "0");
  EXPECT_EQ(compact("{}"), "{}");
}

TEST(Json, EscapesStrings) {
  std::string out;
  append_string(out, "a\"b\\c\n\r\t\b\f\x01\x7f/grüße\0z"s);
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u007f/grüße\\u0000z\"");
  EXPECT_EQ(parse(out)->as_string(), "a\"b\\c\n\r\t\b\f\x01\x7f/grüße\0z"s);
}

} // namespace
} // namespace foyer::json
