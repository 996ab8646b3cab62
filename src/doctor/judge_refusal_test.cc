#include "doctor/testing/facts.h"

namespace foyer::doctor {
namespace {

using namespace testing; // NOLINT: facts written by hand
using enum Confidence;

std::string on(const Exchange& exchange, std::string_view url = "wss://chat.example/ws") {
  return verdict_on(refused_with(exchange, url));
}

Facts varied(const Exchange& refused, Variation::What what, std::string value, std::string_view url) {
  Facts out = refused_with(refused, url);
  out.variations.push_back({what, std::move(value), accepted(), true});
  return out;
}

TEST(JudgeRefusal, FoyerNamesTheCauseItself) {
  const Headers foyer{{"X-Foyer", "0.1.0"}, {"Server", "nginx/1.22.1"}};
  Facts facts = refused_with(answer(426, foyer, R"({"code":"UPGRADE_STRIPPED","next":"Add the line","ref":"r1"})"));
  const Verdict verdict = judge(facts);
  ASSERT_TRUE(verdict.diagnosis);
  EXPECT_EQ(verdict.diagnosis->code, "UPGRADE_STRIPPED");
  EXPECT_EQ(verdict.diagnosis->next, "Add the line");
  EXPECT_THAT(verdict.diagnosis->recipe, ::testing::HasSubstr("proxy_set_header Upgrade $http_upgrade;"));
  EXPECT_EQ(on(answer(403, {{"X-Foyer", "9"}}, R"({"code":"NOT_YET_INVENTED","detail":"So it is."})")),
      "NOT_YET_INVENTED proved");
  EXPECT_EQ(on(answer(403, {}, R"({"code":"TOKEN_EXPIRED"})")), found(Finding::UPGRADE_FORBIDDEN, possible))
      << "without our mark it is another server's JSON";
}

TEST(JudgeRefusal, RedirectsByWhereTheyLead) {
  const auto to = [](int status, std::string location, std::string_view url) {
    return on(answer(status, {{"Location", std::move(location)}}), url);
  };
  EXPECT_EQ(to(301, "https://chat.example/ws", "ws://chat.example/ws"), found(Finding::REDIRECT_TO_HTTPS));
  EXPECT_EQ(to(301, "/ws/", "wss://chat.example/ws"), found(Finding::REDIRECT_SLASH));
  EXPECT_EQ(to(301, "https://chat.example/ws", "wss://chat.example/ws/"), found(Finding::REDIRECT_SLASH));
  EXPECT_EQ(to(302, "/login?next=/ws", "wss://chat.example/ws"), found(Finding::REDIRECT_LOGIN, likely));
  EXPECT_EQ(to(302, "https://idp.example/start", "wss://chat.example/ws"), found(Finding::REDIRECT_LOGIN, possible));
  EXPECT_EQ(to(301, "https://www.chat.example/ws", "wss://chat.example/ws"), found(Finding::REDIRECT_ELSEWHERE));
}

TEST(JudgeRefusal, PagesInPlaceOfASocket) {
  const Headers html{{"Content-Type", "text/html; charset=utf-8"}};
  EXPECT_EQ(on(answer(200, html, "<html><div id=root>")), found(Finding::PATH_SPA_FALLBACK, likely));
  EXPECT_EQ(on(answer(200, html, "<form><input type=\"password\">")), found(Finding::LOGIN_PAGE_200, likely));
}

TEST(JudgeRefusal, WhoIsAskedForAPassword) {
  EXPECT_EQ(on(answer(401, {{"WWW-Authenticate", "Basic realm=x"}})), found(Finding::PROXY_BASIC_AUTH));
  EXPECT_EQ(on(answer(401, {{"WWW-Authenticate", "Bearer"}})), found(Finding::TOKEN_MISSING));
  Facts facts = refused_with(answer(401));
  facts.token_given = true;
  EXPECT_EQ(verdict_on(facts), found(Finding::TOKEN_REFUSED));
}

TEST(JudgeRefusal, A403IsToldByWhoSentIt) {
  EXPECT_EQ(on(answer(403, {{"Server", "envoy"}})), found(Finding::UPGRADE_NOT_ALLOWED_HERE));
  EXPECT_EQ(
      on(answer(403, {{"Server", "cloudflare"}, {"CF-Ray", "8c1"}}, "blocked")), found(Finding::WAF_BLOCK, likely));
  EXPECT_EQ(on(answer(403)), found(Finding::UPGRADE_FORBIDDEN, possible));
  Facts everything = refused_with(answer(403));
  everything.plain = answer(403);
  EXPECT_EQ(verdict_on(everything), found(Finding::UPGRADE_FORBIDDEN, likely));
  EXPECT_EQ(verdict_on(varied(answer(403), Variation::What::origin, "https://chat.example", "wss://chat.example/ws")),
      found(Finding::ORIGIN_FORBIDDEN));
}

TEST(JudgeRefusal, A404IsToldByWhatOtherPathsAnswer) {
  EXPECT_EQ(on(answer(404)), found(Finding::PATH_404, likely));
  Facts other = refused_with(answer(404));
  other.plain = answer(200);
  EXPECT_EQ(verdict_on(other), found(Finding::PATH_404, possible));
  other = refused_with(answer(404, {{"Server", "ATS/9.1"}}, "<TITLE>Not Found on Accelerator</TITLE>"));
  other.plain = answer(200);
  EXPECT_EQ(verdict_on(other), found(Finding::UPGRADE_NOT_ALLOWED_HERE));
  using What = Variation::What;
  const auto at = [](What what, std::string path) {
    return verdict_on(varied(answer(404), what, std::move(path), "wss://chat.example/ws/ws/chat"));
  };
  EXPECT_EQ(at(What::repetition, "/ws/chat"), found(Finding::URL_DOUBLE_PATH));
  EXPECT_EQ(at(What::path, "/"), found(Finding::PROXY_LOCATION_WITHOUT_UPGRADE));
  Facts closed = varied(answer(404), What::path, "/", "wss://chat.example/chat");
  closed.variations.front().works = false;
  EXPECT_EQ(verdict_on(closed), found(Finding::PATH_404, likely)) << "some accept every path, to say no";
  EXPECT_EQ(at(What::slash, "/ws/ws/chat/"), found(Finding::URL_SLASH));
}

TEST(JudgeRefusal, StrippedUpgrades) {
  EXPECT_EQ(on(answer(426, {{"Upgrade", "websocket"}})), found(Finding::PROXY_STRIPS_UPGRADE));
  EXPECT_EQ(on(answer(400, {}, "Can \"Upgrade\" only to \"WebSocket\".")), found(Finding::PROXY_STRIPS_UPGRADE));
  Facts same = refused_with(answer(400, {}, "no"));
  same.plain = answer(400, {}, "no");
  EXPECT_EQ(verdict_on(same), found(Finding::PROXY_STRIPS_UPGRADE, likely));
  EXPECT_EQ(on(answer(400, {}, "no")), found(Finding::UPGRADE_REFUSED, possible));
  EXPECT_EQ(on(answer(426, {{"Sec-WebSocket-Version", "8, 7"}})), found(Finding::WS_VERSION_UNSUPPORTED));
  EXPECT_EQ(verdict_on(varied(answer(426), Variation::What::spelling, "WebSocket", "wss://chat.example/ws")),
      found(Finding::UPGRADE_NAME_CASE));
  EXPECT_EQ(verdict_on(varied(answer(426, {{"X-Foyer", "1"}}, R"({"code":"UPGRADE_STRIPPED"})"),
                Variation::What::spelling, "WebSocket", "wss://chat.example/ws")),
      found(Finding::UPGRADE_NAME_CASE))
      << "the reason why it was stripped";
}

TEST(JudgeRefusal, GatewaysWithoutAServer) {
  Facts down = refused_with(answer(502, {{"Server", "nginx"}}));
  down.health = down.plain = answer(502);
  EXPECT_EQ(verdict_on(down), found(Finding::BACKEND_GONE));
  EXPECT_EQ(on(answer(502, {{"Server", "nginx"}})), found(Finding::BACKEND_GONE_FOR_SOCKETS, likely));
  Facts haproxy = refused_with(answer(503, {}, "No server is available to handle this request."));
  haproxy.health = haproxy.plain = answer(503);
  EXPECT_EQ(verdict_on(haproxy), found(Finding::BACKEND_GONE, likely));
  EXPECT_EQ(on(answer(503, {{"Retry-After", "3"}})), found(Finding::SERVER_FULL, likely));
  EXPECT_EQ(on(answer(504)), found(Finding::PROXY_504, likely));
  EXPECT_EQ(on(answer(500, {{"Server", "nginx"}})), found(Finding::AUTH_SUBREQUEST_ERROR, possible));
  EXPECT_EQ(on(answer(500)), found(Finding::SERVER_ERROR, possible));
}

TEST(JudgeRefusal, OtherStatuses) {
  EXPECT_EQ(on(answer(421)), found(Finding::VHOST_UNKNOWN));
  EXPECT_EQ(on(answer(429)), found(Finding::TOO_MANY_HANDSHAKES));
  EXPECT_EQ(on(answer(431)), found(Finding::HEADERS_TOO_LARGE_AT_HOP, likely));
  EXPECT_EQ(on(answer(418)), found(Finding::UPGRADE_REFUSED, possible));
}

TEST(JudgeRefusal, NoHttpAlthoughAPlainRequestIsAnswered) {
  EXPECT_EQ(on(no_answer(Ending::silent)), found(Finding::UPGRADE_UNANSWERED));
  EXPECT_EQ(on(no_answer(Ending::finished)), found(Finding::UPGRADE_CUT));
  EXPECT_EQ(on(no_answer(Ending::reset)), found(Finding::UPGRADE_CUT));
  EXPECT_EQ(on(no_answer(Ending::no_link)), found(Finding::UPGRADE_REFUSED, possible));
  EXPECT_EQ(on(no_answer(Ending::fault)), "open");
  Facts varnish = refused_with(no_answer(Ending::finished));
  varnish.plain = answer(503, {{"X-Varnish", "3"}});
  EXPECT_EQ(verdict_on(varnish), found(Finding::BACKEND_GONE, likely));
}

} // namespace
} // namespace foyer::doctor
