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

TEST(EventLoop, ASlowReaderGetsEverythingInTheEndAndTheHandlerIsCalledOnce) {
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

TEST(EventLoop, AnAbortClosesNowAndIsReportedAtTheEndOfTheTurn) {
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
