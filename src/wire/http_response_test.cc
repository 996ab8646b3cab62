#include "wire/http_response.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foyer::wire {
namespace {

using State = HttpResponseParser::State;

// One outcome in words: "200 body", or "failed".
std::string read(std::string_view input, std::size_t cut, bool close, bool to_head = false) {
  HttpResponseParser parser(to_head, {.head_bytes = 200, .body_bytes = 32});
  if (parser.feed(input.substr(0, cut)) == cut) parser.feed(input.substr(cut));
  if (close) parser.finish();
  switch (parser.state()) {
    case State::head: return "head";
    case State::body: return "body";
    case State::failed: return "failed";
    case State::complete: break;
  }
  return std::to_string(parser.response().status) + " " + parser.response().body +
      (parser.keep_alive() ? "" : " close");
}

TEST(HttpResponseParser, GivesOneAnswerHoweverItIsCut) {
  struct Case {
    std::string input;
    std::string outcome;
    bool close = false;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", "200 hello close"},
      {"HTTP/1.1 204\r\n\r\n", "204 "},
      {"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "404 "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "200 hello"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 until the end close", true},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
       "Created\r\nContent-Length: 2\r\n\r\nok",
          "201 ok"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01x", "101 "},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "failed", true},
      {"HTTP/1.1 200 OK\r\nConte", "failed", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", "failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(33, 'x'), "failed"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(200, 'x') + "\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "failed"},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "failed", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n21\r\n", "failed"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "failed"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204 "},
      {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "failed"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 "},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "failed"},
      {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello", "failed"},
      {"HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n", "failed"},
      {"HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n", "failed", true},
      {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "failed"},
      {"HTTP/1.1 200 OK\nX: a\n\n", "failed"},
      {"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "failed"},
      {"HTTP/1.1 099 Low\r\n\r\n", "failed"},
      {"HTTP/1.1 2000 High\r\n\r\n", "failed"},
      {"HTTP/1.1  200 OK\r\n\r\n", "failed"},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "failed"},
      {"HTTP/2 200\r\n\r\n", "failed"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "failed"},
      {std::string{"\x15\x03\x03\x00\x02\x02\x46", 7}, "failed"},
  };
  for (const Case& c : cases)
    for (std::size_t cut = 0; cut <= c.input.size(); ++cut)
      ASSERT_EQ(read(c.input, cut, c.close), c.outcome) << c.input << "\ncut at " << cut;
}

// RFC 9110 §9.3.2, RFC 9112 §6.3: the length is that of the body which GET would have had.
TEST(HttpResponseParser, ReadsNoBodyBehindTheAnswerToHead) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 3, false, true), "200 ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", 3, false, true), "200 ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 3, false, true), "200 ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 3, false, true), "failed");
}

TEST(HttpResponseParser, SkipsOnlySoManyInterimAnswers) {
  std::string input;
  for (int i = 0; i < 16; ++i) input += "HTTP/1.1 102 \r\n\r\n";
  const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  HttpResponseParser patient;
  patient.feed(input + last);
  EXPECT_EQ(patient.state(), State::complete);
  HttpResponseParser parser;
  parser.feed(input + "HTTP/1.1 102 \r\n\r\n" + last);
  EXPECT_EQ(parser.state(), State::failed);
}

} // namespace
} // namespace foyer::wire
