// Commands and channels of a cluster of real servers: slots that move, primaries that die or freeze.
#include "redis/cluster.h"

#include <gmock/gmock.h>

#include "redis/cluster_channels.h"
#include "redis/cluster_commands.h"
#include "redis/testing/answers.h"
#include "redis/testing/redis_cluster.h"

namespace foyer::redis {
namespace {

using testing::Contains;
using testing_world::RedisCluster;

const Policy kQuick{.connect_timeout = Millis{1'000},
    .command_timeout = Millis{1'000},
    .idle = Millis{1'000},
    .backoff_first = Millis{5},
    .backoff_most = Millis{50}};

Answer ask_of(Commands& commands, Command command) {
  auto promise = promised<Answer>();
  auto future = promise->get_future();
  commands.send(std::move(command), [promise](Answer answer) { promise->set_value(std::move(answer)); });
  return got(std::move(future));
}
std::string said_to(Commands& commands, Command command) { return words(ask_of(commands, std::move(command))); }
bool until_said_to(Commands& commands, const Command& command, const std::string& answer) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;)
    if (said_to(commands, command) == answer) return true;
  return false;
}

bool holds_soon(const std::function<bool()>& holds) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;
      std::this_thread::sleep_for(std::chrono::milliseconds(5)))
    if (holds()) return true;
  return false;
}

class ClusterTest : public testing::Test {
 protected:
  explicit ClusterTest(int replicas = 0) : servers(replicas) {
    cluster = std::make_shared<Cluster>(
        *parse_bus_url(servers.url()), client::TlsOptions{}, kQuick, system_entropy(), Millis{100});
    commands = std::make_unique<ClusterCommands>(cluster, Server{.url = {.host = ""}}, kQuick, system_entropy());
  }
  std::unique_ptr<ClusterChannels> listen() {
    return std::make_unique<ClusterChannels>(cluster, Server{.url = {.host = ""}}, kQuick, system_entropy(),
        ChannelEvents{.message = [this](const std::string& channel, const std::string& payload) {
      notes.add(channel + ": " + payload);
    }, .again = [this](const std::string& channel) { notes.add("again " + channel); }});
  }
  static void subscribe(Channels& channels, const std::string& channel) {
    const auto heard = promised<void>();
    channels.subscribe(channel, [heard](auto) { heard->set_value(); });
    got(heard->get_future());
  }
  // Says it again and again until it has arrived.
  bool reaches(const std::string& channel, const std::string& what) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
      said_to(*commands, {"PUBLISH", channel, what});
      const auto all = notes.all();
      if (std::ranges::find(all, channel + ": " + what) != all.end()) return true;
    }
    return false;
  }
  bool until_known() { return until_said_to(*commands, {"SET", "ready", "1"}, "OK"); }
  static std::string in(std::size_t shard) { return "{" + tag_of(RedisCluster::first_slot(shard)) + "}"; }

  RedisCluster servers;
  Notes notes;
  std::shared_ptr<Cluster> cluster;
  std::unique_ptr<ClusterCommands> commands;
};

TEST_F(ClusterTest, CommandsReachThePrimaryOfTheirKey) {
  ASSERT_TRUE(until_known());
  for (std::size_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ(said_to(*commands, {"SET", in(shard), "here"}), "OK");
    EXPECT_EQ(servers.at(shard).cli({"GET", in(shard)}), "here");
  }
  EXPECT_FALSE(cluster->trouble());
  EXPECT_EQ(cluster->map()->lowest().size(), 3U);
}

// Of a slot that moves while commands are on their way each is carried out once, and in order.
TEST_F(ClusterTest, ASlotThatMovesTakesItsCommandsAlong) {
  ASSERT_TRUE(until_known());
  std::vector<std::future<Answer>> answers;
  const auto push = [&](int count) {
    for (int i = 0; i < count; ++i) {
      auto promise = promised<Answer>();
      answers.push_back(promise->get_future());
      commands->send({"RPUSH", in(0), std::to_string(answers.size())},
          [promise](Answer answer) { promise->set_value(std::move(answer)); });
    }
  };
  push(100);
  servers.move(RedisCluster::first_slot(0), 0, 1, [&] { push(100); });
  push(100);
  std::string all = "[";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(words(got(std::move(answers[i]))), std::to_string(i + 1));
    all += (i == 0 ? "" : " ") + std::to_string(i + 1);
  }
  EXPECT_EQ(said_to(*commands, {"LRANGE", in(0), "0", "-1"}), all + "]");
  EXPECT_EQ(servers.at(1).cli({"LLEN", in(0)}), "300");
}

// A script names all keys of its room, of which some may be at the other node already, and some nowhere.
TEST_F(ClusterTest, ACommandWhoseKeysAreOnTwoNodesIsCarriedOutWhenTheSlotHasMoved) {
  ASSERT_TRUE(until_known());
  const auto key = [](const std::string& name) { return name + in(0); };
  for (const char* name : {"a", "b"}) ASSERT_EQ(said_to(*commands, {"SET", key(name), name}), "OK");
  Policy patient = kQuick;
  patient.command_timeout = Millis{30'000};
  ClusterCommands asking(cluster, Server{.url = {.host = ""}}, patient, system_entropy());
  auto promise = promised<Answer>();
  auto all = promise->get_future();
  std::string split, behind;
  servers.move(RedisCluster::first_slot(0), 0, 1, [&] {
    servers.at(0).cli({"MIGRATE", "127.0.0.1", std::to_string(servers.at(1).url().port), key("a"), "0", "5000"});
    split = servers.at(0).cli({"MGET", key("a"), key("b")});
    asking.send({"MGET", key("a"), key("b")}, [promise](Answer answer) { promise->set_value(std::move(answer)); });
    behind = said_to(asking, {"SET", in(1), "1"});
  });
  EXPECT_THAT(split, testing::HasSubstr("TRYAGAIN"));
  EXPECT_EQ(behind, "OK") << "other slots do not wait";
  EXPECT_EQ(words(got(std::move(all))), "[a b]");
}

TEST_F(ClusterTest, ACommandWhoseKeysStayOnTwoNodesFailsWhenItsTimeIsOver) {
  ASSERT_TRUE(until_known());
  const auto key = [](const std::string& name) { return name + in(0); };
  for (const char* name : {"a", "b"}) ASSERT_EQ(said_to(*commands, {"SET", key(name), name}), "OK");
  servers.move(RedisCluster::first_slot(0), 0, 1, [&] {
    servers.at(0).cli({"MIGRATE", "127.0.0.1", std::to_string(servers.at(1).url().port), key("a"), "0", "5000"});
    const Answer answer = ask_of(*commands, {"MGET", key("a"), key("b")});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::split);
  });
}

TEST_F(ClusterTest, ChannelsAreHeardInTheirShardAndFollowTheirSlot) {
  ASSERT_TRUE(until_known());
  const auto channels = listen();
  for (std::size_t shard = 0; shard < 3; ++shard) subscribe(*channels, in(shard));
  for (std::size_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ(said_to(*commands, {"PUBLISH", in(shard), "hello"}), "1");
    EXPECT_TRUE(reaches(in(shard), "hello"));
  }
  servers.move(RedisCluster::first_slot(0), 0, 1, [] {});
  EXPECT_TRUE(notes.until([&](const auto& all) { return std::ranges::find(all, "again " + in(0)) != all.end(); }));
  EXPECT_TRUE(reaches(in(0), "from the new one"));
  channels->unsubscribe(in(0));
  EXPECT_TRUE(until_said_to(*commands, {"PUBLISH", in(0), "nobody"}, "0"));
}

class ClusterWithReplicasTest : public ClusterTest {
 protected:
  ClusterWithReplicasTest() : ClusterTest(1) {}
  // A primary goes away, and its replica has its slots.
  void goes_on_without(const std::function<void()>& fail) {
    ASSERT_TRUE(until_known());
    channels = listen();
    subscribe(*channels, in(0));
    EXPECT_EQ(said_to(*commands, {"SET", in(0), "kept"}), "OK");
    // Not WAIT, which waits for what its own connection has written.
    ASSERT_TRUE(holds_soon([&] { return servers.at(3).cli({"DBSIZE"}) == servers.at(0).cli({"DBSIZE"}); }));
    fail();
    EXPECT_TRUE(until_said_to(*commands, {"GET", in(0)}, "kept"));
    EXPECT_TRUE(until_said_to(*commands, {"SET", in(0), "written"}, "OK"));
    EXPECT_TRUE(notes.until([&](const auto& all) { return std::ranges::find(all, "again " + in(0)) != all.end(); }));
    EXPECT_TRUE(reaches(in(0), "after it"));
    EXPECT_EQ(servers.at(3).cli({"GET", in(0)}), "written");
  }
  std::unique_ptr<ClusterChannels> channels;
};

TEST_F(ClusterWithReplicasTest, APrimaryDies) {
  goes_on_without([&] { servers.at(0).kill(); });
}

TEST_F(ClusterWithReplicasTest, APrimaryFreezesAndWakes) {
  goes_on_without([&] { servers.at(0).freeze(); });
  servers.at(0).thaw();
  EXPECT_TRUE(until_said_to(*commands, {"SET", in(0), "later"}, "OK"));
  EXPECT_TRUE(reaches(in(0), "later"));
}

TEST_F(ClusterTest, WithoutAPrimaryForEverySlotThereIsTrouble) {
  ASSERT_TRUE(until_known());
  servers.at(2).kill();
  ASSERT_TRUE(holds_soon([&] { return cluster->trouble().has_value(); }));
  EXPECT_THAT(*cluster->trouble(), testing::HasSubstr("down"));
}

} // namespace
} // namespace foyer::redis
