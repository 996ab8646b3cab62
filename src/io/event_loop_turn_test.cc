// The order of a turn, timers, fairness, and the end of a loop.
#include "io/event_loop.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "io/testing/event_loop_world.h"

using namespace foyer;
using namespace foyer::io;
using namespace foyer::io::test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(EventLoop, TasksAfterATurnComeWhenItsMessagesHaveLeftAndTheNextOneDoesNotWait) {
  World w;
  auto a = w.connect("a");
  std::string had_left;
  a.handler->act = [&] {
    w.loop.after_turn([&] {
      had_left = a.peer.read();
      a.transport->send_copy("one ");
      w.loop.after_turn([&] { a.transport->send_copy("two"); });
    });
    a.transport->send_copy("at once");
  };
  a.peer.write("x");
  w.loop.turn();
  EXPECT_EQ(had_left, "at once");
  w.loop.turn(); // without an event or a limit
  EXPECT_EQ(a.peer.read(), "one ");
  w.loop.turn();
  EXPECT_EQ(a.peer.read(), "two");
}

TEST(EventLoop, WhatATurnPostsIsDoneInItButPostingDoesNotKeepItFromItsEnd) {
  World w;
  auto a = w.connect("a");
  int posts = 0;
  std::move_only_function<void()> again = [&] {
    ++posts;
    w.loop.post([&] { again(); });
  };
  a.handler->act = [&] {
    w.loop.post([&] { w.loop.post([&] { a.transport->send_copy("answer"); }); });
    again();
  };
  a.peer.write("x");
  w.loop.turn();
  EXPECT_EQ(a.peer.read(), "answer");
  const int before = posts;
  w.loop.turn(0ms);
  EXPECT_GT(posts, before);
}

TEST(EventLoop, ManyTimersThatAreDueTogetherDoNotKeepTheOthersWaiting) {
  World w;
  auto a = w.connect("a");
  struct Due final : Timer {
    explicit Due(std::vector<std::string>& story) : story_(story) {}
    void on_timer() override { story_.emplace_back("due"); }
    std::vector<std::string>& story_;
  };
  std::vector<std::unique_ptr<Due>> timers;
  for (int i = 0; i < 1000; ++i) w.loop.arm(*timers.emplace_back(std::make_unique<Due>(w.story)), 1000ms);
  const auto fired = [&] { return std::ranges::count(w.story, "due"); };
  w.clock.advance(1s);
  w.turn();
  EXPECT_GT(fired(), 0);
  a.peer.write("x");
  w.loop.turn(); // without a limit: while something is due it does not wait
  EXPECT_THAT(w.story, testing::Contains("a got x"));
  EXPECT_LT(fired(), 1000) << "input that arrived meanwhile was handled before the last of them";
  for (int i = 0; i < 1000 && fired() < 1000; ++i) w.loop.turn(0ms);
  EXPECT_EQ(fired(), 1000);
}

TEST(EventLoop, TimersAreNotForgottenHoweverManyEventsThereAre) {
  World w;
  std::vector<World::Connection> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(w.connect("one of many"));
  for (auto& each : crowd) each.handler->quiet = true;
  struct Due final : Timer {
    explicit Due(int& count) : count_(count) {}
    void on_timer() override { ++count_; }
    int& count_;
  };
  int fired = 0;
  std::vector<std::unique_ptr<Due>> timers;
  for (int i = 0; i < 500; ++i) w.loop.arm(*timers.emplace_back(std::make_unique<Due>(fired)), 1000ms);
  w.clock.advance(1s);
  for (int i = 0; i < 200 && fired < 500; ++i) {
    for (auto& each : crowd) each.peer.write("x");
    w.loop.turn(0ms);
  }
  EXPECT_EQ(fired, 500) << "they fire late, but all of them fire";
}

TEST(EventLoop, AConnectionIsReadAShareInEachTurn) {
  World w;
  auto loud = w.connect("loud"), other = w.connect("other");
  loud.handler->quiet = true;
  const int big = 4 << 20;
  ::setsockopt(loud.peer.fd(), SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
  const std::string much(150'000, 'x');
  loud.peer.write(much);
  w.turn();
  EXPECT_EQ(loud.handler->received.size(), EventLoop::kReadShare);
  other.peer.write("hello");
  loud.peer.write("x"); // an event on top does not give it another share
  EXPECT_THAT(w.turn(), ElementsAre("other got hello"));
  EXPECT_EQ(loud.handler->received.size(), 2 * EventLoop::kReadShare);
  for (int i = 0; i < 5; ++i) w.loop.turn(0ms);
  EXPECT_EQ(loud.handler->received.size(), much.size() + 1);
  loud.peer.write("again");
  EXPECT_THAT(w.turn(), IsEmpty());
  EXPECT_EQ(loud.handler->received.size(), much.size() + 6) << "its events are handled as before";
}

TEST(EventLoop, AConnectionClosedWhileItsReadingIsPostponedIsNotReadAgain) {
  World w;
  auto a = w.connect("a");
  const int big = 4 << 20;
  ::setsockopt(a.peer.fd(), SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
  a.peer.write(std::string(150'000, 'x'));
  a.handler->act = [&] { a.transport->abort(); };
  w.turn();
  auto fresh = w.connect("fresh"); // in its slot
  fresh.peer.write("mine");
  EXPECT_THAT(w.turn(3), ElementsAre("fresh got mine"));
}

TEST(EventLoop, ManyBytesDoNotKeepTheOthersWaitingAndNoneIsLost) {
  World w;
  auto a = w.connect("a");
  a.handler->quiet = true;
  const int big = 4 << 20;
  ::setsockopt(a.peer.fd(), SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
  std::string sent;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      const std::string part(20'000, static_cast<char>('a' + i % 26));
      sent += part;
      a.peer.write(part);
    }
    a.peer.end_writing();
  });
  std::vector<std::string> story;
  while (story.empty()) {
    w.loop.turn(50ms);
    story = w.story;
  }
  writer.join();
  EXPECT_THAT(story, ElementsAre("a eof"));
  EXPECT_TRUE(a.handler->received == sent);
}

TEST(EventLoop, TimersRunOnTheClockThatWasHandedIn) {
  World w;
  struct Ring final : Timer {
    int times = 0;
    void on_timer() override { ++times; }
  } ring;
  w.loop.arm(ring, 1s);
  w.turn();
  EXPECT_EQ(ring.times, 0);
  w.clock.advance(1050ms);
  w.turn();
  EXPECT_EQ(ring.times, 1);
}

TEST(EventLoop, AConnectionThatIsNotWantedIsClosedAtOnce) {
  World w;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Peer peer{ends[1]};
  EXPECT_EQ(w.loop.adopt(epoll_handle(ends[0]), "10.0.0.1", [](Loop&, Transport&) { return nullptr; }), nullptr);
  w.turn();
  bool ended = false;
  peer.read(&ended);
  EXPECT_TRUE(ended);
  EXPECT_EQ(w.loop.stats().connections.value(), 0U);
}

TEST(EventLoop, StoppingClosesEveryConnectionAndCallsItsHandler) {
  World w;
  auto a = w.connect("a");
  auto b = w.connect("b");
  w.loop.stop();
  w.story.clear();
  w.loop.run();
  EXPECT_THAT(w.story, ElementsAre("a closed", "b closed"));
}

TEST(EventLoop, AnIdleConnectionIsSmall) { EXPECT_LE(sizeof(SocketTransport), 128U); }

namespace {

struct Bell final : Timer {
  explicit Bell(std::vector<std::string>& s) : story(s) {}
  void on_timer() override { story.emplace_back("rings"); }
  std::vector<std::string>& story;
};

} // namespace

TEST(EventLoop, ATimerThatAPostedTaskArmsAfterALongSleepCountsFromNow) {
  World w;
  Bell bell(w.story);
  w.turn();
  w.clock.advance(10s);
  w.loop.post([&] { w.loop.arm(bell, 1000ms); });
  EXPECT_THAT(w.turn(), IsEmpty());
  w.clock.advance(900ms);
  EXPECT_THAT(w.turn(), IsEmpty());
  w.clock.advance(150ms);
  EXPECT_THAT(w.turn(), ElementsAre("rings"));
}

TEST(EventLoop, InputThatArrivedDuringAPauseIsReadBeforeItsTimerFires) {
  World w;
  Bell bell(w.story);
  auto a = w.connect("a");
  w.turn();
  w.loop.arm(bell, 1000ms);
  a.peer.write("alive");
  w.clock.advance(10s);
  EXPECT_THAT(w.turn(), ElementsAre("a got alive", "rings"));
}
