// Steps 3 to 6 by tables: the form of a handshake, and the places for a credential.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admission/testing/door_world.h"
#include "base/bytes.h"

namespace foyer::admission {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Refusal refusal_of(const Request& request, const DoorPolicy& the_policy = policy()) {
  Door door{the_policy, {.request = &request}};
  (void)drive(door);
  const Next verdict = door.next(TickingClock{});
  const auto& result = std::get<Verdict>(verdict).outcome;
  return result ? Refusal{} : result.error();
}

TEST(Transport, UpgradeHeadersAsRfc6455Wants) {
  struct Row {
    std::string what;
    Request request;
    std::string outcome;
  };
  const std::string key = "Sec-WebSocket-Key";
  const std::string version = "Sec-WebSocket-Version";
  auto http10 = bearer();
  http10.version_minor = 0;
  const std::vector<Row> rows = {
      {"as it should be", bearer(), "admitted alice"},
      {"case does not matter", with(with(bearer(), "upgrade", "WebSocket"), "CONNECTION", "UPGRADE"), "admitted alice"},
      {"one of several upgrades", with(bearer(), "Upgrade", "h2c, websocket"), "admitted alice"},
      {"no upgrade, nothing of WebSocket", without(without(without(bearer(), "Upgrade"), key), version),
          "UPGRADE_MISSING"},
      {"no upgrade, but Sec-WebSocket-*", without(bearer(), "Upgrade"), "UPGRADE_STRIPPED"},
      {"no upgrade, no key, but a version", without(without(bearer(), "Upgrade"), key), "UPGRADE_STRIPPED"},
      {"another upgrade", with(bearer(), "Upgrade", "websockets"), "UPGRADE_MISSING"},
      {"no connection", without(bearer(), "Connection"), "UPGRADE_STRIPPED"},
      {"connection close", with(bearer(), "Connection", "close"), "UPGRADE_STRIPPED"},
      {"connection of a longer word", with(bearer(), "Connection", "upgrades"), "UPGRADE_STRIPPED"},
      {"HTTP/1.0", http10, "UPGRADE_STRIPPED"},
      {"no key", without(bearer(), key), "BAD_WEBSOCKET_KEY"},
      {"two keys", also(bearer(), key, "dGhlIHNhbXBsZSBub25jZQ=="), "BAD_WEBSOCKET_KEY"},
      {"key of 15 bytes", with(bearer(), key, "AAAAAAAAAAAAAAAAAAAA"), "BAD_WEBSOCKET_KEY"},
      {"key that is not base64", with(bearer(), key, "????????????????????????"), "BAD_WEBSOCKET_KEY"},
      {"no version", without(bearer(), version), "BAD_WEBSOCKET_VERSION"},
      {"version 8", with(bearer(), version, "8"), "BAD_WEBSOCKET_VERSION"},
      {"version 013", with(bearer(), version, "013"), "BAD_WEBSOCKET_VERSION"},
      {"two versions", also(bearer(), version, "13"), "BAD_WEBSOCKET_VERSION"},
      {"HEAD",
          [] {
    auto r = bearer();
    r.method = "HEAD";
    return r;
  }(), "METHOD_NOT_ALLOWED"},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome(row.request), row.outcome) << row.what;
}

// What real proxies make of a handshake: the refusal names the fix for each proxy, and the client is never blamed.
TEST(Transport, AProxyThatBreaksTheUpgradeIsNamedWithTheFix) {
  const auto bare = without(without(handshake(), "Upgrade"), "Connection");
  const auto http10 = [](Request request) {
    request.version_minor = 0;
    return request;
  };
  struct Row {
    std::string proxy;
    Request request;
    std::string evidence;
    std::string next;
  };
  const std::vector<Row> rows = {
      {"nginx with Connection \"\"", without(handshake(), "Connection"), "an empty Connection header or none",
          "proxy_set_header Connection \"upgrade\""},
      {"an empty Connection", with(handshake(), "Connection", ""), "an empty Connection header or none",
          "proxy_set_header Connection \"upgrade\""},
      {"nginx with keep-alive", with(handshake(), "Connection", "keep-alive"), "Connection: keep-alive",
          "proxy_set_header Connection \"upgrade\""},
      {"privoxy", with(handshake(), "Connection", "close"), "with Connection: close", "Use wss://"},
      {"nginx without proxy_http_version 1.1", http10(with(handshake(), "Connection", "upgrade")), "as HTTP/1.0",
          "proxy_http_version 1.1"},
      {"nginx without proxy_http_version 1.1 and Connection", http10(with(handshake(), "Connection", "close")),
          "as HTTP/1.0", "proxy_http_version 1.1"},
      {"nginx without a line for sockets", http10(with(bare, "Connection", "close")), "what nginx sends by default",
          "proxy_set_header Upgrade $http_upgrade"},
      {"squid", with(bare, "Via", "1.1 front (Squid/5.7)"), "those of squid", "http_upgrade_request_protocols"},
      {"squid as accelerator", with(bare, "Surrogate-Capability", "x=\"Surrogate/1.0\""), "those of squid",
          "http_upgrade_request_protocols"},
      {"varnish", with(bare, "X-Varnish", "2"), "those of varnish", "return (pipe)"},
      {"tinyproxy", with(bare, "Via", "1.1 host (tinyproxy/1.11.1)"), "those of tinyproxy", "use wss://"},
      {"apache", with(with(bare, "Connection", "Keep-Alive"), "X-Forwarded-Server", "front"), "those of apache",
          "upgrade=websocket"},
      {"lighttpd", with(with(bare, "Connection", "close"), "X-Host", "front"), "those of lighttpd",
          "\"upgrade\" => \"enable\""},
      {"an unknown one", bare, "without an Upgrade header", "proxy_http_version 1.1"},
  };
  for (const auto& row : rows) {
    const auto refusal = refusal_of(row.request);
    EXPECT_EQ(refusal.cause, Cause::UPGRADE_STRIPPED) << row.proxy;
    EXPECT_EQ(refusal.info().who, Who::operator_);
    EXPECT_THAT(refusal.evidence, HasSubstr(row.evidence)) << row.proxy;
    EXPECT_THAT(std::string{refusal.next_step()}, HasSubstr(row.next)) << row.proxy;
  }
}

TEST(Transport, AnUnknownPathGetsTheRightOne) {
  for (const std::string path : {"/ws", "/ws/chat/", "/WS/chat", "/ws/secure", "/"}) {
    const auto refusal = refusal_of(at(path, bearer()));
    EXPECT_EQ(refusal.cause, Cause::UNKNOWN_PATH) << path;
    EXPECT_THAT(refusal.evidence, HasSubstr("wss://chat.example/ws/"));
  }
  EXPECT_THAT(refusal_of(at("/ws/chatt", bearer())).evidence, HasSubstr("/ws/chat"));
}

TEST(Transport, OriginsAreComparedExactly) {
  for (const std::string origin : {"https://chat.example", "http://localhost:8000"})
    EXPECT_EQ(outcome(with(bearer(), "Origin", origin)), "admitted alice") << origin;
  for (const std::string origin : {"null", "", "http://chat.example", "https://chat.example:443",
           "https://chat.example/", "https://chat.example.evil.com", "https://evilchat.example", "https://CHAT.example",
           "http://localhost:8001", "http://localhost"})
    EXPECT_EQ(outcome(with(bearer(), "Origin", origin)), "ORIGIN_NOT_ALLOWED") << origin;
  EXPECT_EQ(outcome(also(browser(bearer()), "Origin", "https://chat.example")), "ORIGIN_NOT_ALLOWED");
  auto with_null = policy();
  with_null.allowed_origins.emplace_back("null");
  EXPECT_EQ(outcome(with(bearer(), "Origin", "null"), {}, with_null), "admitted alice");
}

TEST(Transport, HostsThatPass) {
  for (const std::string host : {"chat.example", "CHAT.example", "chat.example:8443", "localhost", "localhost:8000",
           "127.0.0.1:8000", "[::1]:8000", "[::1]"})
    EXPECT_EQ(outcome(with(bearer(), "Host", host)), "admitted alice") << host;
  for (const std::string host :
      {"", "evil.example", "chat.example.evil.com", "localhost.evil.com", "[evil]:80", "127.0.0.1.evil.com"})
    EXPECT_EQ(outcome(with(bearer(), "Host", host)), "HOST_NOT_ALLOWED") << host;
  EXPECT_EQ(outcome(without(bearer(), "Host")), "HOST_NOT_ALLOWED");
  EXPECT_EQ(outcome(also(bearer(), "Host", "chat.example")), "HOST_NOT_ALLOWED");
}

TEST(Subprotocol, OnlyWhatWasOfferedIsSelected) {
  struct Row {
    std::string offered;
    std::string outcome;
    std::string selected;
  };
  const std::vector<Row> rows = {
      {"foyer.v1", "admitted alice", "foyer.v1"},
      {"chat.v9, foyer.v1", "admitted alice", "foyer.v1"},
      {"chat.v9,,  foyer.v1 ,", "admitted alice", "foyer.v1"},
      {"foyer.v2", "SUBPROTOCOL_UNSUPPORTED", ""},
      {"FOYER.V1", "SUBPROTOCOL_UNSUPPORTED", ""},
      {"bearer.a.b.c", "SUBPROTOCOL_MALFORMED", ""},
      {"jwt.abc", "SUBPROTOCOL_MALFORMED", ""},
      {std::string(65, 'x'), "SUBPROTOCOL_MALFORMED", ""},
      {"foyer.v1, Bearer abc", "SUBPROTOCOL_MALFORMED", ""},
      {"foyer.v1, foyer.v1", "SUBPROTOCOL_MALFORMED", ""},
      {"chat.v9, bearer.a.b.c", "SUBPROTOCOL_UNSUPPORTED", ""},
  };
  for (const auto& row : rows) {
    const auto request = with(handshake(), "Sec-WebSocket-Protocol", row.offered);
    const auto the_policy = policy();
    Door door{the_policy, {.request = &request}};
    EXPECT_EQ(drive(door).outcome, row.outcome) << row.offered;
    EXPECT_EQ(door.selected_subprotocol(), row.selected) << row.offered;
    EXPECT_EQ(refusal_of(request).evidence.find("a.b.c"), std::string::npos);
  }
  EXPECT_EQ(outcome(also(with(handshake(), "Sec-WebSocket-Protocol", "chat.v9"), "Sec-WebSocket-Protocol", "foyer.v1")),
      "admitted alice");
}

TEST(Credential, StandsInOneOfTheFormsAndNowhereElse) {
  const auto offers = [](const std::string& text) { return with(handshake(), "Sec-WebSocket-Protocol", text); };
  const auto asked = [](const Request& request) { return drive(request).asked.at(1); };
  EXPECT_EQ(asked(with(handshake(), "Authorization", "bEARER   a.b.c")), "token a.b.c");
  EXPECT_EQ(asked(offers("foyer.v1, bearer.a.b.c")), "token a.b.c");
  EXPECT_EQ(asked(offers("bearer.a.b.c, foyer.v1")), "token a.b.c");
  EXPECT_EQ(asked(offers("foyer.v1, bearer." + base64url_encode("a.b.c"))), "token a.b.c");
  EXPECT_EQ(asked(query(handshake(), "x=1&ticket=t%2d1")), "ticket t-1");
  EXPECT_EQ(asked(query(handshake(), "tickets=t1")), "first message");
  EXPECT_EQ(asked(with(handshake(), "Cookie", "foyer_session=c1")), "first message")
      << "without ?auth=cookie it is as if absent";
  EXPECT_EQ(
      asked(query(with(browser(handshake()), "Cookie", "a=b; foyer_session=c1; d=e"), "auth=cookie")), "cookie c1");
}

TEST(Credential, TheCookieHasItsNameByScheme) {
  const auto request =
      query(with(browser(handshake()), "Cookie", "__Host-foyer_session=s1; foyer_session=c1"), "auth=cookie");
  EXPECT_EQ(drive(request, {}, policy(), true).asked.at(1), "cookie s1");
  EXPECT_EQ(drive(request, {}, policy(), false).asked.at(1), "cookie c1");
  DoorPolicy strict = policy();
  strict.secure_cookies = true;
  EXPECT_EQ(drive(request, {}, strict, false).asked.at(1), "cookie s1")
      << "as set by the accounts, behind a proxy that does not announce https";
}

TEST(Credential, ASessionCookieThatCameTwiceIsRefused) {
  for (const auto* cookies : {"foyer_session=a; foyer_session=b", "foyer_session=a; foyer_session=a"}) {
    const auto outcome = drive(query(with(browser(handshake()), "Cookie", cookies), "auth=cookie"));
    EXPECT_EQ(outcome.outcome, "AMBIGUOUS_CREDENTIALS") << cookies;
  }
}

TEST(Credential, WhatIsWrongWithIt) {
  struct Row {
    std::string what;
    Request request;
    std::string outcome;
  };
  const auto offers = [](const std::string& text) { return with(handshake(), "Sec-WebSocket-Protocol", text); };
  const auto cookie = with(handshake(), "Cookie", "foyer_session=c1");
  const std::vector<Row> rows = {
      {"another scheme", with(handshake(), "Authorization", "InvalidFormat x"), "INVALID_FORMAT"},
      {"a scheme alone", with(handshake(), "Authorization", "Bearer"), "INVALID_FORMAT"},
      {"spaces for a token", with(handshake(), "Authorization", "Bearer   "), "INVALID_FORMAT"},
      {"an empty header", with(handshake(), "Authorization", ""), "INVALID_FORMAT"},
      {"a token with a space", with(handshake(), "Authorization", "Bearer a.b.c d"), "INVALID_FORMAT"},
      {"a token that is too long", with(handshake(), "Authorization", "Bearer " + std::string(8193, 'a')),
          "INVALID_FORMAT"},
      {"an empty bearer offer", offers("foyer.v1, bearer."), "INVALID_FORMAT"},
      {"a bearer offer that is not base64url", offers("foyer.v1, bearer.a*b"), "INVALID_FORMAT"},
      {"an offer with another prefix", offers("foyer.v1, jwt.abc"), "INVALID_FORMAT"},
      {"a JWT offered as it is", offers("foyer.v1, eyJh.b.c"), "INVALID_FORMAT"},
      {"an empty ticket", query(handshake(), "ticket="), "INVALID_FORMAT"},
      {"a ticket that is too long", query(handshake(), "ticket=" + std::string(513, 't')), "INVALID_FORMAT"},
      {"a ticket with a line end", query(handshake(), "ticket=a%0d%0a"), "INVALID_FORMAT"},
      {"token in the query", query(handshake(), "token=a.b.c"), "TOKEN_IN_URL"},
      {"access_token in the query", query(handshake(), "access_token=a.b.c"), "TOKEN_IN_URL"},
      {"its name in disguise", query(handshake(), "t%6Fken=a.b.c"), "TOKEN_IN_URL"},
      {"header and query", query(bearer(), "token=a.b.c"), "TOKEN_IN_URL"},
      {"header twice, equal", also(bearer(), "Authorization", "Bearer a.b.c"), "AMBIGUOUS_CREDENTIALS"},
      {"header and offer, equal", with(bearer(), "Sec-WebSocket-Protocol", "foyer.v1, bearer.a.b.c"),
          "AMBIGUOUS_CREDENTIALS"},
      {"two offers", offers("foyer.v1, bearer.a.b.c, bearer.a.b.c"), "AMBIGUOUS_CREDENTIALS"},
      {"header and ticket", query(bearer(), "ticket=t1"), "AMBIGUOUS_CREDENTIALS"},
      {"two tickets", query(handshake(), "ticket=t1&ticket=t1"), "AMBIGUOUS_CREDENTIALS"},
      {"header and announced cookie", query(browser(with(bearer(), "Cookie", "foyer_session=c1")), "auth=cookie"),
          "AMBIGUOUS_CREDENTIALS"},
      {"another scheme and a ticket", query(with(handshake(), "Authorization", "Basic eA=="), "ticket=t1"),
          "AMBIGUOUS_CREDENTIALS"},
      {"announced header did not arrive", query(handshake(), "auth=header"), "AUTH_HEADER_STRIPPED"},
      {"announced header did not arrive, a ticket did", query(handshake(), "auth=header&ticket=t1"),
          "AUTH_HEADER_STRIPPED"},
      {"announced subprotocol did not arrive", query(handshake(), "auth=subprotocol"), "NO_TOKEN"},
      {"announced ticket did not arrive", query(handshake(), "auth=ticket"), "NO_TOKEN"},
      {"announced cookie did not arrive", query(browser(handshake()), "auth=cookie"), "NO_TOKEN"},
      {"announced cookie is empty", query(browser(with(handshake(), "Cookie", "foyer_session=")), "auth=cookie"),
          "NO_TOKEN"},
      {"announced cookie did not arrive, a header did", query(browser(bearer()), "auth=cookie"), "NO_TOKEN"},
      {"announced and arrived", query(bearer(), "auth=header"), "admitted alice"},
      {"a cookie without an Origin", query(cookie, "auth=cookie"), "ORIGIN_REQUIRED"},
      {"a cookie with a foreign Origin", query(with(cookie, "Origin", "https://evil.example"), "auth=cookie"),
          "ORIGIN_NOT_ALLOWED"},
      {"two cookies of the name",
          query(browser(with(handshake(), "Cookie", "foyer_session=a; foyer_session=b")), "auth=cookie"),
          "AMBIGUOUS_CREDENTIALS"},
      {"echo without a credential", at("/ws/echo", handshake()), "NO_TOKEN"},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome(row.request), row.outcome) << row.what;
}

TEST(Credential, SwitchesOfThePolicy) {
  auto in_url = policy();
  in_url.token_in_url = true;
  EXPECT_EQ(drive(query(handshake(), "token=a.b.c"), {}, in_url).asked.at(1), "token a.b.c");
  EXPECT_EQ(drive(query(handshake(), "access_token=a.b.c"), {}, in_url).asked.at(1), "token a.b.c");
  EXPECT_EQ(outcome(query(bearer(), "token=a.b.c"), {}, in_url), "AMBIGUOUS_CREDENTIALS");
  auto at_handshake = policy();
  at_handshake.first_message_auth = false;
  EXPECT_EQ(outcome(handshake(), {}, at_handshake), "NO_TOKEN");
}

TEST(Credential, NoSecretIsInARefusal) {
  const std::string secret = "s3cr3t-s3cr3t";
  auto two = also(
      with(handshake(), "Authorization", "Basic " + secret), "Sec-WebSocket-Protocol", "foyer.v1, bearer." + secret);
  for (const auto& request : {two, with(handshake(), "Authorization", "Basic " + secret),
           query(handshake(), "token=" + secret), query(handshake(), "auth=header&ticket=" + secret),
           with(handshake(), "Sec-WebSocket-Protocol", "bearer." + secret),
           with(handshake(), "Sec-WebSocket-Protocol", "foyer.v9, bearer." + secret)}) {
    const auto refusal = refusal_of(request);
    EXPECT_EQ(refusal.operator_text().find(secret), std::string::npos) << refusal.operator_text();
  }
}

} // namespace
} // namespace foyer::admission
