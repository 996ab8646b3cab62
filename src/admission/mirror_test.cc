#include "admission/mirror.h"

#include <gmock/gmock.h>

#include "admission/testing/door_world.h"
#include "base/bytes.h"
#include "wire/problem.h"

namespace foyer::admission {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

std::string jwt(std::string_view head, std::string_view claims) {
  return base64url_encode(head) + '.' + base64url_encode(claims) + ".c2lnbmF0dXJl";
}

std::string of(const json::Object& seen, std::string_view name) { return json::write(seen.at(name)); }

Response refused() { return wire::problem({.cause = Cause::UPGRADE_STRIPPED}, Ref{"ref-1"}, false); }

TEST(Mirror, ShowsWhatAProxyTookAwayAndAdded) {
  auto request = without(without(handshake(), "Upgrade"), "Connection");
  request.version_minor = 0;
  request = also(also(std::move(request), "X-Forwarded-For", "203.0.113.7, 10.0.0.1"), "Via", "1.1 squid");
  request.address = "203.0.113.7";
  const auto saw = seen(policy(), request);
  EXPECT_EQ(of(saw, "http_version"), R"("1.0")");
  EXPECT_EQ(of(saw, "upgrade"), "null");
  EXPECT_EQ(of(saw, "connection"), "null");
  EXPECT_EQ(of(saw, "key"), R"("dGhlIHNhbXBsZSBub25jZQ==")");
  EXPECT_EQ(of(saw, "via"), R"("1.1 squid")");
  EXPECT_EQ(of(saw, "x_forwarded_for"), R"("203.0.113.7, 10.0.0.1")");
  EXPECT_EQ(of(saw, "address"), R"("203.0.113.7")");
  EXPECT_EQ(of(saw, "scheme"), R"("http")");
  EXPECT_EQ(of(saw, "path"), R"("/ws/chat")");
  EXPECT_EQ(of(saw, "headers"), R"(["Host","Sec-WebSocket-Key","Sec-WebSocket-Version","X-Forwarded-For","Via"])");
  // Host: chat.example, and so on, each with ": " and a line end
  EXPECT_EQ(saw.at("header_bytes").as_int64(), 20 + 45 + 27 + 40 + 16);
}

TEST(Mirror, NamesCredentialsAndNeverRepeatsThem) {
  const auto token = jwt(R"({"alg":"HS256","typ":"at+jwt","kid":"k1"})",
      R"({"iss":"https://id.example","aud":["foyer","other"],"exp":1893456000,"sub":"alice","email":"a@b.example"})");
  auto request = with(handshake(), "Authorization", "Bearer " + token);
  request = also(std::move(request), "Sec-WebSocket-Protocol", "foyer.v1, bearer." + token);
  request = also(std::move(request), "Cookie", "foyer_session=a-secret,rest-of-it==; theme=dark");
  request = query(std::move(request), "ticket=another-secret");
  const auto saw = seen(policy(), request);
  EXPECT_EQ(of(saw, "auth"), R"(["header","subprotocol","ticket","cookie"])");
  EXPECT_EQ(of(saw, "subprotocols"), R"x(["foyer.v1","(a credential)"])x");
  EXPECT_EQ(of(saw, "cookies"), R"(["foyer_session","theme"])");
  EXPECT_EQ(of(saw, "token"),
      R"({"alg":"HS256","kid":"k1","typ":"at+jwt","iss":"https://id.example","aud":["foyer","other"],"exp":1893456000})");
  const auto all = json::write(saw);
  for (const auto* secret : {"a-secret", "rest-of-it", "another-secret", "dark", "alice", "email"})
    EXPECT_THAT(all, Not(HasSubstr(secret)));
  EXPECT_THAT(all, Not(HasSubstr(token.substr(0, token.find('.')))));
}

TEST(Mirror, ReadsNoClaimsOfWhatIsNoToken) {
  for (const std::string_view value : {"opaque", "a.b.c", "..", "e30.W10.", "e30"})
    EXPECT_EQ(of(seen(policy(), with(handshake(), "Authorization", "Bearer " + std::string{value})), "token"), "null")
        << value;
  EXPECT_EQ(of(seen(policy(), with(handshake(), "Authorization", "Bearer e30.e30.x")), "token"),
      R"({"alg":null,"kid":null,"typ":null,"iss":null,"aud":null,"exp":null})");
}

TEST(Mirror, IsBoundedAndPrintable) {
  auto request = with(handshake(), "Origin", std::string(5'000, 'x') + "\x01\xff");
  for (int i = 0; i < 300; ++i) request = also(std::move(request), "X-N" + std::to_string(i), "v");
  request = also(std::move(request), "Cookie", "a=b;;=c; ;d; \x01=e");
  const auto saw = seen(policy(), request);
  EXPECT_LT(of(saw, "origin").size(), 300U);
  EXPECT_EQ(saw.at("headers").as_array().size(), 100U);
  EXPECT_EQ(of(saw, "cookies"), R"(["a","\\x01"])");
  EXPECT_TRUE(json::parse(json::write(saw)));
}

TEST(Mirror, IsPartOfARefusalOnASocketPathOnly) {
  auto response = refused();
  add_mirror(policy(), handshake(), {}, response);
  const auto body = json::parse(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("code").as_string(), "UPGRADE_STRIPPED");
  EXPECT_EQ(body->as_object().at("saw").as_object().at("upgrade").as_string(), "websocket");

  auto unknown = refused();
  add_mirror(policy(), at("/sockets", handshake()), {}, unknown);
  EXPECT_THAT(unknown.body, HasSubstr(R"("saw":)")) << "a handshake elsewhere: a proxy may have changed the path";

  auto elsewhere = refused();
  add_mirror(policy(),
      at("/api/publish",
          without(without(without(handshake(), "Upgrade"), "Sec-WebSocket-Key"), "Sec-WebSocket-Version")),
      {}, elsewhere);
  EXPECT_THAT(elsewhere.body, Not(HasSubstr(R"("saw":)")));
}

TEST(Mirror, SaysWhyADoctorsTokenIsNotAccepted) {
  auto response = refused();
  add_mirror(policy(), handshake(), Refusal{.cause = Cause::TOKEN_EXPIRED}, response);
  EXPECT_THAT(response.body, HasSubstr(R"("doctor":"TOKEN_EXPIRED")"));
  EXPECT_THAT(response.body, Not(HasSubstr(R"("saw":)")));
}

} // namespace
} // namespace foyer::admission
