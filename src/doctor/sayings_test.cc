#include "doctor/sayings.h"

#include <gmock/gmock.h>

#include <set>

#include "base/cause.h"
#include "doctor/finding.h"

namespace foyer::doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string first(std::string_view text) {
  const auto meaning = what_it_means(text);
  return meaning.means.empty() ? "unknown" : meaning.codes.empty() ? "no code" : std::string{meaning.codes.front()};
}

TEST(Sayings, OfChromium) {
  const std::string to = "WebSocket connection to 'wss://chat.example/ws/chat' failed: ";
  const std::string shaking = to + "Error during WebSocket handshake: ";
  EXPECT_EQ(first(shaking + "Unexpected response code: 404"), "UNKNOWN_PATH");
  EXPECT_EQ(first(shaking + "Unexpected response code: 200"), "PATH_SPA_FALLBACK");
  EXPECT_EQ(first(to + "HTTP Authentication failed; no valid credentials available"), "NO_TOKEN");
  EXPECT_EQ(first(shaking + "net::ERR_CERT_AUTHORITY_INVALID"), "TLS_SELF_SIGNED");
  EXPECT_EQ(first(shaking + "net::ERR_CONNECTION_REFUSED"), "TCP_REFUSED");
  EXPECT_EQ(first(to + "One or more reserved bits are on: reserved1 = 1, reserved2 = 0, reserved3 = 0"), "PMD_CORRUPT");
  EXPECT_EQ(
      first(to + "One or more reserved bits are on: reserved1 = 0, reserved2 = 1, reserved3 = 0"), "TUNNEL_CORRUPTED");
}

TEST(Sayings, OfOtherClients) {
  EXPECT_EQ(first("Error: Unexpected server response: 403"), "ORIGIN_NOT_ALLOWED") << "ws";
  EXPECT_EQ(
      first("websockets.exceptions.InvalidStatusCode: server rejected WebSocket connection: HTTP 502"), "BACKEND_GONE")
      << "python websockets";
  EXPECT_EQ(
      first("aiohttp.client_exceptions.WSServerHandshakeError: 404, message='Invalid response status', url=URL('x')"),
      "UNKNOWN_PATH");
  EXPECT_EQ(
      first("failed to WebSocket dial: expected handshake response status code 101 but got 426"), "UPGRADE_STRIPPED")
      << "coder/websocket";
  EXPECT_EQ(first("java.net.ProtocolException: Expected HTTP 101 response but was '401 Unauthorized'"), "NO_TOKEN")
      << "OkHttp";
  EXPECT_EQ(first("Error: connect ECONNREFUSED 127.0.0.1:8000"), "TCP_REFUSED");
  EXPECT_EQ(first("Firefox can’t establish a connection to the server at wss://chat.example/ws/chat."), "no code");
}

TEST(Sayings, OfFoyerNameTheCauseThemselves) {
  const auto meaning = what_it_means("closed with code 4401: TOKEN_EXPIRED a1b2c3d4e5f6g7h8");
  EXPECT_TRUE(meaning.named);
  EXPECT_THAT(meaning.codes, ElementsAre("TOKEN_EXPIRED"));
  EXPECT_EQ(meaning.means, info(Cause::TOKEN_EXPIRED).client);
  EXPECT_THAT(meaning_to_text(meaning), HasSubstr("TOKEN_EXPIRED: "));
  EXPECT_EQ(first(R"({"type":"/causes/ORIGIN_NOT_ALLOWED","status":403})"), "ORIGIN_NOT_ALLOWED");
}

TEST(Sayings, Numbers) {
  EXPECT_EQ(first("1006"), "no code");
  EXPECT_EQ(first(" 403\n"), "ORIGIN_NOT_ALLOWED");
  EXPECT_EQ(first("closed with code 1009"), "MESSAGE_TOO_BIG");
  EXPECT_EQ(first("onclose code=4404"), "UNKNOWN_PATH");
  EXPECT_EQ(first("close 4999"), "unknown");
  EXPECT_EQ(first("99999999999999999999"), "unknown");
}

TEST(Sayings, NothingIsKnownOfOtherTexts) {
  for (const auto* text : {"", "   ", "TypeError: undefined is not a function", "code: x", "code 12"}) {
    const auto meaning = what_it_means(text);
    EXPECT_EQ(meaning.means, "") << text;
    EXPECT_THAT(meaning.codes, IsEmpty());
    EXPECT_THAT(meaning_to_text(meaning), HasSubstr("foyer doctor URL"));
    EXPECT_EQ(json::write(meaning_to_json(meaning)), R"({"means":null,"codes":[],"next":null,"named":false})");
  }
}

// A row that another one hides would never count.
TEST(Sayings, EachRowIsReachedAndItsCodesExist) {
  struct Row {
    std::string_view text, means, codes, next;
  };
  constexpr Row kRows[] = {
#define FOYER_SAYING(...) {__VA_ARGS__},
#include "doctor/sayings.def"
#undef FOYER_SAYING
  };
  for (const auto& row : kRows) {
    const auto meaning = what_it_means(row.text);
    EXPECT_EQ(meaning.means, row.means) << row.text;
    EXPECT_TRUE(!meaning.codes.empty() || !meaning.next.empty()) << row.text;
  }
  for (int number = 100; number < 4'600; ++number)
    for (const auto code : what_it_means(std::to_string(number)).codes)
      EXPECT_TRUE(find_cause(code) || find_finding(code)) << code;
  for (const auto& row : kRows)
    for (const auto code : what_it_means(row.text).codes) EXPECT_TRUE(find_cause(code) || find_finding(code)) << code;
}

} // namespace
} // namespace foyer::doctor
