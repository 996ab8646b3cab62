// The HTTP server on the shipped event loop, over socket pairs, with virtual time.
#include "http/server.h"

#include <gmock/gmock.h>

#include "base/body_source.h"
#include "base/manual_executor.h"
#include "http/upgrade.h"
#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"
#include "io/testing/peer.h"
#include "wire/http_response.h"

namespace foyer::http {
namespace {

using io::test::Peer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

// A body of `pieces` equal pieces.
struct Pieces final : BodySource {
  Pieces(std::size_t n, std::string p) : pieces(n), piece(std::move(p)) {}
  void next(Completion<Piece> give) override {
    ++asked;
    if (silent) {
      waiting = std::move(give);
      return;
    }
    if (asked > 1 && finished) return give(Piece{.bytes = {}, .last = true});
    if (fails_at == asked) return give(refuse(Cause::INTERNAL_ERROR, "the source failed"));
    give(Piece{.bytes = piece, .last = asked == pieces});
  }
  void finish() override {
    finished = endless;
    if (waiting) std::exchange(waiting, nullptr)(Piece{.bytes = {}, .last = true});
  }
  std::size_t pieces, asked = 0, fails_at = 0;
  std::string piece;
  bool silent = false, endless = false, finished = false;
  Completion<Piece> waiting; // while silent
};

struct Upgraded final : UpgradeHandler, io::TransportHandler {
  void take(io::Transport& t, Upgrade u) override {
    transport = &t;
    upgrade = std::move(u);
    if (!refuse) return t.set_handler(this);
    Response response{.status = 403, .headers = {}, .body = "no"};
    upgrade.answers->answer_last(t,
        {.request = std::move(upgrade.request),
            .response = std::move(response),
            .socket = std::move(upgrade.permits.socket)});
  }
  void on_bytes(std::span<char> bytes) override { received.append(bytes.data(), bytes.size()); }
  void on_eof() override {}
  void on_drained() override {}
  void on_closed() override { closed = true; }

  bool refuse = false;
  io::Transport* transport = nullptr;
  Upgrade upgrade;
  std::string received;
  bool closed = false;
};

struct Serving : testing::Test {
  Serving() {
    door.sockets = {{.path = "/ws/chat", .subprotocols = {"foyer.v1"}}};
    door.allowed_hosts = {"chat.example"};
  }
  ~Serving() override {
    loop.stop();
    loop.run(); // ends all connections
  }

  ManualClock clock;
  FixedEntropy entropy{1};
  Metrics metrics;
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, metrics, null_log(), clock};
  admission::AddressLimits addresses{admission::AddressPolicy{}}, plain_gets{admission::AddressPolicy{}};
  admission::ConnectionLimits limits{admission::ConnectionPolicy{}};
  admission::DoorPolicy door;
  ManualExecutor control{clock};
  std::vector<Reply> held;
  std::shared_ptr<Pieces> source;
  Router router{
      {{"GET", "/hello", [](const Request&, Reply reply) { reply({.status = 200, .headers = {}, .body = "hello"}); }},
          {"GET", "/later", [this](const Request&, Reply reply) { held.push_back(std::move(reply)); }},
          {"GET", "/stream",
              [this](const Request&, Reply reply) {
    reply({.status = 200, .headers = {}, .body = {}, .stream = source});
  }}},
      RouterPolicy{.door = &door, .version = "1", .build = "b"}};
  Upgraded upgraded;
  io::EventLoop loop{0, clock, null_log(), io::make_epoll_poller()};
  Server server{{&loop}, {&upgraded}, Policy{}, deps()};
  Server without_upgrades{{&loop}, {}, Policy{}, deps()};

  Deps deps() {
    return {.clock = clock,
        .entropy = entropy,
        .log = null_log(),
        .metrics = metrics,
        .router = router,
        .reporter = reporter,
        .addresses = addresses,
        .plain_gets = plain_gets,
        .limits = limits,
        .control = control};
  }
  Peer connect(Server& to) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    loop.adopt(io::epoll_handle(ends[0]), "10.0.0.1", to.accept_function(0));
    return Peer{ends[1]};
  }
  Peer connect() { return connect(server); }
  Peer connect_over_tcp() {
    auto [here, peer] = io::test::tcp_connection();
    loop.adopt(io::epoll_handle(here), "10.0.0.1", server.accept_function(0));
    return std::move(peer);
  }
  void turn(int times = 8) {
    for (int i = 0; i < times; ++i) {
      control.run_posted();
      loop.turn(0ms);
    }
  }
  // Reads until nothing more arrives.
  std::string read_all(const Peer& peer, bool* ended = nullptr) {
    std::string all;
    for (int quiet = 0; quiet < 4;) {
      turn();
      const std::string more = peer.read(ended);
      quiet = more.empty() ? quiet + 1 : 0;
      all += more;
    }
    return all;
  }
  static std::string get(std::string_view path, std::string_view more = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: chat.example\r\n" + std::string(more) + "\r\n";
  }
  static std::string get_10(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.0\r\nHost: chat.example\r\nConnection: keep-alive\r\n\r\n";
  }
  static std::string handshake() {
    return get("/ws/chat",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  }
  // Removes the first answer from `text` and returns its body.
  static std::string body_of(std::string& text) {
    wire::HttpResponseParser parser(false, {.body_bytes = 1 << 30});
    text.erase(0, parser.feed(text));
    EXPECT_EQ(parser.state(), wire::HttpResponseParser::State::complete) << parser.error();
    return parser.response().body;
  }
};

TEST_F(Serving, PipelinedRequestsAreAnsweredInTheirOrder) {
  const Peer peer = connect();
  peer.write(get("/later") + get("/hello"));
  EXPECT_EQ(read_all(peer), "") << "the second waits for the first";
  ASSERT_EQ(held.size(), 1U);
  held[0]({.status = 200, .headers = {}, .body = "first"});
  std::string text = read_all(peer);
  EXPECT_EQ(body_of(text), "first");
  EXPECT_EQ(body_of(text), "hello");
  EXPECT_EQ(text, "");
}

TEST_F(Serving, AnUpgradeGetsTheTransportAndWhatWasReadBehindTheRequest) {
  const Peer peer = connect();
  peer.write(get("/hello") + handshake() + "early");
  std::string text = read_all(peer);
  EXPECT_EQ(body_of(text), "hello");
  ASSERT_NE(upgraded.transport, nullptr);
  EXPECT_EQ(upgraded.upgrade.request.path, "/ws/chat");
  EXPECT_EQ(upgraded.upgrade.request.address, "10.0.0.1");
  EXPECT_EQ(upgraded.upgrade.early_bytes, "early");
  EXPECT_EQ(limits.connections(), 1U) << "the permit goes with the transport";
  peer.write("frames");
  turn();
  EXPECT_EQ(upgraded.received, "frames");
  bool drained = false;
  server.drain([&] { drained = true; });
  turn();
  EXPECT_TRUE(drained) << "the HTTP connection has ended";
  upgraded.transport->abort();
  turn();
  EXPECT_TRUE(upgraded.closed);
}

TEST_F(Serving, ARefusedUpgradeIsAnsweredOverHttpAndEndsTheConnection) {
  upgraded.refuse = true;
  Peer peer = connect();
  peer.write(handshake());
  bool ended = false;
  const std::string text = read_all(peer, &ended);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(text, HasSubstr("Connection: close"));
  EXPECT_TRUE(ended);
  peer.close();
  turn();
  EXPECT_EQ(limits.connections(), 0U);
}

TEST_F(Serving, WithoutAnUpgradeHandlerAHandshakeIsHttp) {
  const Peer peer = connect(without_upgrades);
  peer.write(handshake() + get("/hello"));
  std::string text = read_all(peer);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(body_of(text), HasSubstr("UNKNOWN_PATH"));
  EXPECT_EQ(body_of(text), "hello");
}

// Streams

TEST_F(Serving, AStreamComesInChunksAndTheConnectionGoesOn) {
  source = std::make_shared<Pieces>(20, "sixteen bytes...");
  const Peer peer = connect();
  peer.write(get("/stream") + get("/hello"));
  std::string text = read_all(peer);
  EXPECT_THAT(text, HasSubstr("Transfer-Encoding: chunked\r\n"));
  std::string whole;
  for (int i = 0; i < 20; ++i) whole += "sixteen bytes...";
  EXPECT_EQ(body_of(text), whole);
  EXPECT_EQ(body_of(text), "hello");
}

TEST_F(Serving, AStreamIsAskedForMoreOnlyAsTheClientTakes) {
  source = std::make_shared<Pieces>(500, std::string(64 * 1024, 'x'));
  const Peer peer = connect();
  peer.write(get("/stream"));
  turn(200);
  const std::size_t asked = source->asked;
  EXPECT_LT(asked, 100U);
  turn(200);
  EXPECT_EQ(source->asked, asked) << "the client took nothing";
  std::string text = read_all(peer);
  EXPECT_EQ(body_of(text).size(), 500U * 64 * 1024);
}

TEST_F(Serving, AStreamToHttp10EndsWithTheConnection) {
  source = std::make_shared<Pieces>(3, "piece");
  const Peer peer = connect_over_tcp();
  peer.write(get_10("/stream"));
  bool ended = false;
  const std::string text = read_all(peer, &ended);
  EXPECT_THAT(text, EndsWith("\r\n\r\npiecepiecepiece"));
  EXPECT_THAT(text, HasSubstr("Connection: close"));
  EXPECT_THAT(text, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_TRUE(ended);
}

TEST_F(Serving, AnAnswerToHttp10ThatIsCutEndsWithAReset) {
  source = std::make_shared<Pieces>(5, "piece");
  source->fails_at = 3;
  const Peer failed = connect_over_tcp();
  failed.write(get_10("/stream"));
  read_all(failed);
  EXPECT_TRUE(failed.was_reset());

  source = std::make_shared<Pieces>(5, "piece");
  source->silent = true;
  const Peer stopped = connect_over_tcp();
  stopped.write(get_10("/stream"));
  EXPECT_THAT(read_all(stopped), StartsWith("HTTP/1.1 200"));
  loop.stop();
  loop.run(); // the process ends
  EXPECT_TRUE(stopped.was_reset());
}

TEST_F(Serving, AHeadRequestAsksTheSourceForNothing) {
  source = std::make_shared<Pieces>(3, "piece");
  const Peer peer = connect();
  peer.write("HEAD /stream HTTP/1.1\r\nHost: chat.example\r\n\r\n");
  EXPECT_THAT(read_all(peer), EndsWith("\r\n\r\n"));
  EXPECT_EQ(source->asked, 0U);
}

TEST_F(Serving, AFailedStreamIsCutSoThatNobodyTakesItForWhole) {
  source = std::make_shared<Pieces>(5, "piece");
  source->fails_at = 3;
  const Peer peer = connect();
  peer.write(get("/stream"));
  bool ended = false;
  const std::string text = read_all(peer, &ended);
  EXPECT_THAT(text, EndsWith("5\r\npiece\r\n5\r\npiece\r\n"));
  EXPECT_TRUE(ended);
  ASSERT_EQ(ring.find({}).size(), 1U);
  EXPECT_EQ(ring.find({})[0].refusal.evidence, "the source failed");
  EXPECT_EQ(limits.connections(), 0U);
}

TEST_F(Serving, AClientThatLeavesEndsItsStream) {
  source = std::make_shared<Pieces>(5, "piece");
  source->silent = true;
  const std::weak_ptr<Pieces> watched = source;
  Peer peer = connect();
  peer.write(get("/stream"));
  turn();
  ASSERT_EQ(source->asked, 1U);
  Completion<BodySource::Piece> give = std::move(source->waiting);
  source.reset();
  EXPECT_FALSE(watched.expired());
  peer.reset();
  turn();
  give(BodySource::Piece{.bytes = "for nobody", .last = false});
  turn();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(limits.connections(), 0U);
}

TEST_F(Serving, AStreamOfWhichNothingIsTakenIsGivenUp) {
  source = std::make_shared<Pieces>(500, std::string(64 * 1024, 'x'));
  const Peer peer = connect();
  peer.write(get("/stream"));
  turn(50);
  clock.advance(31s);
  turn(50);
  const auto refusals = ring.find({});
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].refusal.cause, Cause::ANSWER_UNREAD);
  EXPECT_EQ(limits.connections(), 0U);
}

TEST_F(Serving, ASourceMayTakeItsTimeAndADrainAsksItToFinish) {
  source = std::make_shared<Pieces>(5, "piece");
  source->silent = true;
  Peer peer = connect();
  peer.write(get("/stream"));
  EXPECT_THAT(read_all(peer), StartsWith("HTTP/1.1 200"));
  clock.advance(10min); // the source has no deadline
  EXPECT_EQ(read_all(peer), "");
  bool drained = false, ended = false;
  server.drain([&] { drained = true; });
  EXPECT_EQ(read_all(peer, &ended), "0\r\n\r\n");
  EXPECT_TRUE(ended);
  peer.close();
  turn();
  EXPECT_TRUE(drained);
}

TEST_F(Serving, ADrainLetsAStreamWithAnEndComeToIt) {
  source = std::make_shared<Pieces>(500, std::string(64 * 1024, 'x'));
  const Peer peer = connect();
  peer.write(get("/stream"));
  turn(50);
  ASSERT_LT(source->asked, 500U);
  server.drain([] {});
  bool ended = false;
  std::string text = read_all(peer, &ended);
  EXPECT_EQ(body_of(text).size(), 500U * 64 * 1024);
  EXPECT_TRUE(ended);
}

TEST_F(Serving, AStreamThatBeginsDuringADrainIsAskedToFinish) {
  source = std::make_shared<Pieces>(0, "piece");
  source->endless = true;
  const Peer peer = connect();
  peer.write(get("/later"));
  turn();
  ASSERT_EQ(held.size(), 1U);
  server.drain([] {});
  turn();
  held[0]({.status = 200, .headers = {}, .body = {}, .stream = source});
  turn();
  clock.advance(1s);
  bool ended = false;
  std::string text = read_all(peer, &ended);
  EXPECT_THAT(body_of(text), StartsWith("piece"));
  EXPECT_TRUE(ended);
}

TEST_F(Serving, APieceThatIsEmptySendsNothing) {
  source = std::make_shared<Pieces>(3, "");
  const Peer peer = connect();
  peer.write(get("/stream") + get("/hello"));
  std::string text = read_all(peer);
  EXPECT_EQ(body_of(text), "");
  EXPECT_EQ(source->asked, 3U);
  EXPECT_EQ(body_of(text), "hello");
}

} // namespace
} // namespace foyer::http
