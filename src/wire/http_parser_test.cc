#include "wire/http_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foyer::wire {
namespace {

using State = HttpParser::State;

const HttpLimits kLimits{.header_bytes = 512, .header_count = 8, .body_bytes = 64};

std::string post(std::string_view headers, std::string_view body) {
  return std::string{"POST /p HTTP/1.1\r\nHost: a\r\n"}.append(headers).append("\r\n").append(body);
}

// Fed whole, split in two at every byte, and byte by byte: the result must be the same.
std::vector<HttpParser> at_every_cut(const std::string& input) {
  std::vector<HttpParser> parsers;
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    HttpParser& parser = parsers.emplace_back(kLimits);
    const std::string_view view = input;
    const std::size_t taken = parser.feed(view.substr(0, cut));
    if (taken == cut) parser.feed(view.substr(cut));
  }
  HttpParser& parser = parsers.emplace_back(kLimits);
  for (const char c : input) {
    const char alone = c; // a copy, so that a view into it cannot reach the next byte
    parser.feed({&alone, 1});
  }
  return parsers;
}

TEST(HttpParser, ReadsARequestHoweverItIsCut) {
  const std::string input =
      "POST /a/b?x=1&y=%20 HTTP/1.1\r\nHost: example.org:8000\r\nX-Empty:\r\nCookie:  a=b \t\r\nContent-Length: "
      "5\r\n\r\nhello";
  for (HttpParser& parser : at_every_cut(input)) {
    ASSERT_EQ(parser.state(), State::complete);
    const Request& request = parser.request();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a/b");
    EXPECT_EQ(request.query, "x=1&y=%20");
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(request.version_minor, 1);
    EXPECT_EQ(request.headers.list().size(), 4U);
    EXPECT_EQ(*request.headers.find("host"), "example.org:8000");
    EXPECT_EQ(*request.headers.find("x-empty"), "");
    EXPECT_EQ(*request.headers.find("COOKIE"), "a=b");
    EXPECT_TRUE(parser.keep_alive());
  }
}

TEST(HttpParser, DecodesChunksHoweverTheyAreCut) {
  const std::string input =
      post("Transfer-Encoding: Chunked\r\n", "5;name=value\r\nhello\r\n00A\r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\n");
  for (HttpParser& parser : at_every_cut(input)) {
    ASSERT_EQ(parser.state(), State::complete);
    EXPECT_EQ(parser.request().body, "hello, world!!!");
    EXPECT_EQ(parser.request().headers.find("trailer"), nullptr);
  }
}

TEST(HttpParser, LeavesWhatFollowsACompleteRequest) {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string both = first + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  HttpParser parser(kLimits);
  EXPECT_EQ(parser.feed(both), first.size());
  EXPECT_EQ(parser.request().path, "/1");
  EXPECT_EQ(parser.feed("more"), 0U);
  parser.reset();
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed(std::string_view{both}.substr(first.size())), both.size() - first.size());
  EXPECT_EQ(parser.state(), State::complete);
  EXPECT_EQ(parser.request().path, "/2");
}

TEST(HttpParser, TakesTheAuthorityOfAnAbsoluteTargetBeforeHost) {
  HttpParser parser(kLimits);
  parser.feed("GET http://real.example:81?q HTTP/1.1\r\nHost: other.example\r\n\r\n");
  ASSERT_EQ(parser.state(), State::complete);
  EXPECT_EQ(parser.request().path, "/");
  EXPECT_EQ(parser.request().query, "q");
  EXPECT_EQ(parser.request().headers.count("host"), 1U);
  EXPECT_EQ(*parser.request().headers.find("host"), "real.example:81");
}

TEST(HttpParser, SaysWhetherTheTargetWantsHttps) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"/", false}, {"http://a/", false}, {"https://a/", true}, {"HTTPS://a", true}, {"/https://a/", false}};
  for (const auto& [target, https] : cases) {
    HttpParser parser(kLimits);
    parser.feed("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(parser.state(), State::complete) << target;
    EXPECT_EQ(parser.https_target(), https) << target;
    parser.reset();
    EXPECT_FALSE(parser.https_target());
  }
}

TEST(HttpParser, HasNotStartedWithTheEmptyLineBetweenTwoRequests) {
  HttpParser parser(kLimits);
  parser.feed("\r");
  EXPECT_TRUE(parser.started()) << "it may still become a request";
  parser.feed("\n");
  EXPECT_FALSE(parser.started());
  parser.feed("G");
  EXPECT_TRUE(parser.started());
}

TEST(HttpParser, KeepsTheConnectionByTheRulesOfTheVersion) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
  };
  for (const auto& [input, keep] : cases) {
    HttpParser parser(kLimits);
    parser.feed(input);
    ASSERT_EQ(parser.state(), State::complete) << input;
    EXPECT_EQ(parser.keep_alive(), keep) << input;
  }
}

TEST(HttpParser, AsksForTheBodyOnceWhenTheClientWaitsForIt) {
  HttpParser parser(kLimits);
  parser.feed(post("Content-Length: 2\r\nExpect: 100-Continue\r\n", ""));
  EXPECT_EQ(parser.state(), State::body);
  EXPECT_TRUE(parser.wants_continue());
  EXPECT_FALSE(parser.wants_continue());
  parser.feed("ok");
  EXPECT_EQ(parser.state(), State::complete);

  HttpParser eager(kLimits);
  eager.feed(post("Content-Length: 2\r\nExpect: 100-continue\r\n", "o"));
  EXPECT_EQ(eager.state(), State::body);
  EXPECT_FALSE(eager.wants_continue());
}

TEST(HttpParser, NamesNoTextOfTheQueryInItsEvidence) {
  for (const std::string_view target :
      {"/ws?token=s3cret%zz", "/ws?token=s3cret\"", "/ws?a b=s3cret", "ws?token=s3cret"}) {
    HttpParser parser(kLimits);
    parser.feed(std::string{"GET "}.append(target).append(" HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_EQ(parser.state(), State::failed);
    EXPECT_EQ(parser.refusal().evidence.find("s3cret"), std::string::npos) << parser.refusal().evidence;
  }
}

TEST(WriteResponse, AddsLengthAndDateAndSaysWhetherTheConnectionStays) {
  Response response{.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "hello"};
  EXPECT_EQ(write_response(response, false, "Sun, 06 Nov 1994 08:49:37 GMT"),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 5\r\nDate: Sun, 06 Nov 1994 "
      "08:49:37 GMT\r\n\r\nhello");
  EXPECT_EQ(write_response(response, true, "", true),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n");
}

TEST(WriteResponse, GivesNoLengthToAnswersWithoutBody) {
  EXPECT_EQ(write_response({.status = 204, .headers = {}, .body = ""}, true, ""),
      "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(
      write_response(
          {.status = 101, .headers = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, .body = ""}, true, ""),
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

TEST(WriteResponse, SaysTheLengthOfABodyThatIsLeftOut) {
  const Response answer{.status = 200, .headers = {}, .body = "hello"};
  const std::string head = write_response(answer, true, "", true); // RFC 9110 §9.3.2
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(write_response({.status = 200, .headers = {}, .body = ""}, true, "", true),
      "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n")
      << "forwarded: the length of GET's body is unknown";
  EXPECT_EQ(write_response({.status = 304, .headers = {{"ETag", "\"x\""}}, .body = "hello"}, true, ""),
      "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nConnection: keep-alive\r\n\r\n");
}

TEST(WriteResponse, LetsNoHandlerDecideOnFramingOrOnTheConnection) {
  const Response response{.status = 200,
      .headers = {{"Content-Length", "9"}, {"Transfer-Encoding", "chunked"}, {"connection", "keep-alive"},
          {"Keep-Alive", "timeout=5"}, {"Date", "now"}},
      .body = "hello"};
  EXPECT_EQ(
      write_response(response, false, ""), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(WriteResponse, LeavesOutAHeaderWithAnInvalidName) {
  const Response response{
      .status = 200, .headers = {{"X: y\r\nSet-Cookie", "a"}, {"", "b"}, {"X Y", "c"}, {"X", "d"}}, .body = ""};
  EXPECT_EQ(
      write_response(response, false, ""), "HTTP/1.1 200 OK\r\nX: d\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

TEST(WriteResponse, NamesTheUpgradeThatIsRequired) {
  const std::string out = write_response({.status = 426, .headers = {{"Upgrade", "websocket"}}, .body = ""}, false, "");
  EXPECT_NE(out.find("Upgrade: websocket\r\nConnection: Upgrade, close\r\n"), std::string::npos)
      << out; // RFC 9110 §15.5.22, §7.8
}

TEST(WriteResponse, LetsNoValueBeginANewLine) {
  const std::string out =
      write_response({.status = 302, .headers = {{"Location", "/a\r\nSet-Cookie: x=y"}}, .body = ""}, true, "");
  EXPECT_NE(out.find("Location: /a  Set-Cookie: x=y\r\n"), std::string::npos) << out;
}

} // namespace
} // namespace foyer::wire
