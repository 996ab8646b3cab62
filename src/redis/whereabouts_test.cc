// Connections follow a primary that moves, with real servers.
#include "redis/whereabouts.h"

#include <gmock/gmock.h>

#include "redis/subscriber.h"
#include "redis/testing/answers.h"
#include "redis/testing/redis_server.h"

namespace foyer::redis {
namespace {

using testing::ElementsAre;
using testing_world::RedisServer;

const Policy kQuick{.backoff_first = Millis{5}, .backoff_most = Millis{20}};

Endpoint at(const RedisServer& server) { return {server.url().host, server.url().port}; }

class PrimaryTest : public testing::Test {
 protected:
  PrimaryTest() {
    first.cli({"SET", "name", "first"});
    second.cli({"SET", "name", "second"});
  }
  RedisServer first, second;
  std::shared_ptr<Whereabouts> primary = std::make_shared<Whereabouts>("the bus");
};

TEST_F(PrimaryTest, CommandsWaitUntilItIsKnownAndMoveAtOnce) {
  Connection redis({.url = first.url(), .primary = primary}, kQuick, system_entropy());
  auto early = sent(redis, {"GET", "name"});
  primary->set(at(second));
  EXPECT_EQ(words(got(std::move(early))), "second") << "not where the URL leads";
  primary->set(at(first));
  EXPECT_TRUE(until_said(redis, {"GET", "name"}, "first")) << "although the second one answers";
}

TEST_F(PrimaryTest, ThatNobodyKnowsWhereItIsFailsACommand) {
  Connection redis({.url = first.url(), .primary = primary}, kQuick, system_entropy());
  auto early = sent(redis, {"GET", "name"});
  primary->set(std::unexpected(Failure{.kind = Failure::Kind::no_primary, .what = "none"}));
  EXPECT_EQ(words(got(std::move(early))), "no_primary");
  primary->set(at(second));
  EXPECT_TRUE(until_said(redis, {"GET", "name"}, "second"));
}

TEST_F(PrimaryTest, ChannelsAreSubscribedAgainWhereItIsAndThatIsALoss) {
  Notes notes;
  primary->set(at(first));
  Subscriber hears({.url = first.url(), .primary = primary}, kQuick, system_entropy(),
      {.message = [&](const std::string&, const std::string& payload) { notes.add(payload); },
          .again = [&](const std::string& channel) { notes.add("again " + channel); }});
  const auto heard = promised<void>();
  hears.subscribe("tea", [heard](auto) { heard->set_value(); });
  got(heard->get_future());
  primary->set(at(second));
  ASSERT_TRUE(notes.until_count(1));
  second.cli({"PUBLISH", "tea", "hello"});
  ASSERT_TRUE(notes.until_count(2));
  EXPECT_THAT(notes.all(), ElementsAre("again tea", "hello"));
  EXPECT_EQ(first.cli({"PUBLISH", "tea", "nobody"}), "0");
}

TEST_F(PrimaryTest, AReplicaIsNotTakenForIt) {
  second.cli({"REPLICAOF", "127.0.0.1", std::to_string(first.url().port)});
  primary->set(at(second));
  Connection redis({.url = first.url(), .primary = primary}, kQuick, system_entropy());
  EXPECT_EQ(said(redis, {"GET", "name"}), "read_only");
  second.cli({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(until_said(redis, {"PING"}, "PONG"));
}

} // namespace
} // namespace foyer::redis
