// The contract of every poller, over the kernel or the memory of a test.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/poll/poller.h"
#include "wire/websocket.h"

namespace foyer::io::test {

// The other side of a connection.
class FarEnd {
 public:
  virtual ~FarEnd() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void end_writing() = 0;
  virtual void reset() = 0;
  virtual std::string read(std::size_t count) = 0; // waits for so many bytes, or the end
  virtual bool has_ended() = 0;                    // after all bytes were read: waits for the end
  virtual bool was_reset() = 0;                    // after all bytes were read: waits for a reset
};

struct PollerWorld {
  virtual ~PollerWorld() = default;
  virtual Poller& poller() = 0;
  struct Connection {
    Handle socket;
    std::unique_ptr<FarEnd> far;
  };
  virtual Connection connect() = 0;
};

class PollerContract : public testing::TestWithParam<std::unique_ptr<PollerWorld> (*)()> {
 protected:
  PollerWorld::Connection connect(Tag tag) {
    auto made = world_->connect();
    EXPECT_TRUE(poller().watch(made.socket, tag));
    return made;
  }
  Poller& poller() { return world_->poller(); }
  // The events of one wait: "7:read,write,end". Waits for the first one, unless none is expected.
  std::vector<std::string> events(Millis limit = Millis{10'000}) {
    std::array<Event, Poller::kMostEvents> found;
    const std::size_t count = poller().wait(found, limit);
    std::vector<std::string> out;
    for (const Event& event : std::span(found).first(count)) {
      std::string text = std::to_string(event.tag) + ":";
      if (event.readable) text += "read,";
      if (event.writable) text += "write,";
      if (event.ended) text += "end,";
      text.pop_back();
      out.push_back(std::move(text));
    }
    return out;
  }
  std::vector<std::string> no_events() { return events(Millis{0}); }
  // Everything that can be read, and what follows it.
  std::string read_all(Handle socket) {
    std::string out;
    for (;;) {
      const Received received = poller().read(socket);
      switch (received.outcome) {
        case Received::Outcome::bytes: out.append(received.bytes.data(), received.bytes.size()); continue;
        case Received::Outcome::nothing: return out;
        case Received::Outcome::end: return out + "|end";
        case Received::Outcome::failed: return out + "|failed";
      }
    }
  }
  std::optional<std::size_t> send(Handle socket, const std::vector<std::string>& texts, bool end_follows = false) {
    std::vector<iovec> pieces;
    for (const auto& text : texts) pieces.push_back({const_cast<char*>(text.data()), text.size()});
    return poller().send(socket, pieces, end_follows);
  }
  std::size_t fill(Handle socket) {
    const std::string much(64 * 1024, 'x');
    std::size_t all = 0;
    while (const auto taken = send(socket, {much})) {
      if (*taken == 0) break;
      all += *taken;
    }
    return all;
  }

 private:
  std::unique_ptr<PollerWorld> world_ = GetParam()();
};

using Found = std::vector<std::string>;

TEST_P(PollerContract, ReportsBytesUnderTheTagAndReadsThem) {
  const auto a = connect(7), b = connect(8);
  EXPECT_EQ(no_events(), Found{});
  a.far->write("hello");
  EXPECT_EQ(events(), Found{"7:read"});
  const Received received = poller().read(a.socket);
  ASSERT_EQ(received.outcome, Received::Outcome::bytes);
  EXPECT_EQ(std::string(received.bytes.data(), received.bytes.size()), "hello");
  EXPECT_FALSE(received.more);
  int sum = 0; // a sanitizer sees whether the padding may be read
  for (std::size_t i = 0; i < wire::kPadding; ++i) sum += received.bytes.data()[received.bytes.size() + i];
  EXPECT_EQ(sum, sum);
  EXPECT_EQ(no_events(), Found{});
  EXPECT_EQ(read_all(b.socket), "");
}

TEST_P(PollerContract, ReadsNoMoreThanItsMostAndSaysThatThereIsMore) {
  const auto a = connect(7);
  a.far->write(std::string(Poller::kMostRead + 5, 'x'));
  EXPECT_EQ(events(), Found{"7:read"});
  std::size_t all = 0;
  for (int i = 0; i < 1'000 && all < Poller::kMostRead + 5; ++i) {
    const Received received = poller().read(a.socket);
    EXPECT_LE(received.bytes.size(), Poller::kMostRead);
    EXPECT_EQ(received.more, received.bytes.size() == Poller::kMostRead);
    all += received.bytes.size();
    if (!received.more && all < Poller::kMostRead + 5) {
      EXPECT_EQ(events(), Found{"7:read"});
    }
  }
  EXPECT_EQ(all, Poller::kMostRead + 5);
}

TEST_P(PollerContract, TheEndWaitsBehindTheBytesAndLeavesTheOtherDirectionOpen) {
  const auto a = connect(7);
  a.far->write("last words");
  a.far->end_writing();
  std::string got;
  for (int i = 0; i < 3 && !got.ends_with("|end"); ++i) {
    events();
    got += read_all(a.socket);
  }
  EXPECT_EQ(got, "last words|end");
  EXPECT_FALSE(poller().has_failed(a.socket));
  EXPECT_EQ(send(a.socket, {"answer"}), 6U);
  EXPECT_EQ(a.far->read(6), "answer");
}

TEST_P(PollerContract, SendsPiecesInOrder) {
  const auto a = connect(7);
  EXPECT_EQ(send(a.socket, {"one ", "two ", "three"}), 13U);
  EXPECT_EQ(a.far->read(13), "one two three");
}

TEST_P(PollerContract, BytesThatTheEndFollowsArriveBeforeIt) {
  const auto a = connect(7), b = connect(8);
  EXPECT_EQ(send(a.socket, {"the ", "last"}, true), 8U);
  poller().shut_down(a.socket);
  EXPECT_EQ(a.far->read(8), "the last");
  EXPECT_TRUE(a.far->has_ended());
  EXPECT_EQ(send(b.socket, {"last"}, true), 4U);
  poller().close(b.socket);
  EXPECT_EQ(b.far->read(4), "last");
  EXPECT_TRUE(b.far->has_ended());
}

TEST_P(PollerContract, AFullSocketTakesNothingAndIsReportedOnceItDoesIfThatWasAskedFor) {
  const auto a = connect(7);
  const std::size_t taken = fill(a.socket);
  EXPECT_GT(taken, 0U);
  poller().want_writable(a.socket, 7, true);
  EXPECT_EQ(a.far->read(taken).size(), taken);
  EXPECT_EQ(events(), Found{"7:write"});
  EXPECT_EQ(send(a.socket, {"y"}), 1U);
  poller().want_writable(a.socket, 7, false);
  EXPECT_EQ(no_events(), Found{});
  EXPECT_EQ(a.far->read(1), "y");
}

TEST_P(PollerContract, ShuttingDownEndsOurDirectionOnly) {
  const auto a = connect(7);
  poller().shut_down(a.socket);
  EXPECT_TRUE(a.far->has_ended());
  a.far->write("still here");
  EXPECT_EQ(events(), Found{"7:read"});
  EXPECT_EQ(read_all(a.socket), "still here");
}

TEST_P(PollerContract, ClosingEndsTheConnectionForTheOtherSideAndItsEvents) {
  const auto a = connect(7), b = connect(8);
  a.far->write("x");
  EXPECT_EQ(events(), Found{"7:read"});
  EXPECT_EQ(read_all(a.socket), "x");
  poller().close(a.socket);
  EXPECT_TRUE(a.far->has_ended());
  b.far->write("y");
  EXPECT_EQ(events(), Found{"8:read"});
  const auto c = connect(9);
  c.far->write("z");
  EXPECT_EQ(events().back(), "9:read") << "never under its predecessor's tag";
}

TEST_P(PollerContract, ClosingIsAResetWhereThatIsWanted) {
  const auto a = connect(7), b = connect(8);
  poller().reset_on_close(a.socket, true);
  poller().close(a.socket);
  EXPECT_TRUE(a.far->was_reset());
  poller().reset_on_close(b.socket, true);
  EXPECT_EQ(send(b.socket, {"all of it"}), 9U);
  poller().reset_on_close(b.socket, false);
  poller().close(b.socket);
  EXPECT_EQ(b.far->read(9), "all of it");
  EXPECT_TRUE(b.far->has_ended());
}

TEST_P(PollerContract, AResetIsReportedAndFailsWhatFollows) {
  const auto a = connect(7);
  a.far->reset();
  EXPECT_EQ(events(), Found{"7:read,end"});
  EXPECT_EQ(read_all(a.socket), "|failed");
  EXPECT_EQ(send(a.socket, {"nobody receives this"}), std::nullopt);
}

TEST_P(PollerContract, AResetAfterTheEndIsSeenWhereAnEventAsksForIt) {
  const auto a = connect(7);
  a.far->end_writing();
  EXPECT_EQ(events(), Found{"7:read,end"});
  EXPECT_EQ(read_all(a.socket), "|end");
  a.far->reset();
  EXPECT_EQ(events(), Found{"7:read,end"});
  EXPECT_TRUE(poller().has_failed(a.socket));
}

} // namespace foyer::io::test
