// On the shipped event loop, over socket pairs, with virtual time.
#include "gateway/no_rooms.h"

#include <gmock/gmock.h>

#include "base/manual_executor.h"
#include "http/server.h"
#include "io/poll/epoll_poller.h"
#include "io/testing/peer.h"
#include "protocol/foyer_v1/foyer_v1.h"

namespace foyer::gateway {
namespace {

using io::test::Peer;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kTheirClose{"\x88\x82\0\0\0\0\x03\xe8", 8}; // masked, 1000

struct NoRoomsTest : testing::Test {
  NoRoomsTest() {
    door.allowed_hosts = {"chat.example"};
    door.allowed_origins = {"https://chat.example"};
  }
  ~NoRoomsTest() override {
    loop.stop();
    loop.run(); // ends all connections
  }

  ManualClock clock;
  FixedEntropy entropy{1};
  Metrics metrics;
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, metrics, null_log(), clock};
  admission::AddressLimits addresses{admission::AddressPolicy{}}, plain_gets{admission::AddressPolicy{}};
  admission::ConnectionLimits limits{admission::ConnectionPolicy{.refusal_upgrades = 1}};
  admission::DoorPolicy door;
  ManualExecutor control{clock};
  http::Router router{{}, http::RouterPolicy{.door = &door, .version = "1", .build = "b"}};
  io::EventLoop loop{0, clock, null_log(), io::make_epoll_poller()};
  const http::Deps deps{.clock = clock,
      .entropy = entropy,
      .log = null_log(),
      .metrics = metrics,
      .router = router,
      .reporter = reporter,
      .addresses = addresses,
      .plain_gets = plain_gets,
      .limits = limits,
      .control = control};
  NoRooms no_rooms{loop, http::Policy{}, deps, std::make_unique<protocol::FoyerV1>(protocol::WelcomeConstants{})};
  http::Server server{{&loop}, {&no_rooms}, http::Policy{}, deps};

  Peer shake(std::string_view origin, std::string_view behind = {}) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    loop.adopt(io::epoll_handle(ends[0]), "10.0.0.1", server.accept_function(0));
    Peer peer{ends[1]};
    std::string text =
        "GET /ws/chat HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: foyer.v1\r\n";
    if (!origin.empty()) text.append("Origin: ").append(origin).append("\r\n");
    peer.write(text.append("\r\n").append(behind));
    return peer;
  }
  std::string read(const Peer& peer, bool* ended = nullptr) {
    for (int i = 0; i < 5; ++i) loop.turn(0ms);
    return peer.read(ended);
  }
};

TEST_F(NoRoomsTest, ABrowserGetsTheReasonAndTheEndOfTcpOnlyBehindItsOwnClose) {
  Peer peer = shake("https://chat.example");
  bool ended = false;
  const std::string text = read(peer, &ended);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(text, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(text, HasSubstr("Sec-WebSocket-Protocol: foyer.v1\r\n"));
  EXPECT_THAT(text, HasSubstr(R"({"type":"authentication_error","code":"UNKNOWN_PATH")"));
  EXPECT_THAT(text, HasSubstr("\x11\x34UNKNOWN_PATH ")); // 4404
  EXPECT_FALSE(ended);
  EXPECT_EQ(limits.refusal_upgrades(), 1U);
  peer.write(kTheirClose);
  EXPECT_EQ(read(peer, &ended), "");
  EXPECT_TRUE(ended);
  peer.close();
  read(Peer{});
  EXPECT_EQ(limits.connections(), 0U);
  EXPECT_EQ(limits.refusal_upgrades(), 0U);
}

TEST_F(NoRoomsTest, AClientThatDoesNotAnswerOurCloseIsNotAwaitedForLong) {
  const Peer silent = shake("https://chat.example");
  bool ended = false;
  EXPECT_THAT(read(silent, &ended), StartsWith("HTTP/1.1 101 "));
  clock.advance(1100ms);
  EXPECT_EQ(read(silent, &ended), "");
  EXPECT_TRUE(ended);
  clock.advance(1100ms);
  read(silent);
  EXPECT_EQ(limits.connections(), 0U);
}

TEST_F(NoRoomsTest, ACloseRightBehindTheHandshakeIsRead) {
  const Peer hasty = shake("https://chat.example", kTheirClose);
  bool ended = false;
  EXPECT_THAT(read(hasty, &ended), StartsWith("HTTP/1.1 101 "));
  EXPECT_TRUE(ended);
}

TEST_F(NoRoomsTest, ProgramsAndPagesOfOtherSitesGetHttp) {
  for (const std::string_view origin : {"", "https://elsewhere.example"}) {
    const Peer peer = shake(origin);
    bool ended = false;
    const std::string text = read(peer, &ended);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 404 ")) << origin;
    EXPECT_THAT(text, HasSubstr(R"("code":"UNKNOWN_PATH")")) << origin;
    EXPECT_TRUE(ended);
  }
}

TEST_F(NoRoomsTest, BeyondRefusalUpgradesBrowsersGetHttpAsWell) {
  const Peer first = shake("https://chat.example");
  EXPECT_THAT(read(first), StartsWith("HTTP/1.1 101 "));
  const Peer second = shake("https://chat.example");
  EXPECT_THAT(read(second), StartsWith("HTTP/1.1 404 "));
}

TEST_F(NoRoomsTest, AClientThatGoesOnSendingIsCut) {
  const Peer peer = shake("https://chat.example");
  read(peer);
  for (int i = 0; i < 40; ++i) {
    peer.write(std::string(2048, '\0'));
    read(peer);
  }
  EXPECT_EQ(limits.connections(), 0U);
}

} // namespace
} // namespace foyer::gateway
