#include "api/user_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::api {
namespace {

UserIds two() {
  return {{{.name = "shop", .issuer = "https://shop.example/", .prefix = "shop|"},
              {.name = "mail", .issuer = "mail", .prefix = "mail|"}},
      [](std::string_view prefix, std::string_view sub) { return std::string(prefix) + std::string(sub); }};
}

TEST(UserIds, AUserOfAnIssuerIsNamedByIssAndSubOrByTheIssuersName) {
  EXPECT_EQ(two().id_of("https://shop.example/", "42"), "shop|42");
  EXPECT_EQ(two().id_of("shop", "42"), "shop|42");
  EXPECT_EQ(two().id_of("https://shop.example", "42"), std::nullopt) << "exactly";
  EXPECT_EQ(two().id_of("", "42"), std::nullopt);
  EXPECT_THAT(two().names(), testing::ElementsAre("https://shop.example/", "shop", "mail"));
}

TEST(UserIds, AHintTellsOfAnIdThatBelongsToNobody) {
  EXPECT_THAT(two().hint("42"), testing::HasSubstr("The id 42 is of no account and of no issuer"));
  EXPECT_THAT(two().hint("42"), testing::HasSubstr("shop| or mail|"));
  for (const char* id : {"shop|42", "mail|~abc", "u_7", "app:orders", "system:x", ""})
    EXPECT_EQ(two().hint(id), "") << id;
}

TEST(UserIds, WithoutPrefixesEveryIdMayBelongToSomebody) {
  EXPECT_EQ(UserIds().hint("42"), "");
  EXPECT_FALSE(UserIds().any());
  const UserIds one({{.name = "idp", .issuer = "idp", .prefix = ""}},
      [](std::string_view, std::string_view sub) { return std::string(sub); });
  EXPECT_EQ(one.hint("42"), "");
  EXPECT_EQ(one.id_of("idp", "42"), "42");
}

} // namespace
} // namespace foyer::api
