#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "client/http_client.h"
#include "client/ws_client.h"
#include "wire/websocket.h"

namespace foyer::client {
namespace {

// Accepts one connection on loopback, reads a request's head, and treats the
// socket as the test says.
class OneShotServer {
 public:
  using Script = std::function<void(int socket, const std::string& head)>;

  explicit OneShotServer(Script script) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      std::string head;
      char c = 0;
      while (!head.ends_with("\r\n\r\n") && ::read(socket, &c, 1) == 1) head.push_back(c);
      script(socket, head);
      ::close(socket);
    });
  }
  ~OneShotServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] wire::Url url(const std::string& rest) const {
    return *wire::parse_url("http://127.0.0.1:" + std::to_string(port_) + rest);
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

void say(int socket, std::string_view bytes) { (void)!::write(socket, bytes.data(), bytes.size()); }

void until_eof(int socket) {
  char c = 0;
  while (::read(socket, &c, 1) == 1) {}
}

std::string header(const std::string& head, const std::string& name) {
  const std::size_t at = head.find(name + ": ");
  return at == std::string::npos ? "" : head.substr(at + name.size() + 2, head.find("\r\n", at) - at - name.size() - 2);
}

std::string switching(const std::string& head, const std::string& more = "") {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      wire::accept_key(header(head, "Sec-WebSocket-Key")) + "\r\n" + more + "\r\n";
}

// The events that a client saw, in order, and then its end.
std::vector<std::string> watch(const OneShotServer& server, WsOptions options,
    const std::function<void(WsClient&, std::string_view)>& on_text = {}) {
  exec::ControlPlane plane;
  std::promise<void> done;
  std::vector<std::string> seen;
  std::unique_ptr<WsClient> client;
  WsClient::Events events;
  events.opened = [&](const Response& answer) {
    seen.push_back("opened " + answer.headers.joined("sec-websocket-protocol"));
  };
  events.failed = [&](const WsFailure& failure) {
    seen.push_back("failed " + failure.error.what + (failure.answer ? " | " + failure.answer->body : ""));
    done.set_value();
  };
  events.text = [&](std::string_view text) {
    seen.push_back("text " + std::string{text});
    if (on_text) on_text(*client, text);
  };
  events.closed = [&](std::uint16_t code, std::string_view reason) {
    seen.push_back("closed " + std::to_string(code) + " " + std::string{reason});
    done.set_value();
  };
  const wire::Url url = server.url("/ws/chat?x=1");
  plane.post([&] {
    client = std::make_unique<WsClient>(plane, system_entropy(), url, std::move(options), std::move(events));
  });
  done.get_future().wait();
  std::promise<void> gone;
  plane.post([&] {
    client.reset();
    plane.after(Millis{0}, [&] { gone.set_value(); });
  });
  gone.get_future().wait();
  return seen;
}

TEST(HttpRequest, SendsAndReceivesWhole) {
  std::string seen;
  OneShotServer server([&](int socket, const std::string& head) {
    seen = head;
    say(socket, "HTTP/1.1 201 Created\r\nX-Foyer: 1\r\nContent-Length: 2\r\n\r\nok");
    until_eof(socket);
  });
  const HttpResult answer = http_request(
      {.method = "POST", .url = server.url("/a?b=c"), .headers = {{"X-Key", "k"}}, .body = "{}", .tls = {}});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(*answer->headers.find("x-foyer"), "1");
  EXPECT_TRUE(seen.starts_with("POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
  EXPECT_EQ(header(seen, "X-Key"), "k");
  EXPECT_EQ(header(seen, "Content-Length"), "2");
}

TEST(HttpRequest, DistinguishesFaults) {
  wire::Url nobody;
  {
    OneShotServer closed([](int, const std::string&) {});
    nobody = closed.url("/");
  }
  EXPECT_EQ(http_request({.url = nobody, .headers = {}, .body = "", .tls = {}}).error().kind, NetError::Kind::connect);
  OneShotServer silent([](int socket, const std::string&) { until_eof(socket); });
  EXPECT_EQ(
      http_request({.url = silent.url("/"), .headers = {}, .body = "", .timeout = Millis{50}, .tls = {}}).error().kind,
      NetError::Kind::timeout);
  OneShotServer rude(
      [](int socket, const std::string&) { say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"); });
  EXPECT_EQ(http_request({.url = rude.url("/"), .headers = {}, .body = "", .tls = {}}).error().kind,
      NetError::Kind::protocol);
  OneShotServer foreign([](int socket, const std::string&) { say(socket, "SSH-2.0-x\r\n"); });
  EXPECT_EQ(http_request({.url = foreign.url("/"), .headers = {}, .body = "", .tls = {}}).error().kind,
      NetError::Kind::protocol);
  OneShotServer plain(
      [](int socket, const std::string&) { say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); });
  wire::Url https = plain.url("/");
  https.scheme = "https";
  const HttpResult tls = http_request({.url = https, .headers = {}, .body = "", .timeout = Millis{100}, .tls = {}});
  ASSERT_FALSE(tls);
}

TEST(WsClient, ExchangesMessagesAnswersPingsAndEndsWithTheServersClose) {
  OneShotServer server([](int socket, const std::string& head) {
    std::string out = switching(head, "Sec-WebSocket-Protocol: foyer.v1\r\n"); // the first frames arrive with the 101
    wire::append_frame(out, wire::Opcode::ping, "p");
    wire::append_frame(out, wire::Opcode::text, "hello");
    say(socket, out);
    // A masked pong "p" and a masked text "hello!": 7 and 12 bytes; then the end.
    char bytes[19];
    std::size_t got = 0;
    while (got < sizeof bytes) got += static_cast<std::size_t>(::read(socket, bytes + got, sizeof bytes - got));
    std::string end;
    const bool pong = bytes[0] == '\x8a' && (bytes[2] ^ bytes[6]) == 'p';
    wire::append_frame(end, wire::Opcode::text, pong ? "pong came" : "no pong");
    wire::append_frame(end, wire::Opcode::close, wire::close_payload(4401, "TOKEN_EXPIRED r1"));
    say(socket, end);
    ::shutdown(socket, SHUT_WR);
    until_eof(socket);
  });
  const auto seen = watch(server, {.headers = {}, .subprotocols = {"foyer.v1", "x"}, .tls = {}},
      [](WsClient& client, std::string_view text) {
    if (text == "hello") client.send_text("hello!");
  });
  EXPECT_EQ(seen,
      (std::vector<std::string>{"opened foyer.v1", "text hello", "text pong came", "closed 4401 TOKEN_EXPIRED r1"}));
}

TEST(WsClient, HandsOutTheWholeAnswerOfARefusal) {
  OneShotServer server([](int socket, const std::string&) {
    say(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot today");
  });
  EXPECT_EQ(watch(server, {}), (std::vector<std::string>{"failed the handshake was answered with 403 | not today"}));
}

TEST(Rfc6455, S4_1_TheClientFailsAHandshakeThatTheStandardForbids) {
  const auto with = [](const std::function<std::string(const std::string&)>& answer) {
    OneShotServer server([&](int socket, const std::string& head) { say(socket, answer(head)); });
    return watch(server, {.headers = {}, .subprotocols = {"foyer.v1"}, .tls = {}}).front();
  };
  EXPECT_EQ(with([](const auto&) { return switching("Sec-WebSocket-Key: other\r\n"); }),
      "failed the 101 has a wrong Sec-WebSocket-Accept | ");
  EXPECT_EQ(with([](const auto& head) { return switching(head, "Sec-WebSocket-Protocol: y\r\n"); }),
      "failed the 101 selects a subprotocol that was not offered | ");
  EXPECT_EQ(with([](const auto& head) { return switching(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n"); }),
      "failed the 101 selects an extension that was not offered | ");
  EXPECT_EQ(with([](const auto& head) { return switching(head, "Sec-WebSocket-Extensions: \r\n"); }),
      "failed the 101 selects an extension that was not offered | ");
  EXPECT_EQ(with([](const auto& head) {
    return switching(head, "Sec-WebSocket-Protocol: foyer.v1\r\nSec-WebSocket-Protocol: foyer.v1\r\n");
  }),
      "failed the 101 selects more than one subprotocol | ");
  EXPECT_EQ(with([](const auto& head) { return switching(head, "Sec-WebSocket-Protocol: foyer.v1, foyer.v1\r\n"); }),
      "failed the 101 selects a subprotocol that was not offered | ");
  EXPECT_EQ(with([](const auto&) { return std::string{"HTTP/1.1 101 OK\r\n\r\n"}; }),
      "failed the 101 does not say Upgrade: websocket | ");
  EXPECT_EQ(with([](const auto&) { return std::string{"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n\r\n"}; }),
      "failed the 101 does not say Connection: Upgrade | ");
  EXPECT_EQ(with([](const auto&) {
    return std::string{"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"};
  }),
      "failed the 101 has a wrong Sec-WebSocket-Accept | ");
  EXPECT_EQ(with([](const auto& head) { return switching(head, "Sec-WebSocket-Accept: again\r\n"); }),
      "failed the 101 has a wrong Sec-WebSocket-Accept | ");
}

TEST(WsClient, Says1006WhenTheConnectionBreaksAnd1002WhenTheServerBreaksTheRules) {
  OneShotServer breaks([](int socket, const std::string& head) { say(socket, switching(head)); });
  EXPECT_EQ(watch(breaks, {}), (std::vector<std::string>{"opened ", "closed 1006 the peer closed the connection"}));
  const auto after = [](const std::string& frame) {
    OneShotServer server([&](int socket, const std::string& head) {
      say(socket, switching(head) + frame);
      until_eof(socket);
    });
    return watch(server, {}).back();
  };
  std::string masked;
  wire::append_masked_frame(masked, wire::Opcode::text, "x", 7);
  EXPECT_EQ(after(masked), "closed 1002 a server's frame is masked"); // RFC 6455 §5.1
  // No extension was offered, so no reserved bit has a meaning.
  for (const char first : {'\xc1', '\xa1', '\x91'})
    EXPECT_EQ(
        after(std::string{first, '\x01', 'x'}), "closed 1002 a reserved bit is set and no extension was negotiated");
  EXPECT_EQ(after(std::string{"\x81\x01\xff"}), "closed 1007 text is not UTF-8");
  EXPECT_EQ(after(std::string{"\x88\x02\x03\xed"}), "closed 1002 a close code that may not be sent"); // 1005
}

} // namespace
} // namespace foyer::client
