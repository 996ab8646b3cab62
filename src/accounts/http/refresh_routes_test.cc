// Refreshing, by token and by cookie, and the published keys: over HTTP with a real database.
#include <argon2.h>
#include <gmock/gmock.h>

#include <array>
#include <set>

#include "accounts/testing/accounts_world.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing_world::Answer;
using testing_world::Ask;
using testing_world::test_policy;
using testing_world::World;

TEST(RefreshRoute, ATokenIsUsedOnceAndAnsweredWithItsSuccessor) {
  World w;
  const Answer in = w.register_user("alice");
  const Answer next = w.refresh(in.text("refresh_token"));
  EXPECT_EQ(next.status, 200) << next.body;
  EXPECT_NE(next.text("refresh_token"), in.text("refresh_token"));
  EXPECT_NE(next.text("access_token"), in.text("access_token"));
  EXPECT_EQ(next.text("session"), in.text("session"));
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = next.text("access_token")}).status, 200);
}

TEST(RefreshRoute, FiftyAtOnceAreOneFamilyWithOneSuccessor) {
  World w;
  const Answer in = w.register_user("alice");
  std::set<std::string> successors;
  int answered = 0;
  for (int i = 0; i < 50; ++i)
    w.send(
        "POST", "/auth/refresh", {.body = R"({"refresh_token":")" + in.text("refresh_token") + R"("})"}, [&](Answer a) {
      EXPECT_EQ(a.status, 200) << a.body;
      EXPECT_EQ(a.text("session"), in.text("session"));
      successors.insert(a.text("refresh_token"));
      ++answered;
    });
  w.turns.run_posted();
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(successors.size(), 1u);
  EXPECT_EQ(w.refresh(*successors.begin()).status, 200);
}

TEST(RefreshRoute, WithinTheGraceTheSameSuccessorComesAgainAlsoAfterARestart) {
  World w;
  const Answer in = w.register_user("alice");
  const std::string successor = w.refresh(in.text("refresh_token")).text("refresh_token");
  w.advance(seconds{10});
  w.restart();
  EXPECT_EQ(w.refresh(in.text("refresh_token")).text("refresh_token"), successor);
}

TEST(RefreshRoute, ReuseAfterItsSuccessorWasUsedKillsTheFamily) {
  World w;
  const Answer in = w.register_user("alice");
  const Answer other = w.login("alice");
  const Answer next = w.refresh(in.text("refresh_token"));
  w.advance(seconds{12});
  EXPECT_EQ(w.refresh(in.text("refresh_token")).text("refresh_token"), next.text("refresh_token"))
      << "the answer was lost";
  const Answer used = w.refresh(next.text("refresh_token"));
  const Answer reused = w.refresh(in.text("refresh_token"));
  EXPECT_EQ(reused.status, 401);
  EXPECT_EQ(reused.code(), "REFRESH_REUSED");
  EXPECT_EQ(w.refresh(used.text("refresh_token")).code(), "REFRESH_REUSED");
  EXPECT_EQ(w.call("GET", "/auth/me", {.bearer = next.text("access_token")}).code(), "SESSION_REVOKED");
  EXPECT_EQ(w.refresh(other.text("refresh_token")).status, 200); // another family
  EXPECT_THAT(w.audited(), Contains("refresh REFRESH_REUSED"));
}

TEST(RefreshRoute, UnknownExpiredAndEndedTokensAreDistinguished) {
  World w;
  EXPECT_EQ(w.refresh("nothing").code(), "REFRESH_UNKNOWN");
  const Answer idle = w.register_user("alice");
  const Answer gone = w.login("alice");
  EXPECT_EQ(w.call("POST", "/auth/logout", {.bearer = gone.text("access_token")}).status, 204);
  EXPECT_EQ(w.refresh(gone.text("refresh_token")).code(), "REFRESH_UNKNOWN");
  EXPECT_EQ(w.post("/auth/refresh", "{}").code(), "REFRESH_UNKNOWN");
  EXPECT_EQ(w.call("POST", "/auth/refresh").code(), "REFRESH_UNKNOWN");
  w.advance(days{14});
  const Answer expired = w.refresh(idle.text("refresh_token"));
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.code(), "REFRESH_EXPIRED");
}

TEST(RefreshRoute, ASessionKeptBusyEndsAtNinetyDays) {
  World w;
  std::string token = w.register_user("alice").text("refresh_token");
  for (int week = 0; week < 12; ++week) {
    w.advance(days{7});
    const Answer next = w.refresh(token);
    ASSERT_EQ(next.status, 200) << week;
    token = next.text("refresh_token");
  }
  w.advance(days{6});
  EXPECT_EQ(w.refresh(token).code(), "REFRESH_EXPIRED");
}

TEST(Cookie, ALoginByCookieHasNoRefreshTokenAndRefreshesFromAnAllowedOrigin) {
  World w;
  w.register_user("alice");
  const Answer in = w.post("/auth/login", R"({"name":"alice","password":"a quiet place","cookie":true})",
      {.origin = "https://chat.example"});
  ASSERT_EQ(in.status, 200);
  EXPECT_FALSE(in.json.contains("refresh_token"));
  const std::string set = in.header("Set-Cookie");
  EXPECT_TRUE(set.starts_with("__Host-foyer_session=")) << set;
  EXPECT_THAT(set, HasSubstr("; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Strict"));
  const std::string cookie = set.substr(0, set.find(';'));

  w.advance(days{13});
  const Answer again = w.call("POST", "/auth/refresh", {.cookie = cookie, .origin = "https://chat.example"});
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_FALSE(again.json.contains("refresh_token"));
  EXPECT_TRUE(again.header("Set-Cookie").starts_with(cookie + ";"));
  EXPECT_EQ(again.text("session"), in.text("session"));

  EXPECT_EQ(w.call("POST", "/auth/refresh", {.cookie = cookie}).code(), "ORIGIN_REQUIRED");
  const Answer foreign =
      w.call("POST", "/auth/refresh", {.cookie = cookie, .origin = "https://chat.example.evil.example"});
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(foreign.code(), "ORIGIN_NOT_ALLOWED");
  EXPECT_EQ(w.call("GET", "/auth/me", {.cookie = cookie, .origin = "https://chat.example"}).code(),
      "NO_TOKEN"); // treated as absent elsewhere
  const Answer doubled = w.call(
      "POST", "/auth/refresh", {.cookie = "__Host-foyer_session=x; " + cookie, .origin = "https://chat.example"});
  EXPECT_EQ(doubled.status, 400);
  EXPECT_EQ(doubled.code(), "AMBIGUOUS_CREDENTIALS") << "the same as at the door";

  EXPECT_EQ(w.call("POST", "/auth/logout", {.bearer = again.text("access_token")}).header("Set-Cookie"),
      "__Host-foyer_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
  const Answer over = w.call("POST", "/auth/refresh", {.cookie = cookie, .origin = "https://chat.example"});
  EXPECT_EQ(over.code(), "REFRESH_UNKNOWN");
  EXPECT_THAT(over.header("Set-Cookie"), HasSubstr("Max-Age=0"));
}

TEST(Cookie, OverHttpInDevelopmentItHasItsOtherName) {
  auto policy = test_policy();
  policy.insecure_cookies = true;
  World w(policy);
  w.register_user("alice");
  const std::string body = R"({"name":"alice","password":"a quiet place","cookie":true})";
  EXPECT_TRUE(w.post("/auth/login", body, {.secure = false}).header("Set-Cookie").starts_with("foyer_session="));
  EXPECT_TRUE(w.post("/auth/login", body, {.secure = true}).header("Set-Cookie").starts_with("__Host-foyer_session="));
  EXPECT_EQ(w.post("/auth/login", body, {.origin = "https://evil.example"}).code(), "ORIGIN_NOT_ALLOWED");
}

TEST(Cookie, ARefreshTokenInTheBodyCountsBeforeTheCookie) {
  World w;
  const Answer in = w.register_user("alice");
  const Answer next = w.post("/auth/refresh", R"({"refresh_token":")" + in.text("refresh_token") + R"("})",
      {.cookie = "__Host-foyer_session=whatever", .origin = "https://evil.example"});
  EXPECT_EQ(next.status, 200);
}

TEST(Jwks, ThePublicKeyIsPublishedAndKnownAgainByItsTag) {
  World w;
  const Answer keys = w.call("GET", "/.well-known/jwks.json");
  EXPECT_EQ(keys.status, 200);
  EXPECT_THAT(keys.body, HasSubstr(R"("crv":"Ed25519")"));
  EXPECT_THAT(keys.body, Not(HasSubstr(R"("d":)")));
  EXPECT_EQ(keys.header("Cache-Control"), "public, max-age=60");
  EXPECT_FALSE(keys.header("ETag").empty());
}

} // namespace
} // namespace foyer::accounts
