#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"

#include <gmock/gmock.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "io/testing/peer.h"

using namespace foyer;
using namespace foyer::io;
using namespace foyer::io::test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

// One loop, turned by hand on virtual time, and connections made of socket pairs.
struct World {
  ManualClock clock;
  std::vector<std::string> story{};
  std::vector<std::unique_ptr<Recorder>> recorders{};
  EventLoop loop{0, clock, null_log(), make_epoll_poller()}; // last: its end still tells the recorders

  struct Connection {
    Peer peer;
    Recorder* handler;
    Transport* transport;
  };
  Connection connect(std::string name) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    recorders.push_back(std::make_unique<Recorder>(story, std::move(name)));
    Recorder* recorder = recorders.back().get();
    recorder->transport = loop.adopt(epoll_handle(ends[0]), "10.0.0.1", [&](Loop&, Transport&) { return recorder; });
    return {Peer{ends[1]}, recorder, recorder->transport};
  }
  std::vector<std::string> turn(int times = 1) {
    story.clear();
    for (int i = 0; i < times; ++i) loop.turn(0ms);
    return story;
  }
};

} // namespace

TEST(EventLoop, BytesGoBothWays) {
  World w;
  auto a = w.connect("a");
  EXPECT_EQ(a.transport->peer_address(), "10.0.0.1");
  EXPECT_FALSE(a.transport->secure());
  a.peer.write("hello");
  EXPECT_THAT(w.turn(), ElementsAre("a got hello"));
  a.transport->send(share("wel"));
  a.transport->send_copy("come");
  EXPECT_EQ(a.transport->queued(), 7U);
  EXPECT_EQ(a.peer.read(), "") << "nothing is written before the end of the turn";
  w.turn();
  EXPECT_EQ(a.peer.read(), "welcome");
  EXPECT_EQ(a.transport->queued(), 0U);
  EXPECT_EQ(w.loop.stats().sends.value(), 1U) << "one system call";
}

TEST(EventLoop, AFanOutIsOneSendPerConnectionWhateverTheNumberOfFrames) {
  World w;
  std::vector<World::Connection> all;
  for (int i = 0; i < 100; ++i) all.push_back(w.connect(std::to_string(i)));
  for (const char* frame : {"one", "two", "three"}) {
    const auto shared = share(frame);
    for (auto& c : all) c.transport->send(shared);
  }
  w.turn();
  for (auto& c : all) EXPECT_EQ(c.peer.read(), "onetwothree");
  EXPECT_EQ(w.loop.stats().sends.value(), 100U);
}

TEST(EventLoop, AReaderThatIsSlowGetsEverythingInTheEndAndTheHandlerIsToldOnce) {
  World w;
  auto a = w.connect("a");
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const auto part = share(std::string(10'000, static_cast<char>('a' + i % 26)));
    expected += *part;
    a.transport->send(part);
  }
  EXPECT_THAT(w.turn(), IsEmpty());
  EXPECT_GT(a.transport->queued(), 0U);
  a.transport->send_copy("the end");
  expected += "the end";
  std::string got;
  std::vector<std::string> story;
  for (int i = 0; i < 10'000 && got.size() < expected.size(); ++i) {
    got += a.peer.read(nullptr, 7'001);
    for (auto& event : w.turn()) story.push_back(event);
  }
  EXPECT_TRUE(got == expected);
  EXPECT_THAT(story, ElementsAre("a drained"));
  EXPECT_EQ(a.transport->queued(), 0U);
  a.transport->send_copy("again");
  EXPECT_THAT(w.turn(), IsEmpty());
  EXPECT_EQ(a.peer.read(), "again");
}

TEST(EventLoop, DroppingTheQueueFinishesTheFrameThatWasBegun) {
  World w;
  auto a = w.connect("a");
  for (int i = 0; i < 100; ++i) a.transport->send(share(std::string(50'000, static_cast<char>('a' + i % 26))));
  w.turn();
  const std::size_t queued = a.transport->queued();
  const std::size_t dropped = a.transport->drop_queue();
  EXPECT_LT(queued - dropped, 50'000U);
  a.transport->send_copy("close");
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    got += a.peer.read();
    w.turn();
  }
  EXPECT_EQ(got.size() % 50'000, 5U);
  EXPECT_TRUE(got.ends_with("close"));
  EXPECT_EQ(got.size() - 5 + dropped, 100U * 50'000);
}

TEST(EventLoop, ALimitOfTheQueueCountsWhatTheKernelDidNotTakeAndRefusesWhole) {
  World w;
  auto a = w.connect("a");
  const auto frame = share(std::string(1000, 'x'));
  EXPECT_TRUE(a.transport->send_within(frame, 2000));
  EXPECT_TRUE(a.transport->send_within(frame, 2000));
  EXPECT_FALSE(a.transport->send_within(frame, 2999));
  EXPECT_EQ(a.transport->queued(), 2000U);
  w.turn();
  EXPECT_EQ(a.peer.read().size(), 2000U);
  a.transport->send(share(std::string(3'000'000, 'y')));
  w.turn();
  const std::size_t left = a.transport->queued();
  ASSERT_GT(left, 0U);
  EXPECT_FALSE(a.transport->send_within(frame, left + 999));
  EXPECT_TRUE(a.transport->send_within(frame, left + 1000));
  EXPECT_EQ(a.transport->queued(), left + 1000);
}

TEST(EventLoop, AGracefulCloseLetsThePeerReadAllAndWaitsForItsEnd) {
  World w;
  auto a = w.connect("a");
  const std::string much(3'000'000, 'm');
  a.transport->send(share(much));
  a.transport->close_gracefully(5s);
  a.transport->send_copy("too late");
  a.peer.write("nobody reads this");
  std::string got;
  bool ended = false;
  for (int i = 0; i < 10'000 && !ended; ++i) {
    EXPECT_THAT(w.turn(), IsEmpty());
    got += a.peer.read(&ended);
  }
  EXPECT_TRUE(got == much);
  EXPECT_THAT(w.turn(5), IsEmpty()) << "the peer has not ended";
  a.peer.close();
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
}

TEST(EventLoop, APeerThatDoesNotEndIsNotWaitedForLongerThanTheLinger) {
  World w;
  auto a = w.connect("a");
  a.transport->send_copy("bye");
  a.transport->close_gracefully(2s);
  EXPECT_THAT(w.turn(), IsEmpty());
  w.clock.advance(1900ms);
  EXPECT_THAT(w.turn(), IsEmpty());
  w.clock.advance(200ms);
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
  bool ended = false;
  EXPECT_EQ(a.peer.read(&ended), "bye");
  EXPECT_TRUE(ended);

  auto deaf = w.connect("deaf");
  deaf.transport->send(share(std::string(4'000'000, 'x')));
  deaf.transport->close_gracefully(2s);
  EXPECT_THAT(w.turn(3), IsEmpty());
  w.clock.advance(2100ms);
  EXPECT_THAT(w.turn(), ElementsAre("deaf closed"));
}

TEST(EventLoop, APeerThatReadsSlowlyIsWaitedForWhileItTakesSomething) {
  World w;
  auto a = w.connect("a");
  const std::string much(8'000'000, 'm');
  a.transport->send(share(much));
  a.transport->close_gracefully(2s);
  std::string got;
  bool ended = false;
  while (!ended && got.size() < much.size()) {
    EXPECT_THAT(w.turn(3), IsEmpty()) << "after " << got.size();
    w.clock.advance(1500ms);
    got += a.peer.read(&ended);
  }
  EXPECT_TRUE(got == much);
}

TEST(EventLoop, TheEndOfThePeersWritingLeavesTheOtherDirectionOpen) {
  World w;
  auto a = w.connect("a");
  a.peer.write("question");
  a.peer.end_writing();
  EXPECT_THAT(w.turn(2), ElementsAre("a got question", "a eof"));
  a.transport->send_copy("answer");
  a.transport->close_gracefully(5s);
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
  bool ended = false;
  EXPECT_EQ(a.peer.read(&ended), "answer");
  EXPECT_TRUE(ended);
}

TEST(EventLoop, AHandlerHandsOverWithinItsOwnCallAndMayBeDeletedThere) {
  World w;
  auto a = w.connect("a");
  Recorder next(w.story, "next");
  a.handler->act = [&] {
    a.transport->set_handler(&next);
    w.recorders.clear();
  };
  a.peer.write("x");
  EXPECT_THAT(w.turn(), ElementsAre("a got x"));
  a.peer.write("y");
  EXPECT_THAT(w.turn(), ElementsAre("next got y"));
  a.transport->abort();
  EXPECT_THAT(w.turn(), ElementsAre("next closed"));
}

TEST(EventLoop, AnAbortClosesNowAndIsToldAtTheEndOfTheTurn) {
  World w;
  auto a = w.connect("a");
  a.handler->act = [&] {
    a.transport->send_copy("never sent");
    a.transport->abort();
    a.transport->abort();
    w.story.push_back("after abort");
  };
  a.peer.write("x");
  EXPECT_THAT(w.turn(), ElementsAre("a got x", "after abort", "a closed"));
  bool ended = false;
  EXPECT_EQ(a.peer.read(&ended), "");
  EXPECT_TRUE(ended);
  EXPECT_EQ(w.loop.stats().connections.value(), 0U);
}

TEST(EventLoop, WhatOnClosedSendsToOthersLeavesInTheNextTurnAndTheOtherMayCloseToo) {
  World w;
  auto a = w.connect("a");
  auto b = w.connect("b");
  auto c = w.connect("c");
  a.handler->last_act = [&] {
    b.transport->send_copy("a left");
    c.transport->send_copy("a left");
    c.transport->abort();
  };
  a.transport->abort();
  EXPECT_THAT(w.turn(), ElementsAre("a closed", "c closed"));
  w.turn();
  EXPECT_EQ(b.peer.read(), "a left");
  EXPECT_EQ(c.peer.read(), "");
}

TEST(EventLoop, LateEventsOfAClosedSocketNeverReachANewOneWithTheSameNumber) {
  World w;
  auto first = w.connect("first");
  auto second = w.connect("second");
  std::vector<World::Connection> fresh;
  const auto replace_the_other = [&](World::Connection& other) {
    other.transport->abort();
    fresh.push_back(w.connect("fresh"));
  };
  first.handler->act = [&] { replace_the_other(second); };
  second.handler->act = [&] { replace_the_other(first); };
  // Both events are in one batch; whoever is first closes the other, whose number is taken again at once.
  first.peer.write("x");
  second.peer.write("x");
  second.peer.end_writing();
  first.peer.end_writing();
  const auto story = w.turn(1);
  ASSERT_EQ(fresh.size(), 1U);
  for (const auto& event : story) EXPECT_FALSE(event.starts_with("fresh")) << event;
  fresh[0].peer.write("mine");
  EXPECT_THAT(w.turn(), ElementsAre("fresh got mine"));
}

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
  EXPECT_LT(fired(), 1000) << "who came meanwhile was heard before the last of them";
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
  EXPECT_EQ(fired, 500) << "they come late, and then all of them";
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
  loud.peer.write("x"); // an event on top does not bring it another share
  EXPECT_THAT(w.turn(), ElementsAre("other got hello"));
  EXPECT_EQ(loud.handler->received.size(), 2 * EventLoop::kReadShare);
  for (int i = 0; i < 5; ++i) w.loop.turn(0ms);
  EXPECT_EQ(loud.handler->received.size(), much.size() + 1);
  loud.peer.write("again");
  EXPECT_THAT(w.turn(), IsEmpty());
  EXPECT_EQ(loud.handler->received.size(), much.size() + 6) << "its events are heard as before";
}

TEST(EventLoop, WhoIsClosedWhileItsReadingIsPostponedIsNotReadAgain) {
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

TEST(EventLoop, StoppingClosesEveryConnectionAndTellsItsHandler) {
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

TEST(EventLoop, WhatArrivedDuringAPauseIsHeardBeforeItsTimerFires) {
  World w;
  Bell bell(w.story);
  auto a = w.connect("a");
  w.turn();
  w.loop.arm(bell, 1000ms);
  a.peer.write("alive");
  w.clock.advance(10s);
  EXPECT_THAT(w.turn(), ElementsAre("a got alive", "rings"));
}
