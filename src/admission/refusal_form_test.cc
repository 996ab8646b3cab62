// How a refusal is sent: by HTTP or by a close frame, and which subprotocol is echoed.
#include <gtest/gtest.h>

#include "admission/testing/door_world.h"
#include "base/json.h"

namespace foyer::admission {
namespace {

using namespace testing;

struct Sent {
  std::string code;
  bool by_close = false;
  std::string echo;
  friend bool operator==(const Sent&, const Sent&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Sent& t) {
    return out << t.code << (t.by_close ? " by close, echo '" : " by HTTP, echo '") << t.echo << "'";
  }
};

Sent sent(const Request& request, const Answers& answers = {}, const DoorPolicy& the_policy = policy()) {
  Door door{the_policy, {.request = &request}};
  Sent out;
  out.code = drive(door, answers).outcome;
  const Next verdict = door.next(TickingClock{});
  out.by_close = door.refuse_by_close(std::get<Verdict>(verdict).outcome.error());
  out.echo = door.refusal_subprotocol();
  return out;
}

const Answers kExpired{.token = std::unexpected(Refusal{.cause = Cause::TOKEN_EXPIRED})};
const Answers kNotReady{.readiness = Refusal{.cause = Cause::NOT_READY}};

TEST(RefusalForm, BrowsersGetACloseFrameAndAllOthersHttp) {
  EXPECT_EQ(sent(bearer(), kExpired), (Sent{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(sent(browser(bearer()), kExpired), (Sent{"TOKEN_EXPIRED", true, ""}));
  EXPECT_EQ(sent(browser(handshake()), kNotReady), (Sent{"NOT_READY", true, ""}));
  EXPECT_EQ(sent(at("/ws", browser(handshake()))), (Sent{"UNKNOWN_PATH", true, ""}));
}

// Node 22 fires `error` and never `close` for an HTTP refusal, Deno closes with 0; neither sends an Origin.
TEST(RefusalForm, NodeAndDenoGetACloseFrameLikeBrowsers) {
  const auto node = with(bearer(), "Sec-Fetch-Mode", "websocket");
  EXPECT_EQ(sent(node, kExpired), (Sent{"TOKEN_EXPIRED", true, ""}));
  EXPECT_EQ(sent(with(bearer(), "User-Agent", "Deno/2.9.6"), kExpired), (Sent{"TOKEN_EXPIRED", true, ""}))
      << "recognised by its User-Agent only";
  EXPECT_EQ(sent(with(bearer(), "Sec-Fetch-Mode", "cors"), kExpired), (Sent{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(sent(with(bearer(), "User-Agent", "python-websockets/10.4"), kExpired), (Sent{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(sent(with(node, "Origin", "https://evil.example"), kExpired), (Sent{"ORIGIN_NOT_ALLOWED", false, ""}));
  auto http = policy();
  http.refuse_with = RefuseWith::http;
  EXPECT_EQ(sent(node, kExpired, http), (Sent{"TOKEN_EXPIRED", false, ""}));
}

TEST(RefusalForm, TheOptionOverridesTheChoice) {
  auto http = policy();
  http.refuse_with = RefuseWith::http;
  auto close = policy();
  close.refuse_with = RefuseWith::close;
  EXPECT_FALSE(sent(browser(bearer()), kExpired, http).by_close);
  EXPECT_TRUE(sent(bearer(), kExpired, close).by_close);
  EXPECT_FALSE(sent(with(bearer(), "Origin", "https://evil.example"), {}, close).by_close);
  EXPECT_FALSE(sent(without(bearer(), "Sec-WebSocket-Key"), {}, close).by_close);
}

TEST(RefusalForm, AForeignOriginGetsHttpWhateverFailed) {
  const auto foreign = with(bearer(), "Origin", "https://evil.example");
  EXPECT_EQ(sent(foreign), (Sent{"ORIGIN_NOT_ALLOWED", false, ""}));
  EXPECT_EQ(sent(foreign, kNotReady), (Sent{"NOT_READY", false, ""}));
  EXPECT_EQ(sent(at("/ws", foreign)), (Sent{"UNKNOWN_PATH", false, ""}));
}

TEST(RefusalForm, WithoutAValidUpgradeItCanOnlyBeHttp) {
  EXPECT_FALSE(sent(browser(without(bearer(), "Upgrade"))).by_close);
  EXPECT_FALSE(sent(browser(with(bearer(), "Sec-WebSocket-Version", "8")), kNotReady).by_close);
  auto post = browser(bearer());
  post.method = "POST";
  EXPECT_FALSE(sent(post).by_close);
  EXPECT_FALSE(sent(browser(with(bearer(), "Host", "evil.example"))).by_close) << "HOST_NOT_ALLOWED has no close code";
}

TEST(RefusalForm, EchoesWhatWasOfferedAndNeverACredential) {
  const auto offers = [](const std::string& text) {
    return browser(with(handshake(), "Sec-WebSocket-Protocol", text));
  };
  EXPECT_EQ(sent(offers("other.v1, foyer.v1, bearer.a.b.c"), kExpired), (Sent{"TOKEN_EXPIRED", true, "foyer.v1"}));
  EXPECT_EQ(sent(offers("bearer.a.b.c, other.v1")), (Sent{"SUBPROTOCOL_UNSUPPORTED", true, "other.v1"}));
  EXPECT_EQ(sent(offers("jwt.abc, " + std::string(65, 'x') + ", other.v1")),
      (Sent{"SUBPROTOCOL_UNSUPPORTED", true, "other.v1"}));
  EXPECT_EQ(sent(offers("bearer.a.b.c")), (Sent{"SUBPROTOCOL_MALFORMED", false, ""}));
  EXPECT_EQ(sent(offers("foyer.v1, a b")), (Sent{"SUBPROTOCOL_MALFORMED", false, "foyer.v1"}));
  EXPECT_EQ(sent(offers("bearer.a.b.c"), kNotReady), (Sent{"NOT_READY", false, ""})) << "nothing could be echoed";
  EXPECT_EQ(sent(at("/ws", offers("other.v1"))), (Sent{"UNKNOWN_PATH", true, "other.v1"}));
}

TEST(RefusalForm, AfterTheUpgradeOnlyTheCloseFrameIsLeft) {
  EXPECT_EQ(sent(handshake(), {.first = Answers::First::timeout}), (Sent{"AUTHENTICATE_TIMEOUT", true, ""}));
  EXPECT_EQ(sent(handshake(), kExpired), (Sent{"TOKEN_EXPIRED", true, ""}));
}

TEST(PlainGet, SaysWhatThePathIsFor) {
  auto request = without(
      without(without(without(handshake(), "Upgrade"), "Connection"), "Sec-WebSocket-Key"), "Sec-WebSocket-Version");
  EXPECT_TRUE(is_plain_get(policy(), request));
  for (const bool with_origin : {false, true}) {
    const auto response = explain_plain_get(policy(), with_origin ? browser(request) : request);
    EXPECT_EQ(response.status, 426);
    const auto body = json::parse(response.body);
    ASSERT_TRUE(body) << response.body;
    EXPECT_EQ(json::get_string(body->get_object(), "code"), "UPGRADE_MISSING");
    EXPECT_EQ(json::write(body->get_object().at("sockets")), R"(["/ws/chat","/ws/echo","/ws/open","/ws/asked"])");
    EXPECT_EQ(*response.headers.find("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(response.headers.find("Access-Control-Expose-Headers"), nullptr);
    EXPECT_NE(response.headers.find("Upgrade"), nullptr);
    EXPECT_EQ(response.headers.find("X-Foyer"), nullptr);
  }
  const auto foreign = explain_plain_get(policy(), with(request, "Origin", "https://evil.example"));
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(json::get_string(json::parse(foreign.body)->get_object(), "code"), "ORIGIN_NOT_ALLOWED");
  EXPECT_EQ(*foreign.headers.find("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(*foreign.headers.find("X-Foyer"), "foyer; ref=ref-1");
  EXPECT_EQ(explain_plain_get(policy(), with(request, "Host", "evil.example")).status, 421);
}

TEST(PlainGet, WhatIsForTheDoor) {
  const auto plain = without(without(without(handshake(), "Upgrade"), "Sec-WebSocket-Key"), "Sec-WebSocket-Version");
  EXPECT_TRUE(is_socket_path(policy(), plain));
  EXPECT_FALSE(is_socket_path(policy(), at("/anything", handshake())));
  EXPECT_TRUE(asks_for_socket(at("/anything", handshake())));
  EXPECT_TRUE(asks_for_socket(at("/anything", without(handshake(), "Upgrade"))));
  EXPECT_FALSE(asks_for_socket(plain));
  EXPECT_FALSE(asks_for_socket(with(plain, "Upgrade", "h2c")));
  EXPECT_FALSE(is_plain_get(policy(), without(handshake(), "Upgrade")));
  EXPECT_FALSE(is_plain_get(policy(), at("/anything", plain)));
}

} // namespace
} // namespace foyer::admission
