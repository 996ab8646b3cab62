#include "harness/memory_network.h"

#include <gmock/gmock.h>

using namespace foyer;
using namespace foyer::harness;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Recorder final : io::TransportHandler {
  Recorder(std::vector<std::string>& s, std::string n) : story(s), name(std::move(n)) {}
  void on_bytes(std::span<char> bytes) override {
    story.push_back(name + " got " + std::string(bytes.data(), bytes.size()));
  }
  void on_eof() override { story.push_back(name + " eof"); }
  void on_drained() override { story.push_back(name + " drained"); }
  void on_closed() override { story.push_back(name + " closed"); }
  std::vector<std::string>& story;
  std::string name;
  io::Transport* transport = nullptr;
};

struct World {
  ManualClock clock;
  std::vector<std::string> story{};
  std::vector<std::unique_ptr<Recorder>> servers{};
  MemoryNetwork net{clock, 2};

  World() {
    net.listen([this](io::Loop&) -> io::AcceptFunction {
      return [this](io::Loop&, io::Transport& transport) {
        servers.push_back(std::make_unique<Recorder>(
            story, std::string(1, static_cast<char>('a' + static_cast<char>(servers.size())))));
        servers.back()->transport = &transport;
        return servers.back().get();
      };
    });
  }
  io::Transport& server(std::size_t i) { return *servers[i]->transport; }
  std::vector<std::string> pump() {
    story.clear();
    net.pump();
    return story;
  }
};

} // namespace

TEST(MemoryNetwork, CarriesBytesBothWaysAndTellsTheEnd) {
  World w;
  auto a = w.net.connect(0, "203.0.113.7");
  EXPECT_EQ(w.server(0).peer_address(), "203.0.113.7");
  a->write("hello");
  EXPECT_THAT(w.pump(), ElementsAre("a got hello"));
  w.server(0).send(share("wel"));
  w.server(0).send_copy("come");
  EXPECT_EQ(w.server(0).queued(), 7U);
  w.pump();
  EXPECT_EQ(a->take(), "welcome");
  w.server(0).close_gracefully(5s);
  w.pump();
  EXPECT_TRUE(a->ended());
  EXPECT_FALSE(a->closed());
  a->close();
  EXPECT_THAT(w.pump(), ElementsAre("a closed"));
  EXPECT_TRUE(a->closed());
}

TEST(MemoryNetwork, ASlowReaderFillsTheQueueAndDrainsIt) {
  World w;
  auto a = w.net.connect();
  a->set_capacity(10);
  w.server(0).send_copy("0123456");
  w.server(0).send_copy("789abcd");
  w.server(0).send_copy("efg");
  w.pump();
  EXPECT_EQ(a->waiting(), 10U);
  EXPECT_EQ(w.server(0).queued(), 7U);
  EXPECT_EQ(w.server(0).drop_queue(), 3U) << "the second frame was begun";
  w.server(0).send_copy("!");
  std::string all = a->take();
  EXPECT_THAT(w.pump(), ElementsAre("a drained"));
  all += a->take();
  EXPECT_EQ(all, "0123456789abcd!");
}

TEST(MemoryNetwork, TimePassesForAllLoopsAndPostsAreOrdered) {
  World w;
  struct Ring final : io::Timer {
    std::function<void()> act;
    void on_timer() override { act(); }
  } one, other;
  one.act = [&] {
    w.story.push_back("one");
    w.net.loop(1).post([&] { w.story.push_back("posted to the other"); });
  };
  other.act = [&] { w.story.push_back("other"); };
  w.net.loop(0).arm(one, 1s);
  w.net.loop(1).arm(other, 2s);
  w.net.advance(999ms);
  EXPECT_THAT(w.story, IsEmpty());
  w.net.advance(1500ms);
  EXPECT_THAT(w.story, ElementsAre("one", "posted to the other", "other"));
}

TEST(MemoryNetwork, ResetSilenceAndLingerAreToldApart) {
  World w;
  auto a = w.net.connect(), b = w.net.connect(), c = w.net.connect(1);
  a->reset();
  EXPECT_THAT(w.pump(), ElementsAre("a closed"));
  b->go_silent();
  b->write("lost");
  w.server(1).send_copy("lost too");
  EXPECT_THAT(w.pump(), IsEmpty());
  EXPECT_EQ(b->take(), "");
  w.server(1).abort();
  EXPECT_THAT(w.pump(), ElementsAre("b closed"));
  w.server(2).send_copy("bye");
  w.server(2).close_gracefully(2s);
  EXPECT_THAT(w.pump(), IsEmpty());
  w.net.advance(2050ms);
  EXPECT_THAT(w.story, ElementsAre("c closed"));
  EXPECT_EQ(c->take(), "bye");
}

TEST(MemoryNetwork, AClientThatClosedIsAnEndAndThenAReset) {
  World w;
  auto a = w.net.connect();
  a->write("last words");
  a.reset();
  EXPECT_THAT(w.pump(), ElementsAre("a got last words", "a eof"));
  w.server(0).send_copy("to nobody");
  EXPECT_THAT(w.pump(), ElementsAre("a closed"));
}

TEST(MemoryNetwork, DeliversInPiecesWhenAsked) {
  World w;
  w.net.deliver_in_pieces_of(2);
  auto a = w.net.connect();
  a->write("abcde");
  EXPECT_THAT(w.pump(), ElementsAre("a got ab", "a got cd", "a got e"));
}
