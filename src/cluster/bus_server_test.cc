// What a Valkey or Redis server is asked, what it means, and which replica cannot take over.
#include "cluster/bus_server.h"

#include <gmock/gmock.h>

#include "redis/testing/redis_server.h"

namespace foyer::cluster {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_world::RedisServer;

BusServer read(const redis::ServerUrl& url) {
  auto seen = read_bus({.url = url}, {.command_timeout = Millis{5'000}}, system_entropy());
  EXPECT_TRUE(seen) << seen.error().operator_text();
  return seen.value_or(BusServer{});
}
const Line& line(const Lines& lines, std::string_view what) {
  static const Line none;
  const auto found = std::ranges::find(lines, what, &Line::what);
  EXPECT_NE(found, lines.end()) << what;
  return found == lines.end() ? none : *found;
}
std::vector<Cause> causes(const BusServer& bus) {
  std::vector<Cause> out;
  for (const Trouble& one : judge_bus_server(bus)) out.push_back(one.cause);
  return out;
}
// Reads again until the primary says that of its only replica.
BusServer read_until(const redis::ServerUrl& url, const std::function<bool(const BusReplica&)>& right) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  BusServer bus;
  do bus = read(url);
  while ((bus.replicas.size() != 1 || !right(bus.replicas[0])) && std::chrono::steady_clock::now() < until);
  EXPECT_EQ(bus.replicas.size(), 1U);
  return bus;
}

TEST(BusServerTest, InfoIsReadLineByLine) {
  const auto fields = info_fields(
      "# Replication\r\nrole:master\r\nslave0:ip=fe80::1,port=7001,state=online,offset=9,lag=0\r\n"
      "slave1:ip=r2.example,port=7002,state=wait_bgsave\r\nno colon\r\n\r\nempty:\r\n");
  EXPECT_EQ(fields.at("role"), "master");
  EXPECT_EQ(fields.at("empty"), "");
  const auto replicas = replicas_of(fields);
  ASSERT_EQ(replicas.size(), 2U);
  EXPECT_EQ(replicas[0].host, "fe80::1");
  EXPECT_EQ(replicas[0].port, 7001);
  EXPECT_EQ(replicas[1].state, "wait_bgsave");
}

TEST(BusServerTest, ItsSettingsSayWhatTheyMean) {
  RedisServer server({.arguments = {"--appendonly", "yes", "--appendfsync", "always", "--min-replicas-to-write", "1",
                          "--maxmemory", "64mb", "--client-output-buffer-limit", "pubsub 8mb 4mb 30"}});
  const BusServer bus = read(server.url());
  const Lines lines = describe_bus(bus);
  EXPECT_EQ(line(lines, "appendfsync").value, "always");
  EXPECT_THAT(line(lines, "appendfsync").means, HasSubstr("is on the disk of the server"));
  EXPECT_EQ(line(lines, "min-replicas-to-write").value, "1 (within 10 s)");
  EXPECT_THAT(line(lines, "maxmemory").value, HasSubstr("64.0 MiB, "));
  EXPECT_EQ(line(lines, "maxmemory-policy").value, "noeviction");
  EXPECT_EQ(line(lines, "client-output-buffer-limit pubsub").value, "8.0 MiB at once, 4.0 MiB for 30 s");
  EXPECT_EQ(line(lines, "replicas").value, "none follow");
  EXPECT_THAT(causes(bus), IsEmpty());
  server.cli({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  EXPECT_THAT(causes(read(server.url())), ElementsAre(Cause::BUS_UNSUITABLE));
}

TEST(BusServerTest, WhatTheUserMayNotReadIsNotVisible) {
  RedisServer server({.arguments = {"--appendonly", "yes"}});
  server.cli({"ACL", "SETUSER", "foyer", "on", ">secret", "~foyer:*", "&foyer:*", "+@all", "-@dangerous", "+info"});
  auto url = server.url();
  url.user = "foyer";
  url.password = "secret";
  const BusServer bus = read(url);
  const Lines lines = describe_bus(bus);
  for (const auto* what : {"appendfsync", "min-replicas-to-write", "client-output-buffer-limit pubsub"})
    EXPECT_THAT(line(lines, what).means, HasSubstr("may not read it")) << what;
  EXPECT_EQ(line(lines, "maxmemory-policy").value, "noeviction") << "INFO says it";
  EXPECT_THAT(causes(bus), IsEmpty());
}

TEST(BusServerTest, AReplicaThatHasItsCopyCanTakeOver) {
  RedisServer primary({.arguments = {"--repl-diskless-sync-delay", "0"}});
  RedisServer replica;
  replica.cli({"REPLICAOF", "127.0.0.1", std::to_string(primary.url().port)});
  const BusServer bus =
      read_until(primary.url(), [](const BusReplica& r) { return r.state == "online" && r.link == "up"; });
  EXPECT_THAT(causes(bus), IsEmpty());
  const std::string what = "replica 127.0.0.1:" + std::to_string(replica.url().port);
  EXPECT_EQ(line(describe_bus(bus), what).value, "online, master_link_status up");
}

// REPLICA_INCOMPLETE. The primary waits for more replicas before it sends the first copy.
TEST(BusServerTest, AReplicaWithoutItsFirstCopyCannot) {
  RedisServer primary({.arguments = {"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "3600"}});
  RedisServer replica;
  replica.cli({"REPLICAOF", "127.0.0.1", std::to_string(primary.url().port)});
  const BusServer bus =
      read_until(primary.url(), [](const BusReplica& r) { return r.state == "wait_bgsave" && r.link == "down"; });
  const auto troubles = judge_bus_server(bus);
  ASSERT_EQ(troubles.size(), 1U);
  EXPECT_EQ(troubles[0].cause, Cause::REPLICA_INCOMPLETE);
  EXPECT_THAT(troubles[0].message,
      AllOf(HasSubstr("127.0.0.1:" + std::to_string(replica.url().port)), HasSubstr("wait_bgsave"),
          HasSubstr("master_link_status down")));
  EXPECT_THAT(describe_bus(bus).back().means, HasSubstr("not durable would be empty"));
}

TEST(BusServerTest, AReplicaThatCannotBeAskedCountsByWhatThePrimarySays) {
  BusServer bus;
  bus.replicas = {{.host = "10.0.0.2", .port = 6379, .state = "online", .why = "no route"}};
  EXPECT_THAT(causes(bus), IsEmpty());
  EXPECT_THAT(describe_bus(bus).back().value, HasSubstr("cannot be asked from here: no route"));
  bus.replicas[0].state = "send_bulk";
  EXPECT_THAT(causes(bus), ElementsAre(Cause::REPLICA_INCOMPLETE));
}

// A sentinel lists replicas as arrays of names and values.
TEST(BusServerTest, SentinelsKnowReplicasThatHaveLostTheirPrimary) {
  const auto listed = [](const std::string& port, const std::string& flags) {
    redis::Reply out{.kind = redis::Reply::Kind::array};
    for (const std::string& word : {std::string("name"), std::string("x"), std::string("ip"), std::string("10.0.0.3"),
             std::string("port"), port, std::string("flags"), flags})
      out.items.push_back({.kind = redis::Reply::Kind::text, .text = word});
    return out;
  };
  BusServer bus;
  bus.replicas = watched_replicas(
      {.kind = redis::Reply::Kind::array, .items = {listed("1", "slave"), listed("2", "s_down,slave,disconnected")}});
  ASSERT_EQ(bus.replicas.size(), 2U);
  EXPECT_EQ(bus.replicas[0].host, "10.0.0.3");
  EXPECT_EQ(bus.replicas[1].port, 2);
  bus.replicas[0].link = "down";
  EXPECT_THAT(causes(bus), ElementsAre(Cause::REPLICA_INCOMPLETE)) << "the other one is away, and not chosen";
  EXPECT_THAT(describe_bus(bus).back().means, HasSubstr("do not choose it"));
  bus.replicas[0].link = "up";
  EXPECT_THAT(causes(bus), IsEmpty());
}

TEST(BusServerTest, AServerThatIsAwayIsUnreachable) {
  RedisServer server;
  const auto url = server.url();
  server.kill();
  const auto seen = read_bus({.url = url}, {}, system_entropy());
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().cause, Cause::BUS_UNREACHABLE);
}

} // namespace
} // namespace foyer::cluster
