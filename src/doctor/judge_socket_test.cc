#include "doctor/testing/facts.h"

namespace foyer::doctor {
namespace {

using namespace testing; // NOLINT: facts written by hand
using enum Confidence;

Facts saying(const Talk& talk) {
  Facts out = well();
  out.echo->talk = talk;
  return out;
}

// The first handshake is answered so, and it is a 101.
std::string on_101(Exchange exchange) {
  Facts out = reached();
  out.bare = std::move(exchange);
  return verdict_on(out);
}

Facts differing(const Exchange& last) {
  Facts out = reached();
  out.bare = accepted();
  if (last.deflate_offered) {
    out.origin = accepted();
    out.deflate = last;
  } else if (!last.subprotocols.empty()) {
    out.origin = accepted();
    out.subprotocol = last;
  } else if (last.token_sent) {
    out.origin = accepted();
    out.token = last;
  } else {
    out.origin = last;
  }
  return out;
}

TEST(Judge101, WhatRfc6455Demands) {
  Exchange exchange = accepted();
  exchange.headers = {{"Connection", "Upgrade"}};
  EXPECT_EQ(on_101(exchange), found(Finding::RESPONSE_101_MANGLED));
  exchange = accepted();
  exchange.version_minor = 0;
  EXPECT_EQ(on_101(exchange), found(Finding::RESPONSE_101_MANGLED));
  exchange = accepted();
  exchange.accept_right = false;
  EXPECT_EQ(on_101(exchange), found(Finding::ACCEPT_MISMATCH));
  exchange.headers.add("Age", "12");
  EXPECT_EQ(on_101(exchange), found(Finding::CACHED_REPLY));
}

TEST(Judge101, SubprotocolsAndExtensions) {
  Exchange exchange = accepted();
  exchange.subprotocols = {"a"};
  EXPECT_EQ(on_101(exchange), found(Finding::SUBPROTOCOL_NOT_ECHOED));
  exchange.headers.add("Sec-WebSocket-Protocol", "b");
  EXPECT_EQ(on_101(exchange), found(Finding::SUBPROTOCOL_UNKNOWN));
  EXPECT_EQ(on_101(accepted({{"Sec-WebSocket-Protocol", "b"}})), found(Finding::SUBPROTOCOL_UNKNOWN));
  EXPECT_EQ(
      on_101(accepted({{"Sec-WebSocket-Extensions", "permessage-deflate"}})), found(Finding::EXTENSION_UNREQUESTED));
  for (const auto* bad : {"permessage-deflate; server_max_window_bits=16", "permessage-deflate; client_max_window_bits",
           "permessage-deflate; client_no_context_takeover=1", "permessage-deflate; x",
           "permessage-deflate, permessage-deflate",
           "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
    exchange = accepted({{"Sec-WebSocket-Extensions", bad}});
    exchange.deflate_offered = true;
    EXPECT_EQ(on_101(exchange), found(Finding::PMD_PARAMS_BAD)) << bad;
  }
  Facts good = well();
  good.deflate->headers.add("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(verdict_on(good), "works");
}

TEST(JudgeDifference, WhatWasAddedIsTheCause) {
  EXPECT_EQ(verdict_on(differing(answer(403))), found(Finding::ORIGIN_FORBIDDEN));
  Exchange last = answer(401);
  last.token_sent = true;
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::TOKEN_REFUSED));
  last.status = 431;
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::HEADERS_TOO_LARGE_AT_HOP));
  last.status = 400;
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::TOKEN_REFUSED)) << "a short token is not too large";
  last.sent_bytes = 9'000;
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::HEADERS_TOO_LARGE_AT_HOP, likely));
  last = answer(400);
  last.subprotocols = {"a"};
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::SUBPROTOCOL_REFUSED));
  last = answer(400);
  last.deflate_offered = true;
  EXPECT_EQ(verdict_on(differing(last)), found(Finding::PMD_REFUSED));
}

TEST(JudgeSocket, PingsAndEnds) {
  Talk talk = good_talk();
  talk.pong_after_close = true;
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::TUNNEL_BUFFERED));
  talk = good_talk();
  talk.pong.reset();
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::PING_UNANSWERED));
  talk.close.reset();
  talk.ending = Ending::silent;
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::TUNNEL_SILENT));
  talk.ending = Ending::finished;
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::PEER_VANISHED));
  talk.ending = Ending::fault;
  EXPECT_NE(verdict_on(saying(talk)), found(Finding::PEER_VANISHED)) << "the probe's own fault";
}

TEST(JudgeSocket, ACloseOfTheServer) {
  Talk talk;
  talk.close = 4001;
  talk.close_reason = "no";
  talk.close_before_ours = true;
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::CLOSED_AFTER_UPGRADE));
  talk.close_reason = "TOKEN_EXPIRED LvUlzBz1xYBCeHQc";
  EXPECT_EQ(verdict_on(saying(talk)), "TOKEN_EXPIRED proved");
}

TEST(JudgeSocket, BytesThatAreNoFrames) {
  Talk talk;
  talk.broken = "an unknown opcode";
  talk.broken_code = 1002;
  talk.first_bytes = "HTTP/1.1 500 Internal Server Error\r\n";
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::PROXY_SPOKE_HTTP_IN_SOCKET));
  talk.first_bytes = "<html>";
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::TUNNEL_CORRUPTED));
  talk.first_bytes = "\x1f\x8b\x08";
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::TUNNEL_CORRUPTED));
  talk.first_bytes = "\x81\x85";
  EXPECT_EQ(verdict_on(saying(talk)), found(Finding::BROKEN_FRAMES));
}

TEST(JudgeSocket, AMessageThatDoesNotInflate) {
  Talk talk;
  talk.broken = "data that does not inflate";
  talk.broken_code = 1007;
  Facts facts = saying(talk);
  facts.echo->exchange.headers.add("Sec-WebSocket-Extensions", "permessage-deflate");
  EXPECT_EQ(verdict_on(facts), found(Finding::PMD_CORRUPT));
}

Facts with_token_at_foyer(std::vector<std::string> messages) {
  Facts out = well();
  out.token_given = true;
  out.echo->exchange.token_sent = true;
  out.echo->exchange.headers.add("X-Foyer", "0.1.0");
  out.echo->talk->messages = std::move(messages);
  return out;
}

TEST(JudgeSocket, ATokenThatFoyerDidNotSee) {
  EXPECT_EQ(verdict_on(with_token_at_foyer({})), found(Finding::TOKEN_UNREAD, likely));
  EXPECT_EQ(verdict_on(with_token_at_foyer({R"({"type":"authentication_success"})"})), "works");
}

TEST(JudgeSocket, ALongMessageThatIsLost) {
  Facts facts = with_token_at_foyer({R"({"type":"authentication_success"})"});
  facts.big = Upgraded{accepted(), good_talk()};
  EXPECT_EQ(verdict_on(facts), found(Finding::BIG_MESSAGE_LOST, likely));
  facts.big->talk->messages = {R"({"type":"authentication_success"})", R"({"type":"pong"})"};
  EXPECT_EQ(verdict_on(facts), "works");
  facts.big->talk = Talk();
  facts.big->talk->close = 4413;
  facts.big->talk->close_before_ours = true;
  facts.big->talk->close_reason = "MESSAGE_TOO_BIG ref";
  EXPECT_EQ(verdict_on(facts), "MESSAGE_TOO_BIG proved");
}

TEST(JudgeDirect, WhoIsAtFaultWhereTheAnswerDoesNotTell) {
  Facts facts = refused_with(answer(500));
  facts.direct = accepted();
  EXPECT_EQ(verdict_on(facts), found(Finding::NOT_THROUGH_PROXY));
  facts.direct = answer(500);
  EXPECT_EQ(verdict_on(facts), found(Finding::SERVER_ERROR, possible));
  EXPECT_THAT(
      judge(facts).diagnosis->evidence, ::testing::Contains(::testing::StartsWith("at the server's own address: 500")));
  facts = refused_with(answer(426));
  facts.direct = accepted();
  EXPECT_EQ(verdict_on(facts), found(Finding::PROXY_STRIPS_UPGRADE)) << "the better word stays";
}

TEST(JudgeToken, WhatTheTokenItselfShows) {
  using Form = TokenLook::Form;
  Exchange last = answer(401);
  last.token_sent = true;
  Facts facts = differing(last);
  facts.now = from_unix_seconds(1'000);
  facts.health = answer(200);
  const auto with = [&](TokenLook look) {
    facts.token_look = std::move(look);
    return verdict_on(facts);
  };
  EXPECT_EQ(with({.form = Form::opaque}), found(Finding::TOKEN_REFUSED));
  EXPECT_EQ(with({.form = Form::wrapped, .defect = "quoted"}), found(Finding::TOKEN_HAS_PREFIX, likely));
  EXPECT_EQ(with({.form = Form::broken, .defect = "cut off"}), found(Finding::TOKEN_MALFORMED, likely));
  EXPECT_EQ(with({.form = Form::encrypted}), found(Finding::TOKEN_ENCRYPTED, likely));
  EXPECT_EQ(with({.form = Form::jwt, .expires = from_unix_seconds(2'000)}), found(Finding::TOKEN_REFUSED));
  EXPECT_EQ(with({.form = Form::jwt, .expires = from_unix_seconds(900)}), found(Finding::TOKEN_LOOKS_EXPIRED, likely));
  EXPECT_EQ(with({.form = Form::jwt, .begins = from_unix_seconds(1'100)}), found(Finding::TOKEN_LOOKS_EARLY, likely));
  facts.health = answer(200, {{"Date", "Thu, 01 Jan 1970 00:20:00 GMT"}});
  EXPECT_EQ(with({.form = Form::jwt, .begins = from_unix_seconds(1'100)}), found(Finding::TOKEN_REFUSED))
      << "the server's clock counts";
}

TEST(JudgeSocket, OneOfSeveralThatDiffers) {
  Facts facts = well();
  facts.repeats = {accepted(), answer(403), accepted()};
  EXPECT_EQ(verdict_on(facts), found(Finding::POOL_MEMBER_BAD, likely));
  facts.repeats = {accepted()};
  EXPECT_EQ(verdict_on(facts), "works");
}

TEST(JudgeSocket, AQuietConnectionThatEnded) {
  Facts facts = well();
  facts.hold_asked = Millis{70'000};
  facts.hold = Upgraded{accepted(), good_talk()};
  EXPECT_EQ(verdict_on(facts), "works");
  Talk cut;
  cut.ending = Ending::finished;
  cut.took = Took{60'000'000};
  facts.hold->talk = cut;
  EXPECT_EQ(verdict_on(facts), found(Finding::IDLE_TIMEOUT_AT_HOP, likely));
  facts.hold->talk->close = 4008;
  facts.hold->talk->close_before_ours = true;
  EXPECT_EQ(verdict_on(facts), found(Finding::IDLE_CLOSED));
}

} // namespace
} // namespace foyer::doctor
