// How a refusal is told: by HTTP or by a close frame, and what is echoed with it.
#include <gtest/gtest.h>

#include "admission/testing/door_world.h"
#include "base/json.h"

namespace foyer::admission {
namespace {

using namespace testing;

struct Told {
  std::string code;
  bool by_close = false;
  std::string echo;
  friend bool operator==(const Told&, const Told&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Told& t) {
    return out << t.code << (t.by_close ? " by close, echo '" : " by HTTP, echo '") << t.echo << "'";
  }
};

Told told(const Request& request, const Answers& answers = {}, const DoorPolicy& the_policy = policy()) {
  Door door{the_policy, {.request = &request}};
  Told out;
  out.code = drive(door, answers).outcome;
  const Next verdict = door.next(TickingClock{});
  out.by_close = door.refuse_by_close(std::get<Verdict>(verdict).outcome.error());
  out.echo = door.refusal_subprotocol();
  return out;
}

const Answers kExpired{.token = std::unexpected(Refusal{.cause = Cause::TOKEN_EXPIRED})};
const Answers kNotReady{.readiness = Refusal{.cause = Cause::NOT_READY}};

TEST(Telling, BrowsersGetACloseFrameAndAllOthersHttp) {
  EXPECT_EQ(told(bearer(), kExpired), (Told{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(told(browser(bearer()), kExpired), (Told{"TOKEN_EXPIRED", true, ""}));
  EXPECT_EQ(told(browser(handshake()), kNotReady), (Told{"NOT_READY", true, ""}));
  EXPECT_EQ(told(at("/ws", browser(handshake()))), (Told{"UNKNOWN_PATH", true, ""}));
}

// Node 22 fires `error` and never `close` for an HTTP refusal, Deno closes with 0; neither sends an Origin.
TEST(Telling, NodeAndDenoAreToldByCloseLikeBrowsers) {
  const auto node = with(bearer(), "Sec-Fetch-Mode", "websocket");
  EXPECT_EQ(told(node, kExpired), (Told{"TOKEN_EXPIRED", true, ""}));
  EXPECT_EQ(told(with(bearer(), "User-Agent", "Deno/2.9.6"), kExpired), (Told{"TOKEN_EXPIRED", true, ""}))
      << "it names itself, and nothing else tells it";
  EXPECT_EQ(told(with(bearer(), "Sec-Fetch-Mode", "cors"), kExpired), (Told{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(told(with(bearer(), "User-Agent", "python-websockets/10.4"), kExpired), (Told{"TOKEN_EXPIRED", false, ""}));
  EXPECT_EQ(told(with(node, "Origin", "https://evil.example"), kExpired), (Told{"ORIGIN_NOT_ALLOWED", false, ""}));
  auto http = policy();
  http.refuse_with = RefuseWith::http;
  EXPECT_EQ(told(node, kExpired, http), (Told{"TOKEN_EXPIRED", false, ""}));
}

TEST(Telling, TheOptionOverridesTheChoice) {
  auto http = policy();
  http.refuse_with = RefuseWith::http;
  auto close = policy();
  close.refuse_with = RefuseWith::close;
  EXPECT_FALSE(told(browser(bearer()), kExpired, http).by_close);
  EXPECT_TRUE(told(bearer(), kExpired, close).by_close);
  EXPECT_FALSE(told(with(bearer(), "Origin", "https://evil.example"), {}, close).by_close);
  EXPECT_FALSE(told(without(bearer(), "Sec-WebSocket-Key"), {}, close).by_close);
}

TEST(Telling, AForeignOriginGetsHttpWhateverFailed) {
  const auto foreign = with(bearer(), "Origin", "https://evil.example");
  EXPECT_EQ(told(foreign), (Told{"ORIGIN_NOT_ALLOWED", false, ""}));
  EXPECT_EQ(told(foreign, kNotReady), (Told{"NOT_READY", false, ""}));
  EXPECT_EQ(told(at("/ws", foreign)), (Told{"UNKNOWN_PATH", false, ""}));
}

TEST(Telling, WithoutAValidUpgradeItCanOnlyBeHttp) {
  EXPECT_FALSE(told(browser(without(bearer(), "Upgrade"))).by_close);
  EXPECT_FALSE(told(browser(with(bearer(), "Sec-WebSocket-Version", "8")), kNotReady).by_close);
  auto post = browser(bearer());
  post.method = "POST";
  EXPECT_FALSE(told(post).by_close);
  EXPECT_FALSE(told(browser(with(bearer(), "Host", "evil.example"))).by_close) << "HOST_NOT_ALLOWED has no close code";
}

TEST(Telling, EchoesWhatWasOfferedAndNeverACredential) {
  const auto offers = [](const std::string& text) {
    return browser(with(handshake(), "Sec-WebSocket-Protocol", text));
  };
  EXPECT_EQ(told(offers("other.v1, foyer.v1, bearer.a.b.c"), kExpired), (Told{"TOKEN_EXPIRED", true, "foyer.v1"}));
  EXPECT_EQ(told(offers("bearer.a.b.c, other.v1")), (Told{"SUBPROTOCOL_UNSUPPORTED", true, "other.v1"}));
  EXPECT_EQ(told(offers("jwt.abc, " + std::string(65, 'x') + ", other.v1")),
      (Told{"SUBPROTOCOL_UNSUPPORTED", true, "other.v1"}));
  EXPECT_EQ(told(offers("bearer.a.b.c")), (Told{"SUBPROTOCOL_MALFORMED", false, ""}));
  EXPECT_EQ(told(offers("foyer.v1, a b")), (Told{"SUBPROTOCOL_MALFORMED", false, "foyer.v1"}));
  EXPECT_EQ(told(offers("bearer.a.b.c"), kNotReady), (Told{"NOT_READY", false, ""})) << "nothing could be echoed";
  EXPECT_EQ(told(at("/ws", offers("other.v1"))), (Told{"UNKNOWN_PATH", true, "other.v1"}));
}

TEST(Telling, AfterTheUpgradeOnlyTheCloseFrameIsLeft) {
  EXPECT_EQ(told(handshake(), {.first = Answers::First::timeout}), (Told{"AUTHENTICATE_TIMEOUT", true, ""}));
  EXPECT_EQ(told(handshake(), kExpired), (Told{"TOKEN_EXPIRED", true, ""}));
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
    EXPECT_EQ(json::write(body->get_object().at("sockets")), R"(["/ws/chat","/ws/echo","/ws/open"])");
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
