// What lies on a bus, and that many short rooms leave nothing there.
#include "cluster/bus_keys.h"

#include <gmock/gmock.h>

#include "base/manual_executor.h"
#include "engine/redis/opening.h"
#include "engine/redis/presence_store.h"
#include "engine/redis/room_log.h"
#include "engine/redis/shared_state.h"
#include "engine/redis/testing/bus_world.h"

namespace foyer::cluster {
namespace {

using engine::TestBus;
using testing::ElementsAre;
using testing::IsEmpty;

struct BusKeysTest : testing::Test {
  TestBus& bus = TestBus::shared();
  const engine::BusNames names = bus.fresh_names();
  ManualClock clock{bus.time().now()};
  ManualExecutor turn{clock};
  redis::Connection commands{engine::bus_server(bus.server()), TestBus::policy(), system_entropy()};

  BusKeys count(std::size_t most = kMostBusKeys) {
    auto seen = count_bus_keys(commands, {.prefix = names.prefix(), .most = most});
    EXPECT_TRUE(seen) << seen.error().operator_text();
    return seen.value_or(BusKeys{});
  }
  std::uint64_t of_kind(const BusKeys& keys, std::string_view kind) {
    const auto found = keys.kinds.find(kind);
    return found == keys.kinds.end() ? 0 : found->second.keys;
  }
  // Until everything that was sent has been answered.
  void settle() {
    do {
      redis::ask(commands, {"PING"});
      turn.run_posted();
    } while (commands.waiting() > 0);
  }
};

TEST_F(BusKeysTest, AKeySaysWhatItIsFor) {
  EXPECT_EQ(kind_of_key("{tea}:who"), "presence of a room");
  EXPECT_EQ(kind_of_key("{a}:who}:log"), "room that is not durable");
  EXPECT_EQ(kind_of_key("{tea}:meta"), "room that is not durable");
  EXPECT_EQ(kind_of_key("{tea}:key:0:ann:k1"), "key of a message");
  EXPECT_EQ(kind_of_key("bus"), "name of the bus");
  EXPECT_EQ(kind_of_key("era:{foyer:nodes}"), "list of nodes");
  EXPECT_EQ(kind_of_key("rooms:n1"), "rooms of a node");
  EXPECT_EQ(kind_of_key("state:{rate}:x"), "shared state");
  EXPECT_EQ(kind_of_key("something"), "other");
}

TEST_F(BusKeysTest, AKeyWithoutAnEndIsNamed) {
  EXPECT_EQ(count().total(), 0U);
  redis::ask(commands, {"SET", names.prefix() + "bus", "x", "PX", "60000"});
  redis::ask(commands, {"SET", names.prefix() + "left", "x"});
  redis::ask(commands, {"SET", "another program's", "x"});
  const BusKeys seen = count();
  EXPECT_EQ(seen.total(), 2U);
  EXPECT_THAT(seen.endless, ElementsAre(names.prefix() + "left"));
  EXPECT_EQ(seen.kinds.at("other").endless, 1U);
  EXPECT_EQ(seen.kinds.at("name of the bus").endless, 0U);
  EXPECT_GT(seen.kinds.at("other").bytes().value_or(0), 0U);
}

TEST_F(BusKeysTest, ItLooksAtNoMoreThanAsked) {
  for (int i = 0; i < 30; ++i)
    redis::ask(commands, {"SET", names.prefix() + "state:{x}:" + std::to_string(i), "x", "PX", "60000"});
  const BusKeys seen = count(10);
  EXPECT_EQ(seen.total(), 10U);
  EXPECT_FALSE(seen.all);
  EXPECT_TRUE(count().all);
}

TEST_F(BusKeysTest, WhoMayNotAskIsRefused) {
  bus.server().cli({"ACL", "SETUSER", "blind", "on", ">secret", "~*", "&*", "+@all", "-scan"});
  auto url = bus.server().url();
  url.user = "blind";
  url.password = "secret";
  redis::Connection blind({.url = url}, TestBus::policy(), system_entropy());
  const auto seen = count_bus_keys(blind, {.prefix = names.prefix()});
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().cause, Cause::BUS_REFUSED);
}

// With messages, keys of messages, people and leases; then everybody leaves, and nobody comes back.
TEST_F(BusKeysTest, ManyShortRoomsLeaveNothing) {
  constexpr int kRooms = 2'000;
  {
    engine::RedisLogOptions made;
    made.names = names;
    engine::RedisRoomLog log(std::move(made), commands, system_entropy(), clock);
    engine::RedisPresenceStore presence(
        {.names = names, .node = engine::NodeId{"n1"}, .tick = Millis{100}}, commands, turn, clock, system_entropy());
    engine::RedisSharedState state(names, commands);
    settle();
    int answered = 0;
    for (int i = 0; i < kRooms; ++i) {
      const RoomName room("live-" + std::to_string(i));
      log.append({.room = room,
                     .from = {UserId("u" + std::to_string(i % 50)), "ann"},
                     .text = "hello",
                     .key = "k" + std::to_string(i),
                     .time = clock.wall()},
          [&](Result<engine::Appended> done) { answered += done ? 1 : 0; });
      presence.touch(
          room, {UserId("ann"), "ann"}, [&](Result<engine::PresenceChange> done) { answered += done ? 1 : 0; });
      if (i % 100 == 99) settle();
    }
    state.take_once(
        {.key = {.kind = "nonce", .name = "a"}, .by = "n1", .remember = Millis{60'000}}, [](Result<engine::Taken>) {});
    settle();
    ASSERT_EQ(answered, 2 * kRooms);
    const BusKeys full = count();
    EXPECT_THAT(full.endless, IsEmpty());
    EXPECT_EQ(of_kind(full, "presence of a room"), kRooms);
    EXPECT_EQ(of_kind(full, "key of a message"), kRooms);
    EXPECT_GE(of_kind(full, "room that is not durable"), 3U * kRooms);
    EXPECT_EQ(of_kind(full, "other"), 0U);
  }
  bus.advance(Millis{std::chrono::hours{25}});
  const BusKeys later = count();
  EXPECT_EQ(of_kind(later, "presence of a room") + of_kind(later, "key of a message"), 0U);
  bus.advance(engine::kBusRoomLife);
  EXPECT_EQ(count().total(), 0U);
}

} // namespace
} // namespace foyer::cluster
