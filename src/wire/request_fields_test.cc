// The headers that several folders use, with their shared readers.
#include "wire/request_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::wire {
namespace {

using testing::ElementsAre;

TEST(SessionCookie, HasItsNameByScheme) {
  const Headers headers{{"Cookie", "a=1; __Host-foyer_session=s1; foyer_session=c1"}};
  EXPECT_EQ(session_cookie(headers, true).value(), "s1");
  EXPECT_EQ(session_cookie(headers, false).value(), "c1");
  EXPECT_EQ(session_cookie(Headers{}, false).value(), std::nullopt);
  EXPECT_EQ(session_cookie(Headers{{"Cookie", "foyer_session="}}, false).value(), std::nullopt)
      << "an empty cookie counts as none";
}

TEST(SessionCookie, BelowAPathItIsNotForTheWholeHost) {
  const Headers headers{{"Cookie", "__Host-foyer_session=h1; __Secure-foyer_session=p1; foyer_session=c1"}};
  EXPECT_EQ(session_cookie(headers, {true, "/chat"}).value(), "p1");
  EXPECT_EQ(session_cookie(headers, {false, "/chat"}).value(), "c1");
}

TEST(SessionCookie, ThatCameTwiceIsRefusedAlsoWithEqualValues) {
  const Headers rows[] = {{{"Cookie", "foyer_session=a; foyer_session=b"}},
      {{"Cookie", "foyer_session=a; x=1; foyer_session=a"}},
      {{"Cookie", "foyer_session=a"}, {"cookie", "foyer_session=b"}}};
  for (const auto& headers : rows) {
    const auto read = session_cookie(headers, false);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().cause, Cause::AMBIGUOUS_CREDENTIALS);
    EXPECT_EQ(read.error().field, "Cookie");
  }
}

TEST(Cookies, AreReadFromAllHeadersWithoutTheBlanksAround) {
  const Headers headers{{"Cookie", "a=1; xfoyer=no;foyer= yes ;foyer=late\t"}, {"cookie", "b=2; foyer=x=y"}};
  EXPECT_THAT(cookie_values(headers, "foyer"), ElementsAre(" yes", "late", "x=y"));
  EXPECT_THAT(cookie_values(headers, "b"), ElementsAre("2"));
  EXPECT_THAT(cookie_values(headers, "c"), ElementsAre());
}

TEST(Authorization, IsASchemeAndWhatFollows) {
  const auto read = [](std::string_view value) {
    const auto [scheme, credential] = read_authorization(value);
    return std::pair{std::string(scheme), std::string(credential)};
  };
  EXPECT_EQ(read("Bearer a.b.c"), (std::pair<std::string, std::string>{"Bearer", "a.b.c"}));
  EXPECT_EQ(read(" bEARER \t a.b.c \t"), (std::pair<std::string, std::string>{"bEARER", "a.b.c"}));
  EXPECT_EQ(read("Bearer a b"), (std::pair<std::string, std::string>{"Bearer", "a b"}));
  EXPECT_EQ(read("Bearer  "), (std::pair<std::string, std::string>{"Bearer", ""}));
  EXPECT_EQ(read(""), (std::pair<std::string, std::string>{"", ""}));
}

TEST(ContentType, IsOneHeaderWithAnyParameters) {
  EXPECT_TRUE(is_of_type({{"content-type", "Application/JSON ; charset=utf-8"}}, "application/json"));
  EXPECT_FALSE(is_of_type({{"Content-Type", "application/json"}, {"Content-Type", "text/plain"}}, "application/json"));
  EXPECT_FALSE(is_of_type({{"Content-Type", "application/jsonp"}}, "application/json"));
  EXPECT_FALSE(is_of_type({}, "application/json"));
}

TEST(Sole, IsNoneWhereAHeaderCameTwice) {
  EXPECT_EQ(*sole({{"Origin", "https://a"}}, "origin"), "https://a");
  EXPECT_EQ(sole({{"Origin", "https://a"}, {"origin", "https://a"}}, "Origin"), nullptr);
  EXPECT_EQ(sole({}, "Origin"), nullptr);
}

} // namespace
} // namespace foyer::wire
