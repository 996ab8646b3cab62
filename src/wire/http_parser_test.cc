#include "wire/http_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foyer::wire {
namespace {

using State = HttpParser::State;

const HttpLimits kLimits{.request_line = 256, .header_bytes = 512, .header_count = 8, .body_bytes = 64};

struct Case {
  std::string_view name;
  std::string input;
  Cause cause{};              // when it is refused
  std::string_view field = {};
};

std::string get(std::string_view headers) { return std::string{"GET / HTTP/1.1\r\nHost: a\r\n"}.append(headers).append("\r\n"); }
std::string post(std::string_view headers, std::string_view body) {
  return std::string{"POST /p HTTP/1.1\r\nHost: a\r\n"}.append(headers).append("\r\n").append(body);
}

// All at once, and cut in two at every place, and byte by byte: one and the same end.
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
    const char alone = c; // on its own, so that a view into it cannot reach the next one
    parser.feed({&alone, 1});
  }
  return parsers;
}

TEST(HttpParser, ReadsARequestHoweverItIsCut) {
  const std::string input = "POST /a/b?x=1&y=%20 HTTP/1.1\r\nHost: example.org:8000\r\nX-Empty:\r\nCookie:  a=b \t\r\nContent-Length: 5\r\n\r\nhello";
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
  const std::string input = post("Transfer-Encoding: Chunked\r\n", "5;name=value\r\nhello\r\n00A\r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\n");
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

TEST(HttpParser, AcceptsWhatTheStandardAllows) {
  const std::vector<Case> cases = {
      {"an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"},
      {"an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"},
      {"asterisk with OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"bytes above 0x7f in a value", get("X: caf\xc3\xa9\r\n")},
      {"a TAB in a value", get("X: a\tb\r\n")},
      {"a value of no bytes", get("X:\r\n")},
      {"a Content-Length of 0", post("Content-Length: 0\r\n", "")},
      {"leading zeros", post("Content-Length: 002\r\n", "ok")},
      {"an unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a body exactly at the limit", post("Content-Length: 64\r\n", std::string(64, 'x'))},
      {"an empty chunked body", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"braces in a query", "GET /?q={a|b} HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  for (const Case& c : cases)
    for (HttpParser& parser : at_every_cut(c.input))
      ASSERT_EQ(parser.state(), State::complete) << c.name << ": " << parser.refusal().evidence;
}

TEST(HttpParser, RefusesWhatTwoParsersCouldReadDifferently) {
  const Cause bad = Cause::BAD_REQUEST;
  const std::string long_value(600, 'x');
  std::string many;
  for (int i = 0; i < 8; ++i) many += "X: y\r\n";
  const std::vector<Case> cases = {
      {"two Content-Length", post("Content-Length: 2\r\nContent-Length: 2\r\n", "ok"), bad, "content-length"},
      {"two different Content-Length", post("Content-Length: 2\r\nContent-Length: 3\r\n", "okk"), bad, "content-length"},
      {"a Content-Length list", post("Content-Length: 2, 2\r\n", "ok"), bad, "content-length"},
      {"a signed Content-Length", post("Content-Length: +2\r\n", "ok"), bad, "content-length"},
      {"a hexadecimal Content-Length", post("Content-Length: 0x2\r\n", "ok"), bad, "content-length"},
      {"an empty Content-Length", post("Content-Length:\r\n", "ok"), bad, "content-length"},
      {"Content-Length with Transfer-Encoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad, "transfer-encoding"},
      {"chunked, x", post("Transfer-Encoding: chunked, x\r\n", "0\r\n\r\n"), bad, "transfer-encoding"},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), bad, "transfer-encoding"},
      {"two Transfer-Encoding", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad, "transfer-encoding"},
      {"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad, "transfer-encoding"},
      {"chunked with a vertical tab", post("Transfer-Encoding: \x0b" "chunked\r\n", ""), bad, "headers"},
      {"obs-fold", get("X: a\r\n b\r\n"), bad, "headers"},
      {"white space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", bad, "headers"},
      {"a bare LF", "GET / HTTP/1.1\nHost: a\n\n", bad, "request_line"},
      {"a bare LF after a header", get("X: a\nY: b\r\n"), bad, "headers"},
      {"a bare CR", get("X: a\rY: b\r\n"), bad, "headers"},
      {"a space before the colon", get("X : a\r\n"), bad, "X"},
      {"a header without a name", get(": a\r\n"), bad, "headers"},
      {"a header without a colon", get("X\r\n"), bad, "headers"},
      {"a bracket in a name", get("X[1]: a\r\n"), bad, "headers"},
      {"an 8-bit byte in a name", get("X\xc3: a\r\n"), bad, "headers"},
      {"NUL in a value", get(std::string{"X: a\0b\r\n", 8}), bad, "headers"},
      {"DEL in a value", get("X: a\x7f\r\n"), bad, "headers"},
      {"two Hosts", get("Host: a\r\n"), bad, "host"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", bad, "host"},
      {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", bad, "host"},
      {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", bad, "host"},
      {"a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", bad, "host"},
      {"a Host with port 99999", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", bad, "host"},
      {"a Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", bad, "host"},
      {"two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a TAB for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", bad, "method"},
      {"an 8-bit byte in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a bad percent sign", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a percent sign at the end", "GET /?%2 HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"a relative target", "GET index HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"the authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"an absolute target with a user", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"an ftp target", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", bad, "target"},
      {"HTTP/0.9", "GET /\r\n\r\n", bad, "version"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", bad, "version"},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", bad, "version"},
      {"http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", bad, "version"},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", bad, "version"},
      {"an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad, "version"},
      {"white space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", bad, "version"},
      {"two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "method"},
      {"another expectation", post("Content-Length: 2\r\nExpect: tea\r\n", "ok"), bad, "expect"},
      {"a TLS ClientHello", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}, Cause::TLS_ON_PLAIN_PORT, ""},
      {"a request line too long", "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", Cause::HEADERS_TOO_LARGE, "request_line"},
      {"a header too long", get("X: " + long_value + "\r\n"), Cause::HEADERS_TOO_LARGE, "headers"},
      {"too many headers", get(many), Cause::HEADERS_TOO_LARGE, "headers"},
      {"a Content-Length over the limit", post("Content-Length: 65\r\n", ""), Cause::BODY_TOO_LARGE, ""},
      {"a Content-Length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n", ""), Cause::BODY_TOO_LARGE, ""},
      {"a chunk over the limit", post("Transfer-Encoding: chunked\r\n", "41\r\n"), Cause::BODY_TOO_LARGE, ""},
      {"chunks over the limit", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n40\r\n"), Cause::BODY_TOO_LARGE, ""},
      {"a chunk size beyond 64 bits", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), Cause::BODY_TOO_LARGE, ""},
      {"a chunk without a size", post("Transfer-Encoding: chunked\r\n", ";x\r\n"), bad, "body"},
      {"a signed chunk size", post("Transfer-Encoding: chunked\r\n", "-1\r\n"), bad, "body"},
      {"a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x2\r\nok\r\n0\r\n\r\n"), bad, "body"},
      {"a chunk longer than its size", post("Transfer-Encoding: chunked\r\n", "2\r\nokk\r\n0\r\n\r\n"), bad, "body"},
      {"a chunk size that ends with LF", post("Transfer-Encoding: chunked\r\n", "2\nok\r\n0\r\n\r\n"), bad, "body"},
      {"a folded trailer", post("Transfer-Encoding: chunked\r\n", "0\r\n X: y\r\n\r\n"), bad, "headers"},
  };
  for (const Case& c : cases) {
    for (HttpParser& parser : at_every_cut(c.input)) {
      ASSERT_EQ(parser.state(), State::failed) << c.name;
      ASSERT_EQ(parser.refusal().code(), code_of(c.cause)) << c.name << ": " << parser.refusal().evidence;
      ASSERT_EQ(parser.refusal().field, c.field) << c.name << ": " << parser.refusal().evidence;
      ASSERT_FALSE(parser.keep_alive());
    }
  }
}

TEST(HttpParser, NamesNoTextOfTheQueryInItsEvidence) {
  for (const std::string_view target : {"/ws?token=s3cret%zz", "/ws?token=s3cret\"", "/ws?a b=s3cret", "ws?token=s3cret"}) {
    HttpParser parser(kLimits);
    parser.feed(std::string{"GET "}.append(target).append(" HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_EQ(parser.state(), State::failed);
    EXPECT_EQ(parser.refusal().evidence.find("s3cret"), std::string::npos) << parser.refusal().evidence;
  }
}

TEST(WriteResponse, AddsLengthAndDateAndSaysWhetherTheConnectionStays) {
  Response response{.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "hello"};
  EXPECT_EQ(write_response(response, false, "Sun, 06 Nov 1994 08:49:37 GMT"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello");
  EXPECT_EQ(write_response(response, true, "", true), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n");
}

TEST(WriteResponse, GivesNoLengthToAnswersWithoutBody) {
  EXPECT_EQ(write_response({.status = 204, .headers = {}, .body = ""}, true, ""), "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(write_response({.status = 101, .headers = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, .body = ""}, true, ""),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

TEST(WriteResponse, LetsNoValueBeginANewLine) {
  const std::string out = write_response({.status = 302, .headers = {{"Location", "/a\r\nSet-Cookie: x=y"}}, .body = ""}, true, "");
  EXPECT_NE(out.find("Location: /a  Set-Cookie: x=y\r\n"), std::string::npos) << out;
}

} // namespace
} // namespace foyer::wire
