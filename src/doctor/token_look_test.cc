#include "doctor/token_look.h"

#include <gmock/gmock.h>

#include "base/bytes.h"

namespace foyer::doctor {
namespace {

using Form = TokenLook::Form;

std::string jwt(std::string_view payload, std::string_view header = R"({"alg":"RS256","kid":"k1"})") {
  return base64url_encode(header) + "." + base64url_encode(payload) + ".c2ln";
}

TEST(TokenLook, AJwtTellsItsClaims) {
  const auto look = look_at_token(jwt(R"({"iss":"https://a.example","aud":["chat","x"],"exp":1750000000.5,"nbf":1})"));
  EXPECT_EQ(look.form, Form::jwt);
  EXPECT_EQ(look.claims, R"(alg RS256, kid k1, issuer https://a.example, audience ["chat","x"])");
  EXPECT_EQ(look.expires, from_unix_seconds(1'750'000'000));
  EXPECT_EQ(look.begins, from_unix_seconds(1));
}

TEST(TokenLook, WhatDoesNotBelongToIt) {
  const std::string good = jwt(R"({"exp":1})");
  for (const auto& bad : std::vector<std::string>{"\"" + good + "\"", "'" + good, "Bearer" + good,
           R"({"access_token":"x"})", good.substr(0, good.find('.')) + "%2E" + "x"})
    EXPECT_EQ(look_at_token(bad).form, Form::wrapped) << bad;
}

TEST(TokenLook, WhatIsBroken) {
  const std::string good = jwt(R"({"exp":1})");
  EXPECT_THAT(look_at_token(good.substr(0, good.rfind('.'))).defect, ::testing::StartsWith("2 dots expected, 1 found"));
  EXPECT_EQ(look_at_token(good.substr(0, good.rfind('.') + 1)).form, Form::broken);
  EXPECT_EQ(look_at_token(jwt("no json")).form, Form::broken);
  EXPECT_EQ(look_at_token("eyJhbGciOi").form, Form::broken);
  EXPECT_EQ(look_at_token("a.b.c.d.e").form, Form::encrypted);
}

TEST(TokenLook, WhatIsAnotherKindOfToken) {
  for (const auto* other : {"s3cret-session-1", "v1.local", "a.b.c"})
    EXPECT_EQ(look_at_token(other).form, Form::opaque);
}

TEST(TokenLook, TimesThatAreNoTimes) {
  for (const auto* payload : {R"({"exp":"1"})", R"({"exp":-1})", R"({"exp":1e300})", R"({})"})
    EXPECT_FALSE(look_at_token(jwt(payload)).expires) << payload;
}

} // namespace
} // namespace foyer::doctor
