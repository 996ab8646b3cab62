#include "doctor/answer.h"

#include <gmock/gmock.h>

#include "doctor/ladder.h"
#include "doctor/product.h"

namespace foyer::doctor {
namespace {

Exchange read(std::string_view head) {
  Exchange out;
  EXPECT_TRUE(read_head(head, out)) << head;
  return out;
}

TEST(Answer, HeadsAreReadLeniently) {
  EXPECT_EQ(head_size("HTTP/1.1 101 x\r\nA: b\r\n\r\n\x81"), 24U);
  EXPECT_EQ(head_size("HTTP/1.1 101 x\nA: b\n\nrest"), 21U);
  EXPECT_EQ(head_size("HTTP/1.1 101 x\r\nA: b\r\n"), 0U);
  const Exchange exchange = read("HTTP/1.0 404 Not Found\nServer:x \nno colon\n: empty\n\n");
  EXPECT_EQ(exchange.status, 404);
  EXPECT_EQ(exchange.version_minor, 0);
  EXPECT_EQ(exchange.reason, "Not Found");
  EXPECT_EQ(*exchange.headers.find("server"), "x");
  EXPECT_EQ(exchange.headers.list().size(), 1U);
}

TEST(Answer, WhatIsNotHttpIsNotRead) {
  Exchange out;
  for (const auto* bytes : {"SSH-2.0-x\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 no\r\n\r\n", "HTTP/1.1\r\n\r\n"})
    EXPECT_FALSE(read_head(bytes, out)) << bytes;
  EXPECT_TRUE(may_be_http("HT"));
  EXPECT_FALSE(may_be_http("220 mail"));
}

TEST(Answer, BodiesEndWhereTheHeadersSay) {
  const Exchange length = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  EXPECT_FALSE(body_complete(length, "ab"));
  EXPECT_TRUE(body_complete(length, "abc"));
  const Exchange chunks = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_FALSE(body_complete(chunks, "2\r\nab\r\n"));
  EXPECT_TRUE(body_complete(chunks, "2\r\nab\r\n0\r\n\r\n"));
  EXPECT_EQ(body_text(chunks, "2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"), "abc");
  EXPECT_EQ(body_text(chunks, "zz\r\nab"), "");
}

TEST(Product, IsRecognisedByItsMarks) {
  const auto by = [](std::string_view head) {
    const auto found = recognise(read(head));
    return found ? std::string{name_of(found->product)} : std::string{};
  };
  EXPECT_EQ(by("HTTP/1.1 502 x\r\nServer: nginx/1.22.1\r\n\r\n"), "nginx");
  EXPECT_EQ(by("HTTP/1.1 200 x\r\nServer: cloudflare\r\nCF-RAY: 1\r\n\r\n"), "Cloudflare");
  EXPECT_EQ(by("HTTP/1.1 400 x\r\nVia: 1.1 host (squid/5.7)\r\n\r\n"), "squid");
  EXPECT_EQ(by("HTTP/1.1 404 x\r\nServer: ATS/9.2\r\n\r\n"), "Apache Traffic Server");
  EXPECT_EQ(by("HTTP/1.1 404 x\r\nServer: Whats\r\n\r\n"), "");
  Exchange page = read("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  page.body = "<html><body><h1>503</h1>\nNo server is available to handle this request.\n</body></html>";
  EXPECT_EQ(name_of(recognise(page)->product), "HAProxy");
}

TEST(Ladder, PathsThatMayHaveBeenMeant) {
  using What = Variation::What;
  EXPECT_EQ(other_paths("/ws/ws/chat"),
      (std::vector<OtherPath>{
          {What::repetition, "/ws/chat"}, {What::slash, "/ws/ws/chat/"}, {What::path, "/"}, {What::path, "/ws"}}));
  EXPECT_EQ(other_paths("//ws"),
      (std::vector<OtherPath>{{What::repetition, "/ws"}, {What::slash, "//ws/"}, {What::path, "/"}}));
  EXPECT_EQ(other_paths("/"), (std::vector<OtherPath>{{What::path, "/ws"}}));
  EXPECT_EQ(health_path("/chat/ws/chat"), "/chat/health/live");
  EXPECT_EQ(health_path("/socket"), "/");
}

} // namespace
} // namespace foyer::doctor
