#include "io/server.h"

#include <gmock/gmock.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <future>

#include "io/poll/epoll_poller.h"
#include "io/testing/peer.h"

using namespace foyer;
using namespace foyer::io;
using namespace foyer::io::test;
using namespace std::chrono_literals;

namespace {

// Sends back what it gets and deletes itself.
class Echo final : public TransportHandler {
 public:
  explicit Echo(Transport& transport) : transport_(transport) {}
  void on_bytes(std::span<char> bytes) override { transport_.send_copy({bytes.data(), bytes.size()}); }
  void on_eof() override { transport_.close_gracefully(1s); }
  void on_drained() override {}
  void on_closed() override { delete this; }

 private:
  Transport& transport_;
};

std::shared_ptr<Listener> listener() { return Listener::open({.host = "127.0.0.1", .port = 0}).value(); }

AcceptFunction echo() {
  return [](Loop&, Transport& transport) { return new Echo(transport); };
}

class CountingLog final : public Log {
 public:
  void write(Level, std::string_view event, std::string_view, std::initializer_list<Field>) noexcept override {
    events.emplace_back(event);
  }
  bool enabled(Level) const noexcept override { return true; }
  std::vector<std::string> events{};
};

template <class F>
void on_loop(Loop& loop, F act) {
  std::promise<void> done;
  loop.post([&] {
    act();
    done.set_value();
  });
  done.get_future().wait();
}

} // namespace

TEST(LoopGroup, AThousandConnectionsOnFourLoopsAllGetTheirOwnEcho) {
  const auto listening = listener();
  LoopGroup group(4, system_clock(), null_log());
  group.listen(listening, [](EventLoop&) { return echo(); });
  group.start();
  std::vector<Peer> peers;
  for (int i = 0; i < 1000; ++i) {
    peers.push_back(Peer::to(listening->port()));
    peers.back().write("number " + std::to_string(i));
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::string expected = "number " + std::to_string(i);
    ASSERT_EQ(peers[i].read_exactly(expected.size()), expected);
  }
  std::uint64_t accepted = 0, open = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    accepted += group.loop(i).stats().accepted.value();
    open += group.loop(i).stats().connections.value();
  }
  EXPECT_EQ(accepted, 1000U);
  EXPECT_EQ(open, 1000U);
  peers[0].end_writing();
  EXPECT_EQ(peers[0].read_exactly(1), "") << "the server also ends";
  group.stop();
  group.join();
  EXPECT_EQ(peers[1].read_exactly(1), "") << "it has ended";
}

TEST(LoopGroup, PostsFromManyThreadsKeepEachSendersOrderAndWakeALoopThatSleeps) {
  LoopGroup group(1, system_clock(), null_log());
  group.start();
  constexpr int kSenders = 4, kEach = 5000;
  std::vector<int> next(kSenders, 0);
  int wrong = 0;
  {
    std::vector<std::jthread> senders;
    for (int s = 0; s < kSenders; ++s)
      senders.emplace_back([&, s] {
        for (int i = 0; i < kEach; ++i) {
          group.loop(0).post([&, s, i] { wrong += next[static_cast<std::size_t>(s)]++ != i; });
          if (i % 50 == 0) on_loop(group.loop(0), [] {}); // lets it fall asleep in between
        }
      });
  }
  on_loop(group.loop(0), [] {});
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(next, testing::Each(kEach));
}

TEST(LoopGroup, LettingGoOfTheListenerFirstAcceptsWhatWaits) {
  auto listening = listener();
  const std::uint16_t port = listening->port();
  LoopGroup group(2, system_clock(), null_log());
  group.listen(listening, [](EventLoop&) { return echo(); });
  listening.reset();
  std::vector<Peer> peers;
  for (int i = 0; i < 50; ++i) peers.push_back(Peer::to(port)); // nobody accepts yet
  std::promise<void> gone;
  group.stop_listening([&] { gone.set_value(); });
  group.start();
  gone.get_future().wait();
  for (auto& peer : peers) peer.write("still served");
  for (auto& peer : peers) EXPECT_EQ(peer.read_exactly(12), "still served");
  EXPECT_FALSE(Peer::unconnected().connect(port));
}

TEST(LoopGroup, WithoutFileDescriptorsConnectionsAreTurnedAwayAtOnceAndServiceResumes) {
  const auto listening = listener();
  ManualClock clock;
  CountingLog log;
  log.error("first", "a sanitizer that meets a type for the first time needs a descriptor itself");
  EventLoop loop(0, clock, log, make_epoll_poller());
  loop.listen(listening, echo());
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(Peer::to(listening->port()));
  while (listening->queue().waiting < 5) std::this_thread::yield(); // until the TCP handshakes are complete

  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = ::dup(0);
  ::close(next_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 5; ++i) loop.turn(0ms);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(loop.stats().shed.value(), 5U);
  EXPECT_THAT(log.events, testing::ElementsAre("first", "accept_failed"));
  for (auto& peer : peers) EXPECT_EQ(peer.read_exactly(1), "") << "it has ended";

  clock.advance(1s);
  const Peer next = Peer::to(listening->port());
  next.write("hello");
  std::string answer;
  for (int i = 0; i < 1'000 && answer.empty(); ++i) {
    loop.turn(10ms);
    answer += next.read();
  }
  EXPECT_EQ(answer, "hello");
}

TEST(LoopGroup, ATurnAcceptsMoreAtOnceTheLongerOthersWait) {
  const auto listening = listener();
  ManualClock clock;
  EventLoop loop(0, clock, null_log(), make_epoll_poller());
  loop.listen(listening, echo());
  const auto accepted = [&] { return loop.stats().accepted.value(); };
  std::vector<Peer> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(Peer::to(listening->port()));
  while (listening->queue().waiting < 100) std::this_thread::yield();
  loop.turn(0ms);
  EXPECT_EQ(accepted(), 1U);
  for (int i = 0; i < 20; ++i) loop.turn(0ms);
  EXPECT_EQ(accepted(), 100U);
}

TEST(LoopGroup, AcceptedSocketsSendWithoutDelayAndKnowTheirPeer) {
  const auto listening = listener();
  ManualClock clock;
  EventLoop loop(0, clock, null_log(), make_epoll_poller());
  std::string address;
  loop.listen(listening, [&](Loop&, Transport& transport) {
    address = transport.peer_address();
    return new Echo(transport);
  });
  const Peer peer = Peer::to(listening->port());
  for (int i = 0; i < 1'000 && address.empty(); ++i) loop.turn(10ms);
  EXPECT_EQ(address, "127.0.0.1");
  int inherited = 0;
  for (int fd = 3; fd < 64 && inherited == 0; ++fd) {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    if (fd == listening->fd() || ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) < 0) continue;
    if (local.sin_family != AF_INET || ntohs(local.sin_port) != listening->port()) continue;
    size = sizeof inherited;
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &inherited, &size);
  }
  EXPECT_NE(inherited, 0);
}

TEST(LoopGroup, ReportsWhatEachLoopHasDone) {
  Metrics metrics;
  const auto listening = listener();
  LoopGroup group(2, system_clock(), null_log());
  group.report_to(metrics);
  group.listen(listening, [](EventLoop&) { return echo(); });
  group.start();
  const Peer peer = Peer::to(listening->port());
  peer.write("12345");
  ASSERT_EQ(peer.read_exactly(5), "12345");
  group.stop();
  group.join();
  EXPECT_EQ(group.loop(0).stats().bytes_out.value() + group.loop(1).stats().bytes_out.value(), 5U);
  EXPECT_THAT(metrics.text(), testing::ContainsRegex("foyer_loop_received_bytes_total\\{loop=\"[01]\"\\} 5"));
}

TEST(LoopGroup, APeerThatResetsIsClosedWithoutAnEnd) {
  const auto listening = listener();
  ManualClock clock;
  std::vector<std::string> story;
  Recorder recorder(story, "a");
  EventLoop loop(0, clock, null_log(), make_epoll_poller());
  loop.listen(listening, [&](Loop&, Transport&) { return &recorder; });
  Peer peer = Peer::to(listening->port());
  while (listening->queue().waiting < 1) std::this_thread::yield();
  loop.turn(0ms);
  peer.reset();
  for (int i = 0; i < 1'000 && story.empty(); ++i) loop.turn(10ms);
  EXPECT_THAT(story, testing::ElementsAre("a closed"));
}
