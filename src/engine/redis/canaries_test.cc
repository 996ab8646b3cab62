#include "engine/redis/canaries.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <queue>
#include <random>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Millis kTick{1'000};

TEST(Canaries, AreReadAsTheyWereWritten) {
  const std::string bytes = to_bytes(Canary{.node = "n1", .number = 300});
  EXPECT_EQ(hex_encode(bytes), "01026e31ac02") << "another release reads them";
  const auto read = read_canary(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->node, "n1");
  EXPECT_EQ(read->number, 300U);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_canary(bytes.substr(0, size)));
  EXPECT_FALSE(read_canary(bytes + '\0'));
  EXPECT_FALSE(read_canary("\2" + bytes.substr(1)));
}

class CanaryTest : public testing::Test {
 protected:
  CanaryTest() { watch.members({{.node = "b", .unheard = std::vector<std::string>{}}}); }
  // A tick, in which these arrive on both paths: "ab", "b" or "".
  Hearing tick(const std::string& arriving) {
    now += kTick;
    const auto number = watch.tick(now);
    EXPECT_TRUE(number);
    for (const char node : arriving)
      for (std::size_t path = 0; path < 2; ++path)
        watch.heard(path, std::string(1, node), node == 'a' ? number.value_or(0) : ++others);
    return watch.judge();
  }
  Hearing ticks(int count, const std::string& arriving) {
    for (int i = 1; i < count; ++i) tick(arriving);
    return tick(arriving);
  }
  void read(std::optional<std::vector<std::string>> b_misses = std::vector<std::string>{}) {
    watch.members({{.node = "b", .unheard = std::move(b_misses)}});
  }
  MonoTime now{std::chrono::seconds{1'000}};
  CanaryWatch watch{"a", 2, kTick};
  std::uint64_t others = 0;
};

TEST_F(CanaryTest, OneMayBeMissingAndTwoMayNot) {
  EXPECT_FALSE(ticks(3, "ab").bus_deaf);
  EXPECT_FALSE(ticks(3, "b").bus_deaf) << "two are due by now, and the second may be on its way";
  EXPECT_THAT(tick("b").unheard, ElementsAre("a"));
  tick("ab");
  EXPECT_FALSE(tick("ab").bus_deaf);
}

TEST_F(CanaryTest, OnePathIsEnough) {
  ticks(3, "ab");
  for (int i = 0; i < 4; ++i) {
    now += kTick;
    const auto number = watch.tick(now);
    watch.heard(0, "a", *number);
    watch.heard(0, "b", ++others);
    watch.heard(1, "a", *number);
  }
  EXPECT_THAT(tick("ab").unheard, ElementsAre("b"));
}

TEST_F(CanaryTest, ALateOneIsNone) {
  ticks(3, "ab");
  for (int i = 0; i < 4; ++i) {
    now += kTick;
    static_cast<void>(watch.tick(now));
    for (std::size_t path = 0; path < 2; ++path) watch.heard(path, "a", 1);
  }
  EXPECT_THAT(tick("").unheard, ElementsAre("a", "b"));
}

TEST_F(CanaryTest, ATimerThatMakesUpForAPauseSendsNothing) {
  ticks(3, "ab");
  now += 20 * kTick;
  ASSERT_TRUE(watch.tick(now));
  for (int i = 0; i < 19; ++i) EXPECT_FALSE(watch.tick(now + Millis{i}));
  EXPECT_FALSE(watch.judge().bus_deaf) << "the process was paused, and missed nothing";
}

TEST_F(CanaryTest, AServerThatHoldsThemBackMakesNobodyDeaf) {
  ticks(3, "ab");
  EXPECT_FALSE(watch.late());
  ticks(2, "");
  EXPECT_TRUE(watch.late());
  for (int i = 0; i < 10; ++i) {
    watch.held_back();
    EXPECT_FALSE(tick("").bus_deaf) << i;
  }
  EXPECT_FALSE(ticks(2, "").bus_deaf) << "they may be on their way";
  EXPECT_THAT(tick("").unheard, ElementsAre("a", "b"));
}

TEST_F(CanaryTest, AServerThatHoldsThemBackForEverIsNoExcuse) {
  ticks(3, "ab");
  bool deaf = false;
  for (int i = 0; i < 40; ++i) {
    watch.held_back();
    deaf = tick("").bus_deaf;
  }
  EXPECT_TRUE(deaf);
}

TEST_F(CanaryTest, AMemberThatHasJustComeIsAwaited) {
  for (int i = 0; i < 5; ++i) {
    watch.members({{.node = "b"}, {.node = "c"}});
    EXPECT_FALSE(tick("ab").bus_deaf);
  }
  for (int i = 0; i < 10; ++i) tick("ab");
  EXPECT_THAT(watch.judge().unheard, ElementsAre("c"));
  watch.members({{.node = "b"}}); // it has left
  EXPECT_THAT(tick("ab").unheard, IsEmpty());
}

TEST_F(CanaryTest, WithoutTheDatabaseANodeThatDoesNotHearItselfIsDeaf) {
  ticks(3, "ab");
  read();
  EXPECT_FALSE(ticks(5, "").node_deaf) << "the database was read";
  EXPECT_TRUE(tick("").node_deaf);
  read();
  EXPECT_FALSE(tick("").node_deaf);
}

TEST_F(CanaryTest, ThatTheOthersHaveDiedDoesNotMakeANodeDeaf) {
  ticks(3, "ab");
  const Hearing later = ticks(20, "a"); // nor can it be read who is there
  EXPECT_TRUE(later.bus_deaf);
  EXPECT_FALSE(later.node_deaf);
}

TEST_F(CanaryTest, ANodeIsAloneWhenTheOthersSayLatelyThatTheyHearEachOther) {
  const auto deaf_for = [this](int count, std::optional<std::vector<std::string>> others_miss) {
    Hearing hearing;
    for (int i = 0; i < count; ++i) {
      read(others_miss);
      hearing = tick("");
    }
    return hearing;
  };
  ticks(3, "ab");
  EXPECT_FALSE(deaf_for(20, std::nullopt).node_deaf) << "they say nothing";
  EXPECT_FALSE(deaf_for(20, {{"a", "b"}}).node_deaf) << "they hear nothing either";
  EXPECT_FALSE(deaf_for(6, {{"a"}}).node_deaf) << "not yet";
  const Hearing alone = deaf_for(1, {{"a"}});
  EXPECT_TRUE(alone.alone && alone.node_deaf);
  EXPECT_FALSE(deaf_for(1, {{"b"}}).node_deaf);
}

// --- histories: several nodes, a bus with faults, a database that some cannot reach, on virtual time ---

std::uint64_t asked(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}
std::uint64_t histories() {
#if defined(NDEBUG) && !defined(FOYER_SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return asked("HISTORIES", 100'000);
#else
  return asked("HISTORIES", 2'000);
#endif
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), count_(2 + pick(3)) {
    for (std::size_t i = 0; i < count_; ++i) nodes_.emplace_back(*this, i);
    losing_ = pick(30), faults_ = 1 + pick(12);
  }

  // Empty, or the promise that was broken.
  std::string run() {
    const std::int64_t calm_from = 60'000;
    for (; now_ < 100'000 && fault_.empty(); now_ += kStep) {
      if (now_ < calm_from && pick(1'000) < faults_ * 2) trouble();
      if (now_ == calm_from) heal();
      for (Node& node : nodes_) node.step();
      deliver();
      judge();
    }
    for (const Node& node : nodes_)
      if (node.alive && fault_.empty()) require(node.watch.judge() == Hearing{}, node, "is not well in the end");
    return fault_;
  }

  std::uint64_t deaf = 0, alone = 0, without_database = 0; // judgements seen, in steps

 private:
  static constexpr std::int64_t kStep = 250, kTickMs = 1'000;
  static constexpr std::size_t kPaths = 2;

  struct Node {
    Node(History& h, std::size_t i)
        : history(h),
          index(i),
          name(fmt::format("n{}", i)),
          watch(name, kPaths, kTick),
          next_tick(static_cast<std::int64_t>(h.pick(4)) * kStep) {}

    void step() {
      if (!alive || paused || history.now_ < next_tick) return;
      next_tick = history.now_ + kTickMs;
      if (database) history.read(*this);
      if (const auto number = watch.tick(MonoTime{Millis{history.now_ + 1'000'000}})) {
        history.publish(*this, *number);
        ticked += 1;
      }
      if (database) {
        said = watch.judge().unheard;
        said_at = history.now_;
      }
    }
    History& history;
    std::size_t index;
    std::string name;
    CanaryWatch watch;
    std::int64_t next_tick;
    bool alive = true, paused = false, database = true;
    bool cut[kPaths] = {};            // nothing arrives on that path
    std::int64_t ticked = 0;          // ticks of this process
    std::int64_t cut_at[kPaths] = {}; // its ticks when that began
    std::int64_t troubled_at = 0;     // its ticks when something last was wrong with it, the bus or the members
    std::int64_t unread_at = 0;       // its ticks when it last read the database
    std::vector<std::string> said;    // as the database has it
    std::int64_t said_at = -1'000'000;
    std::int64_t died_at = 0;
  };
  struct Delivery {
    std::int64_t due;
    std::size_t to, path;
    std::string from;
    std::uint64_t number;
    bool operator<(const Delivery& other) const { return due > other.due; }
  };

  std::size_t pick(std::size_t n) { return random_() % n; }
  void require(bool holds, const Node& node, std::string_view what) {
    if (!holds && fault_.empty()) fault_ = fmt::format("at {} ms {} {} (of {} nodes)", now_, node.name, what, count_);
  }
  void troubled() {
    for (Node& node : nodes_) node.troubled_at = node.ticked;
  }

  // Rows of dead nodes stay for a while, as of processes that crashed.
  void read(Node& reader) {
    std::vector<OtherMember> rows;
    for (const Node& node : nodes_) {
      if (!node.alive && now_ - node.died_at > 8'000) continue;
      OtherMember row{.node = node.name};
      if (now_ - node.said_at <= 3 * kTickMs) row.unheard = node.said;
      rows.push_back(std::move(row));
    }
    reader.watch.members(std::move(rows));
    reader.unread_at = reader.ticked;
  }

  // Lost once in a while, but never twice in a row; doubled, reordered, and less than a tick late.
  void publish(const Node& from, std::uint64_t number) {
    if (down_) return;
    for (std::size_t to = 0; to < count_; ++to)
      for (std::size_t path = 0; path < kPaths; ++path) {
        if (number % 2 == 0 && pick(100) < losing_) continue;
        for (std::size_t copies = pick(10) == 0 ? 2 : 1; copies > 0; --copies)
          bus_.push({now_ + static_cast<std::int64_t>(pick(3)) * kStep, to, path, from.name, number});
      }
  }
  void deliver() {
    std::vector<Delivery> again;
    while (!bus_.empty() && bus_.top().due <= now_) {
      const Delivery next = bus_.top();
      bus_.pop();
      Node& to = nodes_[next.to];
      if (to.paused)
        again.push_back(next); // in its buffers
      else if (to.alive && !down_ && !to.cut[next.path])
        to.watch.heard(next.path, next.from, next.number);
    }
    for (Delivery& each : again) {
      each.due = now_ + kStep;
      bus_.push(std::move(each));
    }
  }

  void trouble() {
    Node& node = nodes_[pick(count_)];
    const std::size_t path = pick(kPaths);
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
        node.cut[path] = !node.cut[path];
        node.cut_at[path] = node.ticked;
        return troubled();
      case 3:
        for (std::size_t p = 0; p < kPaths; ++p)
          if (!std::exchange(node.cut[p], true)) node.cut_at[p] = node.ticked;
        return troubled();
      case 4: down_ = !down_; return troubled();
      case 5: node.database = !node.database; return troubled();
      case 6: node.paused = node.alive && !node.paused; return troubled();
      default:
        if (std::ranges::count(nodes_, true, &Node::alive) < 2 || pick(2) == 0 || !node.alive) return;
        node.alive = false;
        node.died_at = now_;
        return troubled();
    }
  }
  void heal() {
    down_ = false;
    for (Node& node : nodes_) {
      node.cut[0] = node.cut[1] = node.paused = false;
      node.database = true;
    }
    troubled();
  }

  void judge() {
    std::size_t alone_now = 0;
    for (const Node& node : nodes_) {
      if (!node.alive || node.paused) continue;
      const Hearing hearing = node.watch.judge();
      deaf += hearing.bus_deaf, alone += hearing.alone;
      without_database += hearing.node_deaf && !hearing.alone;
      alone_now += hearing.alone;
      const std::int64_t quiet = node.ticked - node.troubled_at;
      for (std::size_t p = 0; p < kPaths; ++p)
        if (node.cut[p] && node.ticked - node.cut_at[p] >= 5)
          require(hearing.bus_deaf && std::ranges::count(hearing.unheard, node.name) == 1, node,
              "hears nothing on a path, and does not say so");
      const bool clean = !down_ &&
          std::ranges::none_of(nodes_, [](const Node& n) { return n.paused || n.cut[0] || n.cut[1] || !n.alive; });
      if (clean && quiet >= 5) require(!hearing.bus_deaf, node, "is called deaf, and hears everybody");
      if (hearing.node_deaf && !hearing.alone)
        require(node.ticked - node.unread_at >= 5 && quiet < 60, node, "is deaf, and reads the database");
      if (hearing.alone) require(!down_ || quiet <= 8, node, "is called alone, and nobody hears anything");
      alone_if_it_should_be(node, hearing);
    }
    if (alone_now > 1) fault_ = fmt::format("at {} ms {} nodes are called alone", now_, alone_now);
  }
  // One node is cut off for long, and everything else is well.
  void alone_if_it_should_be(const Node& node, const Hearing& hearing) {
    const bool others_well = !down_ && std::ranges::all_of(nodes_, [&](const Node& n) {
      return &n == &node || (n.alive && !n.paused && n.database && !n.cut[0] && !n.cut[1]);
    });
    const bool long_enough = node.cut[0] && node.cut[1] && node.ticked - node.troubled_at >= 20;
    if (others_well && node.database && long_enough && node.ticked - node.unread_at <= 1)
      require(hearing.alone, node, "alone hears nothing, and stays");
  }

  std::mt19937_64 random_;
  const std::size_t count_;
  std::size_t losing_ = 0, faults_ = 0;
  std::int64_t now_ = 0;
  bool down_ = false; // the bus
  std::priority_queue<Delivery> bus_;
  std::vector<Node> nodes_;
  std::string fault_;
};

TEST(CanaryHistories, NobodyIsDeafWithoutSayingSoAndNobodySaysSoWithoutReason) {
  const std::uint64_t first = asked("FIRST", 1), count = histories();
  std::uint64_t deaf = 0, alone = 0, without_database = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    History history(seed);
    const std::string broken = history.run();
    ASSERT_EQ(broken, "") << "seed " << seed;
    deaf += history.deaf, alone += history.alone, without_database += history.without_database;
  }
  fmt::print("{} histories: deaf {}, alone {}, without the database {} steps\n", count, deaf, alone, without_database);
  if (count < 1'000) return;
  EXPECT_GT(deaf, 0U);
  EXPECT_GT(alone, 0U);
  EXPECT_GT(without_database, 0U);
}

} // namespace
} // namespace foyer::engine
