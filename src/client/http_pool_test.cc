// Persistent connections: reuse, waiting, and every way in which they end; in virtual time, and once over
// sockets.
#include "client/http_pool.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <set>
#include <thread>
#include <vector>

#include "base/manual_executor.h"

namespace foyer::client {
namespace {

using Kind = NetError::Kind;
using Phase = NetError::Phase;
using testing::ElementsAre;
using testing::HasSubstr;

// A connection without a network: the test plays the server.
class Wire final : public Link {
 public:
  explicit Wire(Events events) : events_(std::move(events)) {}
  void write(std::string bytes) override { written += bytes; }
  void finish() override {}
  void abort() override {
    aborted = true;
    events_ = {};
    self.reset();
  }
  void ready() {
    auto ready = events_.ready;
    ready();
  }
  void say(std::string text) {
    auto on_bytes = events_.bytes;
    text.resize(text.size() + kPadding);
    if (on_bytes) on_bytes({text.data(), text.size() - kPadding});
  }
  void end(Kind kind, std::string what = "Connection reset by peer") {
    auto on_ended = events_.ended;
    const auto keep = std::exchange(self, nullptr);
    events_ = {};
    if (on_ended) on_ended({kind, std::move(what)});
  }
  void answer(const std::string& body) {
    say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  std::string written;
  bool aborted = false;
  std::shared_ptr<Wire> self; // a real link keeps itself alive

 private:
  Events events_;
};

class Pool : public testing::Test {
 protected:
  Pool() { make({}); }
  void make(PoolOptions options) {
    options.server = *wire::parse_url("http://auth:8001");
    pool = std::make_unique<HttpPool>(PoolDriver{.open =
                                                     [this](LinkTarget target, Link::Events events) {
      targets.push_back(std::move(target));
      auto wire = std::make_shared<Wire>(std::move(events));
      wire->self = wire;
      wires.push_back(wire);
      return std::weak_ptr<Link>(wire);
    },
                                          .control = control},
        std::move(options));
  }
  void pass(Millis time) { foyer::pass(clock, control, time); }
  void ask(const std::string& target, PoolCall call = {}) {
    call.target = target;
    pool->send(std::move(call), [this, target](HttpResult result) {
      ends.push_back(target + ": " +
          (result ? std::to_string(result->status) + " " + result->body
                  : std::string(to_string(result.error().kind)) + ", " + std::string(to_string(result.error().phase))));
      if (!result) last_error = result.error().what;
    });
  }
  Wire& wire(std::size_t i) { return *wires.at(i); }

  ManualClock clock;
  ManualExecutor control{clock};
  std::vector<std::shared_ptr<Wire>> wires;
  std::vector<LinkTarget> targets;
  std::vector<std::string> ends;
  std::string last_error;
  std::unique_ptr<HttpPool> pool;
};

TEST_F(Pool, AConnectionIsKeptAndUsedAgain) {
  ask("/one?x=1",
      {.method = "POST",
          .headers = {{"X-A", "1"}, {"Host", "elsewhere"}, {"Content-Length", "99"}},
          .body = "{}",
          .connect_timeout = Millis{250}});
  EXPECT_EQ(targets.at(0).connect_timeout, Millis{250});
  EXPECT_EQ(targets.at(0).host, "auth");
  wire(0).ready();
  EXPECT_EQ(wire(0).written, "POST /one?x=1 HTTP/1.1\r\nHost: auth:8001\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}");
  wire(0).answer("first");
  EXPECT_EQ(pool->idle(), 1U);
  ask("/two");
  wire(0).answer("second");
  EXPECT_THAT(ends, ElementsAre("/one?x=1: 200 first", "/two: 200 second"));
  EXPECT_EQ(wires.size(), 1U);
}

TEST_F(Pool, AnAnswerSplitAtEveryByteIsTheSameAnswer) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  ask("/a");
  wire(0).ready();
  for (const char c : answer) wire(0).say(std::string(1, c));
  EXPECT_THAT(ends, ElementsAre("/a: 200 hello"));
  EXPECT_EQ(pool->idle(), 1U);
}

TEST_F(Pool, AnIdleConnectionIsGivenUpBeforeTheServerWould) {
  ask("/a");
  wire(0).ready();
  wire(0).answer("");
  pass(Millis{29'999});
  EXPECT_EQ(pool->idle(), 1U);
  pass(Millis{1});
  EXPECT_EQ(pool->idle(), 0U);
  EXPECT_TRUE(wire(0).aborted);
  EXPECT_EQ(control.timers(), 0U);
}

TEST_F(Pool, AConnectionThatTheServerEndsOrMisusesIsNotKept) {
  ask("/a");
  wire(0).ready();
  wire(0).say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(pool->idle(), 0U);
  ask("/b");
  wire(1).ready();
  wire(1).say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1"); // more than was asked for
  EXPECT_EQ(pool->idle(), 0U);
  ask("/c");
  wire(2).ready();
  wire(2).answer("");
  wire(2).end(Kind::closed); // while idle
  EXPECT_EQ(pool->idle(), 0U);
  ask("/d");
  wire(3).ready();
  wire(3).answer("");
  wire(3).say("HTTP/1.1 408 Request Timeout\r\n\r\n"); // unasked
  EXPECT_EQ(pool->idle(), 0U);
  EXPECT_THAT(ends, ElementsAre("/a: 200 ", "/b: 200 x", "/c: 200 ", "/d: 200 "));
  EXPECT_EQ(control.timers(), 0U);
}

TEST_F(Pool, EveryEndIsCalledByItsKindAndPhase) {
  const auto end_of = [this](const std::function<void(Wire&)>& what, Millis timeout = Millis{600}) {
    ends.clear();
    ask("/x", {.timeout = timeout});
    what(wire(wires.size() - 1));
    pass(Millis{600});
    return ends.size() == 1 ? ends.front() : "not one end";
  };
  EXPECT_EQ(end_of([](Wire& w) { w.end(Kind::connect); }), "/x: connect, connecting");
  EXPECT_EQ(end_of([](Wire& w) { w.end(Kind::resolve); }), "/x: resolve, connecting");
  EXPECT_EQ(end_of([](Wire& w) { w.end(Kind::tls); }), "/x: tls, connecting");
  EXPECT_EQ(end_of([](Wire& w) { w.end(Kind::timeout); }), "/x: timeout, connecting");
  EXPECT_EQ(end_of([](Wire&) {}), "/x: timeout, connecting");
  EXPECT_EQ(last_error, "no connection to auth:8001 within 600 ms");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(); }), "/x: timeout, waiting");
  EXPECT_EQ(last_error, "no byte of an answer from auth:8001 within 600 ms");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(), w.end(Kind::closed); }), "/x: closed, waiting");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(), w.say("HTTP/1.1 2"); }), "/x: timeout, reading");
  EXPECT_EQ(
      end_of([](Wire& w) { w.ready(), w.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), w.end(Kind::closed); }),
      "/x: protocol, reading");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(), w.say("SSH-2.0-x\r\n"); }), "/x: protocol, reading");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(), w.say("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"); }),
      "/x: protocol, reading");
  EXPECT_EQ(end_of([](Wire& w) { w.ready(), w.say("HTTP/1.1 200 OK\r\n\r\nto the end"), w.end(Kind::closed); }),
      "/x: 200 to the end");
  EXPECT_EQ(pool->busy() + pool->idle(), 0U);
  EXPECT_EQ(control.timers(), 0U);
}

TEST_F(Pool, ARequestThatMayBeRepeatedIsSentOnceMoreWhenAKeptConnectionWasClosed) {
  const auto on_a_stale_connection = [this](bool repeatable) {
    ends.clear();
    ask("/first");
    wire(wires.size() - 1).ready();
    wire(wires.size() - 1).answer("");
    ask("/x", {.repeatable = repeatable});
    wire(wires.size() - 1).end(Kind::closed);
  };
  on_a_stale_connection(false);
  EXPECT_THAT(ends, ElementsAre("/first: 200 ", "/x: closed, waiting"));
  on_a_stale_connection(true);
  EXPECT_THAT(ends, ElementsAre("/first: 200 "));
  wire(2).ready();
  wire(2).end(Kind::closed); // new: no second repetition
  EXPECT_THAT(ends, ElementsAre("/first: 200 ", "/x: closed, waiting"));
  on_a_stale_connection(true);
  wire(wires.size() - 1).ready();
  wire(wires.size() - 1).answer("again");
  EXPECT_THAT(ends, ElementsAre("/first: 200 ", "/x: 200 again"));
  EXPECT_EQ(pool->busy(), 0U);
}

TEST_F(Pool, RequestsBeyondTheConnectionsWaitInOrderAndALongPollTakesNoPlace) {
  make({.connections = 2, .waiting = 2});
  ask("/poll", {.timeout = Millis{30'000}, .own_connection = true});
  for (const auto* target : {"/a", "/b", "/c", "/d", "/e"}) ask(target);
  EXPECT_EQ(wires.size(), 3U);
  EXPECT_EQ(pool->waiting(), 2U);
  EXPECT_THAT(ends, ElementsAre()) << "an answer never comes from inside send";
  pass(Millis{0});
  EXPECT_THAT(ends, ElementsAre("/e: timeout, waiting"));
  for (auto& w : wires) w->ready();
  wire(1).answer("1");
  EXPECT_THAT(wire(1).written, HasSubstr("GET /c "));
  wire(1).end(Kind::closed);
  EXPECT_EQ(wires.size(), 4U);
  wire(3).ready();
  EXPECT_THAT(wire(3).written, HasSubstr("GET /d "));
  wire(3).answer("4");
  wire(2).answer("2");
  wire(0).answer("events");
  EXPECT_THAT(ends,
      ElementsAre(
          "/e: timeout, waiting", "/a: 200 1", "/c: closed, waiting", "/d: 200 4", "/b: 200 2", "/poll: 200 events"));
  EXPECT_EQ(pool->busy(), 0U);
  EXPECT_EQ(pool->idle(), 2U);
}

TEST_F(Pool, TheDeadlineRunsWhileARequestWaits) {
  make({.connections = 1});
  ask("/slow", {.timeout = Millis{5'000}});
  ask("/waits");
  pass(Millis{600});
  EXPECT_THAT(ends, ElementsAre("/waits: timeout, waiting"));
  EXPECT_THAT(last_error, HasSubstr("none of 1 connections"));
}

TEST_F(Pool, TheEndOfThePoolCallsNoCompletion) {
  make({.connections = 1});
  ask("/a");
  ask("/b");
  wire(0).ready();
  pool.reset();
  EXPECT_TRUE(wire(0).aborted);
  pass(Millis{60'000});
  EXPECT_THAT(ends, ElementsAre());
  EXPECT_EQ(control.timers(), 0U);
}

TEST_F(Pool, AHeaderThatWouldBeginANewLineIsNotSent) {
  ask("/a", {.headers = {{"X-Service-ID", "backend\r\nX-Admin: 1"}}});
  ask("/b HTTP/1.1\r\nX: ");
  pass(Millis{0});
  EXPECT_THAT(ends, ElementsAre("/a: protocol, connecting", "/b HTTP/1.1\r\nX: : protocol, connecting"));
  EXPECT_TRUE(wires.empty());
}

TEST_F(Pool, ACompletionMaySendAgainAtOnceOrEndThePool) {
  ask("/a");
  wire(0).ready();
  pool->send({.target = "/b"}, [this](HttpResult) {
    ask("/c");
    pool.reset();
  });
  wire(1).ready();
  wire(1).answer("");
  EXPECT_THAT(ends, ElementsAre());
  EXPECT_EQ(control.timers(), 0U);
}

// For any behaviour of servers, deadlines and callers, each call ends once, and nothing is left behind.
TEST_F(Pool, EveryCallEndsOnceInAnyOrderOfEvents) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    FixedEntropy entropy(seed);
    wires.clear();
    make({.connections = 1 + entropy.below(3), .waiting = 4, .idle_timeout = Millis{500}});
    std::vector<int> ended; // how often, of each call
    std::set<std::size_t> established;
    for (int step = 0; step < 120; ++step) {
      const auto what = entropy.below(10);
      const std::size_t which = wires.empty() ? 0 : entropy.below(wires.size());
      const bool open = !wires.empty() && !wires[which]->aborted && wires[which]->self != nullptr;
      if (what < 3) {
        pool->send({.timeout = Millis{100 + static_cast<int>(entropy.below(600))},
                       .repeatable = entropy.below(2) == 0,
                       .own_connection = entropy.below(8) == 0},
            [&ended, call = ended.size()](const HttpResult&) { ++ended[call]; });
        ended.push_back(0);
      } else if (what < 5 && open && established.insert(which).second) {
        wires[which]->ready();
      } else if (what < 7 && open && established.contains(which)) {
        wires[which]->answer("x");
      } else if (what == 7 && open) {
        wires[which]->end(established.contains(which) ? Kind::closed : Kind::connect);
      } else {
        pass(Millis{static_cast<int>(entropy.below(80))});
      }
      EXPECT_LE(pool->waiting(), 4U);
    }
    pass(Millis{2'000});
    EXPECT_THAT(ended, testing::Each(1));
    EXPECT_EQ(pool->busy() + pool->idle() + pool->waiting(), 0U);
    EXPECT_EQ(control.timers(), 0U);
  }
}

// Over sockets: a server that counts its connections.
TEST(PoolOverSockets, ManyRequestsTravelOverOneConnectionUntilTheServerEndsIt) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(listener, 4);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  int accepted = 0;
  std::thread server([&] {
    for (int socket = ::accept(listener, nullptr, nullptr); socket >= 0;
        socket = ::accept(listener, nullptr, nullptr)) {
      ++accepted;
      for (int answers = 0; answers < 3; ++answers) { // then it closes
        std::string head;
        char c = 0;
        while (!head.ends_with("\r\n\r\n") && ::read(socket, &c, 1) == 1) head.push_back(c);
        if (head.empty()) break;
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(accepted);
        (void)!::write(socket, answer.data(), answer.size());
      }
      ::close(socket);
    }
  });
  std::string bodies;
  {
    exec::ControlPlane plane("pool");
    std::unique_ptr<HttpPool> pool;
    std::promise<void> done;
    std::function<void(int)> ask = [&](int left) {
      if (left == 0) return done.set_value();
      pool->send({.target = "/", .connect_timeout = Millis{5'000}, .timeout = Millis{20'000}, .repeatable = true},
          [&, left](HttpResult result) {
        bodies += result ? result->body : "?";
        ask(left - 1);
      });
    };
    plane.post([&] {
      pool = std::make_unique<HttpPool>(pool_driver(plane),
          PoolOptions{.server = *wire::parse_url("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)))});
      ask(7);
    });
    done.get_future().wait();
    plane.stop();
  }
  ::shutdown(listener, SHUT_RDWR);
  server.join();
  ::close(listener);
  EXPECT_EQ(bodies, "1112223");
}

} // namespace
} // namespace foyer::client
