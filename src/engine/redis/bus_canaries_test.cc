// Canaries between two nodes on a real server.
#include "engine/redis/bus_canaries.h"

#include <gmock/gmock.h>

#include "base/manual_executor.h"
#include "engine/redis/control_bus.h"
#include "engine/redis/fanout.h"
#include "engine/redis/testing/bus_world.h"
#include "redis/deployment.h"
#include "redis/testing/redis_cluster.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;

// Both paths of a node, as a server has them.
class Node {
 public:
  Node(testing_world::RedisServer& server, const std::string& name)
      : commands(bus_server(server), TestBus::policy(), system_entropy()),
        canaries({.node = NodeId(name), .changed = [this](const Hearing& h) { said.push_back(h); }}, commands, executor,
            clock),
        rooms(
            {.server = {.url = server.url()},
                .policy = TestBus::policy(),
                .node = NodeId(name),
                .canary = [this](std::string_view on, std::string_view bytes) { arrived(BusPath::rooms, on, bytes); }},
            commands, system_entropy()),
        control({.server = {.url = server.url()},
                    .policy = TestBus::policy(),
                    .node = NodeId(name),
                    .canary = [this](std::string_view on,
                                  std::string_view bytes) { arrived(BusPath::control, on, bytes); }},
            commands, clock, system_entropy()) {}

  void tick() {
    clock.advance(Millis{1'000});
    executor.run_repeated();
  }
  std::size_t count() { return arrivals.all().size(); }

  ManualClock clock;
  ManualExecutor executor{clock};
  std::vector<Hearing> said;
  redis::Notes arrivals;
  redis::Connection commands;
  BusCanaries canaries;
  RedisFanout rooms;
  RedisControlBus control;

 private:
  void arrived(BusPath path, std::string_view channel, std::string_view bytes) {
    canaries.heard(path, channel, bytes);
    arrivals.add(path == BusPath::rooms ? "rooms" : "control");
  }
};

class BusCanariesTest : public testing::Test {
 protected:
  BusCanariesTest() {
    a.canaries.members({{.node = "b"}});
    // Their subscriptions are there when something arrives on each.
    for (const auto end = std::chrono::steady_clock::now() + redis::kPatience;
        std::chrono::steady_clock::now() < end;) {
      a.tick();
      b.tick();
      redis::said(a.commands, {"PING"});
      const auto all = a.arrivals.all();
      if (std::ranges::count(all, "rooms") > 0 && std::ranges::count(all, "control") > 0) return;
    }
    ADD_FAILURE() << "nothing arrives";
  }
  // Ticks, each of which waits for what it sent: `each` canaries on two paths.
  void ticks(int count, bool with_b) {
    for (int i = 0; i < count; ++i) {
      const std::size_t before = a.count();
      a.tick();
      if (with_b) b.tick();
      ASSERT_TRUE(a.arrivals.until_count(before + (with_b ? 4 : 2)));
    }
  }
  void until_well() {
    for (const auto end = std::chrono::steady_clock::now() + redis::kPatience;
        a.canaries.hearing() != Hearing{} && std::chrono::steady_clock::now() < end;) {
      b.tick();
      a.tick();
      redis::said(b.commands, {"PING"});
      redis::said(a.commands, {"PING"});
    }
    EXPECT_EQ(a.canaries.hearing(), Hearing{});
  }
  testing_world::RedisServer server;
  Node a{server, "a"}, b{server, "b"};
};

TEST_F(BusCanariesTest, NodesThatHearEachOtherAreWell) {
  ticks(12, true);
  EXPECT_EQ(a.canaries.hearing(), Hearing{});
}

TEST_F(BusCanariesTest, ANodeThatFallsSilentIsNamedAndSaidOnce) {
  ticks(2, true);
  a.said.clear();
  ticks(5, false);
  EXPECT_THAT(a.canaries.hearing().unheard, ElementsAre("b"));
  ASSERT_EQ(a.said.size(), 1U);
  for (int i = 0; i < 20 && a.canaries.hearing() != Hearing{}; ++i)
    ticks(1, true); // a tick before its canaries came is a doubt
  EXPECT_EQ(a.canaries.hearing(), Hearing{});
  EXPECT_EQ(a.said.size(), 2U);
}

// Commands are answered, and nothing is delivered any more.
TEST_F(BusCanariesTest, ASubscriberThatTheServerForgotIsDeaf) {
  ticks(2, true);
  server.cli({"ACL", "SETUSER", "default", "resetchannels"}); // ends subscriptions, and refuses new ones
  ASSERT_TRUE(redis::until_said(a.commands, {"PING"}, "PONG"));
  for (int i = 0; i < 5; ++i) a.tick();
  EXPECT_TRUE(a.canaries.hearing().bus_deaf);
  server.cli({"ACL", "SETUSER", "default", "allchannels"});
  until_well();
  EXPECT_EQ(a.canaries.hearing(), Hearing{});
}

// Nobody listens in this one, so every path that has been there for a while is deaf.
TEST(BusCanariesOfACluster, PathsBeginAnewWhenAReplicaTakesTheShardOver) {
  testing_world::RedisCluster servers(1);
  const auto cluster = std::make_shared<redis::Cluster>(
      *redis::parse_bus_url(servers.url()), client::TlsOptions{}, TestBus::policy(), system_entropy(), Millis{50});
  const auto commands =
      redis::open_commands({.url = {.host = ""}, .cluster = cluster}, TestBus::policy(), system_entropy());
  const auto holds_soon = [](const std::function<bool()>& holds) {
    for (const auto end = std::chrono::steady_clock::now() + redis::kPatience; std::chrono::steady_clock::now() < end;
        std::this_thread::sleep_for(std::chrono::milliseconds(5)))
      if (holds()) return true;
    return false;
  };
  ASSERT_TRUE(holds_soon([&] { return cluster->map()->lowest().size() == 3; }));
  ManualClock clock;
  ManualExecutor executor{clock};
  BusCanaries canaries({.cluster = cluster, .node = NodeId("a")}, *commands, executor, clock);
  const auto ticks = [&](int count) {
    for (int i = 0; i < count; ++i) {
      clock.advance(Millis{1'000});
      executor.run_repeated();
    }
  };
  ticks(5);
  EXPECT_THAT(canaries.hearing().paths, ElementsAre(0, 1, 2, 3, 4, 5));
  ASSERT_EQ(servers.at(3).cli({"CLUSTER", "FAILOVER", "TAKEOVER"}), "OK");
  const redis::Endpoint promoted{.host = "127.0.0.1", .port = servers.at(3).url().port};
  ASSERT_TRUE(holds_soon([&] {
    const auto map = cluster->map();
    return map->at(0) != nullptr && *map->at(0) == promoted;
  }));
  ticks(1);
  EXPECT_THAT(canaries.hearing().paths, ElementsAre(2, 3, 4, 5));
  ticks(5);
  EXPECT_THAT(canaries.hearing().paths, ElementsAre(0, 1, 2, 3, 4, 5));
}

} // namespace
} // namespace foyer::engine
