#include "api/arguments.h"

#include <gmock/gmock.h>

#include <array>

#include "base/bytes.h"

namespace foyer::api {
namespace {

using testing::ElementsAre;

TEST(RawMembers, StandAsTheyWereWritten) {
  const auto said = [](std::string_view json) {
    std::string out;
    for (const RawMember& member : raw_members(json))
      out += std::string(member.name) + "→" + std::string(member.value) + "|";
    return out;
  };
  EXPECT_EQ(said("{}"), "");
  EXPECT_EQ(said(" { } "), "");
  EXPECT_EQ(said(R"({"a":1,"b":"x"})"), R"("a"→1|"b"→"x"|)");
  EXPECT_EQ(said(R"( { "a" : 1.50e3 , "b" : null } )"), R"("a"→1.50e3|"b"→null|)");
  EXPECT_EQ(said(R"({"a":{"b":["}",{"c":"\"]\\"}]},"d":[]})"), R"("a"→{"b":["}",{"c":"\"]\\"}]}|"d"→[]|)");
  EXPECT_EQ(said(R"([1, "a,b" ,{"x":[2]},[3]])"), R"(→1|→"a,b"|→{"x":[2]}|→[3]|)");
  EXPECT_EQ(said("[\n1\n,\t2\r]"), "→1|→2|");
}

// Whatever is cut off, nothing beyond the text is read; valid JSON is the contract, and this is what protects it.
TEST(RawMembers, EndWithTheText) {
  constexpr std::string_view whole = R"({"a":{"b":["}",{"c":"\"]\\"}]},"d":[1,2]})";
  for (std::size_t n = 0; n <= whole.size(); ++n)
    for (const RawMember& member : raw_members(whole.substr(0, n))) EXPECT_LE(member.value.size(), n);
}

constexpr std::array kInner{Field{.name = "offset", .type = Type::number, .required = true, .most = 10}};
constexpr std::array kFields{
    Field{.name = "channel", .type = Type::text, .required = true, .grammar = Grammar::room, .alias = "room"},
    Field{.name = "limit", .type = Type::number, .least = -1, .most = 100},
    Field{.name = "reverse", .type = Type::flag},
    Field{.name = "data", .type = Type::any},
    Field{.name = "since", .type = Type::object, .members = kInner},
    Field{.name = "users", .type = Type::texts, .least = 1, .most = 2, .grammar = Grammar::user},
    Field{.name = "key",
        .type = Type::text,
        .treatment = Treatment::mapped,
        .least = 1,
        .most = 4,
        .grammar = Grammar::key},
    Field{.name = "tags", .type = Type::object, .says = "not stored", .treatment = Treatment::refused},
    Field{.name = "person", .type = Type::text, .grammar = Grammar::person},
    Field{.name = "den", .type = Type::text, .grammar = Grammar::private_room},
    Field{.name = "offset", .type = Type::number, .most = 9'007'199'254'740'991},
};

Result<Arguments> read(std::string_view text, const UserIds& users = {}) {
  return Arguments::read(kFields, json::parse(text).value().as_object(), text, users);
}
// "CAUSE field" of the refusal.
std::string refused(std::string_view text) {
  const auto arguments = read(text);
  return arguments ? "" : std::string(arguments.error().code()) + " " + arguments.error().field;
}

TEST(Arguments, AUserOfAnIssuerMayBeNamedByTheSubject) {
  const UserIds users({{.name = "shop", .issuer = "https://shop.example", .prefix = "shop|"}},
      [](std::string_view prefix, std::string_view sub) { return std::string(prefix) + std::string(sub); });
  const auto a = read(
      R"({"channel":"tea","person":{"issuer":"shop","sub":"42"},"users":[{"issuer":"https://shop.example","sub":"7"},"u_1"]})",
      users);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->text("person"), "shop|42");
  EXPECT_THAT(a->texts("users"), ElementsAre("shop|7", "u_1"));
  EXPECT_THAT(a->users(), ElementsAre("shop|42", "shop|7", "u_1"));
  for (const char* wrong : {R"({"issuer":"other","sub":"42"})", R"({"issuer":"shop"})", R"({"issuer":"shop","sub":""})",
           R"({"issuer":"shop","sub":42})", R"({"issuer":"shop","sub":"42","more":1})", R"(["u_1"])"}) {
    const auto refusal = read(R"({"channel":"tea","person":)" + std::string(wrong) + "}", users);
    ASSERT_FALSE(refusal) << wrong;
    EXPECT_EQ(refusal.error().code(), "BAD_REQUEST") << wrong;
    EXPECT_EQ(refusal.error().field, "person") << wrong;
  }
  EXPECT_EQ(refused(R"({"channel":"tea","person":{"issuer":"shop","sub":"42"}})"), "BAD_REQUEST person")
      << "without issuers";
}

TEST(Arguments, AreReadByTheTable) {
  const auto a = read(
      R"({"channel":"tea","limit":-1,"reverse":true,"data":{"n":1.0,"z":[1e2]},"since":{"offset":7},"users":["a","b"]})");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->text("channel"), "tea");
  EXPECT_EQ(a->number("limit"), -1);
  EXPECT_TRUE(a->flag("reverse"));
  EXPECT_EQ(a->json_text("data"), R"({"n":1.0,"z":[1e2]})");
  EXPECT_EQ(a->object("since")->number("offset"), 7);
  EXPECT_THAT(a->texts("users"), ElementsAre("a", "b"));
  EXPECT_FALSE(a->has("key"));
  EXPECT_EQ(a->text("key"), "");
}

TEST(Arguments, NamesHaveAnyCase_NullIsAbsent_AndEmptyIsAbsentWhereItMeansNothing) {
  const auto a = read(R"({"Room":"tea","LIMIT":null,"key":"","tags":{},"d\u0061ta":"","since":null})");
  ASSERT_TRUE(a) << a.error().operator_text();
  EXPECT_EQ(a->text("channel"), "tea");
  EXPECT_FALSE(a->has("limit"));
  EXPECT_FALSE(a->has("key"));
  EXPECT_FALSE(a->has("since"));
  EXPECT_EQ(a->json_text("data"), R"("")"); // empty data stays data
  EXPECT_EQ(refused(R"({"channel":"tea","tags":null})"), "");
  EXPECT_EQ(refused(R"({"channel":"tea","tags":false})"), "");
}

TEST(Arguments, AnIntegerMayHaveAFractionOfZero) {
  EXPECT_EQ(read(R"({"channel":"tea","limit":5.0})")->number("limit"), 5);
  EXPECT_EQ(read(R"({"channel":"tea","limit":1e1})")->number("limit"), 10);
  EXPECT_EQ(read(R"({"channel":"tea","offset":9007199254740991.0})")->number("offset"), 9'007'199'254'740'991);
}

TEST(Arguments, ARefusalNamesTheField) {
  EXPECT_EQ(refused(R"({})"), "BAD_REQUEST channel");
  EXPECT_EQ(refused(R"({"channel":null})"), "BAD_REQUEST channel");
  EXPECT_EQ(refused(R"({"channel":7})"), "BAD_REQUEST channel");
  EXPECT_EQ(refused(R"({"channel":""})"), "ROOM_NAME_INVALID channel");
  EXPECT_EQ(refused(R"({"room":"x:"})"), "ROOM_NAME_INVALID channel");
  EXPECT_EQ(refused(R"({"channel":"a","room":"a"})"), "BAD_REQUEST channel");
  EXPECT_EQ(refused(R"({"channel":"a","chanel":"a"})"), "BAD_REQUEST chanel");
  for (const char* limit : {"-2", "101", "1.5", "\"1\"", "true", "[]", "1e300", "18446744073709551615"})
    EXPECT_EQ(refused(R"({"channel":"a","limit":)" + std::string(limit) + "}"), "BAD_REQUEST limit") << limit;
  EXPECT_EQ(refused(R"({"channel":"a","reverse":1})"), "BAD_REQUEST reverse");
  EXPECT_EQ(refused(R"({"channel":"a","since":{}})"), "BAD_REQUEST offset");
  EXPECT_EQ(refused(R"({"channel":"a","since":{"offset":11}})"), "BAD_REQUEST offset");
  EXPECT_EQ(refused(R"({"channel":"a","since":{"offset":1,"x":1}})"), "BAD_REQUEST x");
  for (const char* users : {"[]", R"(["a","b","c"])", "[1]", R"(["a b"])", R"("a")", "{}"})
    EXPECT_EQ(refused(R"({"channel":"a","users":)" + std::string(users) + "}"), "BAD_REQUEST users") << users;
  for (const char* key : {"12345", "a b", "\xc3\xa9"})
    EXPECT_EQ(refused(R"({"channel":"a","key":")" + std::string(key) + "\"}"), "BAD_REQUEST key") << key;
  EXPECT_EQ(refused(R"({"channel":"a","person":"u_1","den":"private:x"})"), "");
  for (const char* id : {"app:x", "system:x", "a b", ""})
    EXPECT_EQ(refused(R"({"channel":"a","person":")" + std::string(id) + "\"}"), "BAD_REQUEST person") << id;
  for (const char* room : {"tea", "direct:0f", "user:x", "private:X", "private:a:b"})
    EXPECT_EQ(refused(R"({"channel":"a","den":")" + std::string(room) + "\"}"), "ROOM_NAME_INVALID den") << room;
  EXPECT_EQ(refused(R"({"channel":"a","tags":{"x":"y"}})"), "API_FIELD_REFUSED tags");
  EXPECT_EQ(refused(R"({"channel":"a","tags":"x"})"), "API_FIELD_REFUSED tags");
}

} // namespace
} // namespace foyer::api
