// Which servers can be the bus, and what is said of the others. Each refusal is one of a real server.
#include "engine/redis/opening.h"

#include <gmock/gmock.h>

#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "engine/redis/testing/bus_world.h"
#include "redis/deployment.h"
#include "redis/testing/redis_cluster.h"

namespace foyer::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_world::RedisOptions;
using testing_world::RedisServer;

redis::Policy patient() { return {.connect_timeout = Millis{30'000}, .command_timeout = Millis{30'000}}; }

std::string found(const Result<BusSeen>& seen) {
  return seen ? "ok" : std::string(seen.error().code()) + " " + seen.error().evidence;
}
std::string look(const redis::ServerUrl& url) {
  return found(look_at_bus({.url = url}, patient(), BusNames(), system_entropy()));
}
redis::ServerUrl as(const RedisServer& server, const std::string& user, const std::string& password) {
  redis::ServerUrl url = server.url();
  url.user = user;
  url.password = password;
  return url;
}

TEST(BusOpening, AServerThatIsSuitedIsDescribedAndKeepsNothingOfTheLook) {
  const RedisServer server;
  const auto seen = look_at_bus({.url = server.url()}, patient(), BusNames(), system_entropy());
  ASSERT_TRUE(seen) << found(seen);
  EXPECT_THAT(seen->facts.software, HasSubstr("Redis "));
  EXPECT_EQ(seen->facts.memory, 0U);
  EXPECT_FALSE(seen->facts.appends);
  EXPECT_EQ(seen->name, "");
  EXPECT_EQ(server.cli({"KEYS", "*"}), "");
}

TEST(BusOpening, ANameIsDrawnOnceAndANotedOneIsGivenBack) {
  const RedisServer server;
  const auto open = [&](const std::string& noted) {
    const auto seen = open_bus({.url = server.url()}, patient(), BusNames(), {"d1", noted}, system_entropy());
    EXPECT_TRUE(seen) << found(seen);
    return seen ? seen->name : "";
  };
  const std::string name = open("");
  EXPECT_THAT(name, testing::StartsWith("d1."));
  EXPECT_EQ(open(""), name);
  EXPECT_EQ(open("d1.another"), name) << "the caller compares";
  EXPECT_THAT(found(open_bus({.url = server.url()}, patient(), BusNames(), {"d2", ""}, system_entropy())),
      AllOf(HasSubstr("CLUSTER_MISMATCH"), HasSubstr(name)));
  EXPECT_NE(server.cli({"PTTL", "foyer:bus"}), "-1");
  server.cli({"FLUSHALL"});
  EXPECT_EQ(open(name), name);
}

TEST(BusOpening, TheUserOfTheCauseMayDoEverything) {
  const RedisServer server;
  server.cli({"ACL", "SETUSER", "foyer", "on", ">secret", "~foyer:*", "&foyer:*", "+@all", "-@dangerous", "+info"});
  EXPECT_EQ(look(as(server, "foyer", "secret")), "ok");
  redis::Connection commands(
      {.url = as(server, "foyer", "secret"), .scripts = bus_scripts()}, patient(), system_entropy());
  EXPECT_EQ(redis::said(commands, {"PING"}), "PONG") << "its scripts are loaded";
}

TEST(BusOpening, NobodyThere) {
  RedisServer server;
  const auto url = server.url();
  server.kill();
  EXPECT_THAT(look(url), HasSubstr("BUS_UNREACHABLE"));
}

TEST(BusOpening, AServerThatLoadsItsDataIsNotThereYet) {
  EXPECT_EQ(refusal_of({.kind = redis::kind_of_error("LOADING Redis is loading the dataset in memory")}).cause,
      Cause::BUS_UNREACHABLE);
}

TEST(BusOpening, LoginsAreRefusedInTheServersWords) {
  const RedisServer server{{.arguments = {"--requirepass", "correct"}}};
  EXPECT_THAT(look(server.url()), AllOf(HasSubstr("BUS_REFUSED"), HasSubstr("NOAUTH")));
  EXPECT_THAT(look(as(server, "", "guessed")),
      AllOf(HasSubstr("BUS_REFUSED"), HasSubstr("WRONGPASS"), Not(HasSubstr("guessed"))));
  EXPECT_EQ(look(as(server, "", "correct")), "ok");
}

TEST(BusOpening, AMissingRightIsNamed) {
  const RedisServer server;
  const auto with = [&](const std::vector<std::string>& rights) {
    std::vector<std::string> words{"ACL", "SETUSER", "u", "reset", "on", ">p"};
    words.insert(words.end(), rights.begin(), rights.end());
    EXPECT_EQ(server.cli(words), "OK");
    return look(as(server, "u", "p"));
  };
  EXPECT_EQ(with({"~foyer:*", "&foyer:*", "+@all"}), "ok");
  EXPECT_THAT(
      with({"~foyer:*", "&foyer:*", "+@all", "-info"}), AllOf(HasSubstr("BUS_REFUSED INFO: "), HasSubstr("NOPERM")));
  EXPECT_THAT(with({"~other:*", "&foyer:*", "+@all"}), AllOf(HasSubstr("BUS_REFUSED"), HasSubstr("keys")));
  EXPECT_THAT(
      with({"~foyer:*", "&other:*", "+@all"}), AllOf(HasSubstr("BUS_REFUSED PUBLISH: "), HasSubstr("channels")));
  EXPECT_THAT(
      with({"~foyer:*", "&foyer:*", "+@all", "-subscribe"}), AllOf(HasSubstr("BUS_REFUSED"), HasSubstr("'subscribe'")));
  EXPECT_THAT(with({"~foyer:*", "&foyer:*", "+@all", "-evalsha"}), HasSubstr("BUS_REFUSED EVALSHA: "));
  EXPECT_THAT(with({"~foyer:*", "&foyer:*", "+@all", "-script"}), AllOf(HasSubstr("BUS_REFUSED"), HasSubstr("login")));
  EXPECT_THAT(with({"~foyer:*", "&foyer:*", "+@all", "-hincrby"}), HasSubstr("BUS_REFUSED HINCRBY in a script: "));
}

TEST(BusOpening, AReplicaIsUnsuitable) {
  const RedisServer primary;
  const RedisServer replica{{.arguments = {"--replicaof", "127.0.0.1 " + std::to_string(primary.url().port)}}};
  EXPECT_THAT(look(replica.url()), AllOf(HasSubstr("BUS_UNSUITABLE"), HasSubstr("replica")));
}

TEST(BusOpening, AMemberOfAClusterIsUnsuitable) {
  const RedisServer server{{.arguments = {"--cluster-enabled", "yes"}}};
  EXPECT_THAT(look(server.url()), AllOf(HasSubstr("BUS_UNSUITABLE"), HasSubstr("cluster")));
}

TEST(BusOpening, AServerThatRemovesKeysIsUnsuitable) {
  const RedisServer server;
  for (const std::string policy : {"allkeys-lru", "volatile-ttl"}) {
    server.cli({"CONFIG", "SET", "maxmemory-policy", policy});
    EXPECT_THAT(look(server.url()), AllOf(HasSubstr("BUS_UNSUITABLE"), HasSubstr(policy)));
  }
}

TEST(BusOpening, AServerWithoutInfoIsUnsuitable) {
  const RedisServer server{{.arguments = {"--rename-command", "INFO", ""}}};
  EXPECT_THAT(look(server.url()), AllOf(HasSubstr("BUS_UNSUITABLE"), HasSubstr("unknown command")));
}

TEST(BusOpening, ItsVersionIsRead) {
  const std::string rest = "role:master\r\ncluster_enabled:0\r\nmaxmemory_policy:noeviction\r\n";
  const auto judged = [&](const std::string& version) {
    const auto facts = judge_bus("# Server\r\n" + version + "\r\n" + rest);
    return facts ? facts->software : std::string(facts.error().code()) + " " + facts.error().evidence;
  };
  EXPECT_EQ(judged("redis_version:6.2.0"), "Redis 6.2.0");
  EXPECT_EQ(judged("redis_version:10.0.1"), "Redis 10.0.1");
  EXPECT_EQ(judged("redis_version:7.2.4\r\nvalkey_version:8.1.0"), "Valkey 8.1.0");
  EXPECT_EQ(judged("redis_version:6.0.16"), "BUS_UNSUITABLE Redis 6.0.16 is older than Redis 6.2");
  EXPECT_EQ(judged("redis_version:5"), "BUS_UNSUITABLE Redis 5 is older than Redis 6.2");
  EXPECT_EQ(judged(""), "BUS_UNSUITABLE INFO does not say which version of Redis it is");
}

// --- a running node ---

class LookAgain : public testing::Test {
 protected:
  std::string look(const std::string& name) {
    auto promise = redis::promised<std::string>();
    auto answer = promise->get_future();
    look_again(commands, nullptr, BusNames(), name, [promise](Result<BusFacts> facts) {
      promise->set_value(facts ? "ok" : std::string(facts.error().code()) + " " + facts.error().evidence);
    });
    return redis::got(std::move(answer));
  }
  RedisServer server;
  redis::Connection commands{bus_server(server), TestBus::policy(), system_entropy()};
};

TEST_F(LookAgain, ABusThatLostItsNameGetsItAgain) {
  EXPECT_EQ(look("one"), "ok");
  server.cli({"FLUSHALL"});
  EXPECT_EQ(look("one"), "ok");
  EXPECT_EQ(server.cli({"GET", "foyer:bus"}), "one");
}

TEST_F(LookAgain, AnotherBusIsNotTakenForTheOwn) {
  server.cli({"SET", "foyer:bus", "other"});
  EXPECT_THAT(look("one"), AllOf(HasSubstr("CLUSTER_MISMATCH"), HasSubstr("\"other\""), HasSubstr("\"one\"")));
}

TEST_F(LookAgain, AServerThatIsUnsuitableNowIsFound) {
  EXPECT_EQ(look("one"), "ok");
  server.cli({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  EXPECT_THAT(look("one"), HasSubstr("BUS_UNSUITABLE"));
}

TEST(LookAgainAtACluster, EachOfItsPrimariesIsLookedAt) {
  testing_world::RedisCluster servers;
  const auto cluster = std::make_shared<redis::Cluster>(
      *redis::parse_bus_url(servers.url()), client::TlsOptions{}, TestBus::policy(), system_entropy());
  const auto commands = redis::open_commands(
      {.url = {.host = ""}, .scripts = bus_scripts(), .cluster = cluster}, TestBus::policy(), system_entropy());
  const auto look = [&] {
    auto promise = redis::promised<std::string>();
    auto answer = promise->get_future();
    look_again(*commands, cluster.get(), BusNames(), "one",
        [promise](Result<BusFacts> facts) { promise->set_value(facts ? "ok" : std::string(facts.error().code())); });
    return redis::got(std::move(answer));
  };
  EXPECT_EQ(look(), "ok");
  for (std::size_t i = 0; i < testing_world::RedisCluster::kPrimaries; ++i) {
    servers.at(i).cli({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    EXPECT_EQ(look(), "BUS_UNSUITABLE") << i;
    servers.at(i).cli({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
    EXPECT_EQ(look(), "ok");
  }
}

TEST(BusFacts, SayWhetherAPlannedFailoverIsInProgress) {
  EXPECT_FALSE(fails_over("role:master\r\n"));
  EXPECT_FALSE(fails_over("role:master\r\nmaster_failover_state:no-failover\r\n"));
  EXPECT_TRUE(fails_over("role:master\r\nmaster_failover_state:waiting-for-sync\r\n"));
}

} // namespace
} // namespace foyer::engine
