#include "engine/redis/shared_state.h"

#include <gmock/gmock.h>

#include "engine/redis/testing/bus_world.h"
#include "engine/testing/shared_state_contract.h"

namespace foyer::engine {
namespace {

class RedisSharedWorld final : public SharedWorld {
 public:
  SharedState& state() override {
    bus_.time().set(clock_.wall());
    return state_;
  }
  void run() override { redis::ask(commands_, {"PING"}); } // its answer is the last one
  ManualClock& clock() override { return clock_; }
  // The keys of this world that still exist, with the time of its clock.
  std::vector<std::string> keys() {
    bus_.time().set(clock_.wall());
    return keys_of(commands_, names_.prefix());
  }

 private:
  TestBus& bus_ = TestBus::shared();
  const BusNames names_ = bus_.fresh_names();
  ManualClock clock_{bus_.time().now()};
  redis::Connection commands_{bus_server(bus_.server()), TestBus::policy(), system_entropy()};
  RedisSharedState state_{names_, commands_};
};

INSTANTIATE_TEST_SUITE_P(Redis, SharedEntriesContract,
    testing::Values([]() -> std::unique_ptr<EntriesWorld> { return std::make_unique<RedisSharedWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Redis, SharedStateContract,
    testing::Values([]() -> std::unique_ptr<SharedWorld> { return std::make_unique<RedisSharedWorld>(); }));

TEST(RedisSharedState, EveryKeyEndsByItself) {
  RedisSharedWorld w;
  w.take({.key = {"nonce", "a"}, .by = "ann", .remember = Millis{60'000}});
  w.take({.key = {"nonce", "b"}, .by = "ann", .remember = Millis{1'000}});
  w.put({.key = {"ticket", "a"}, .value = "v", .life = Millis{1'000}, .remember = Millis{60'000}});
  w.take({.key = {"ticket", "a"}, .by = "ann", .remember = Millis{1}});
  w.count({.key = {"login", "a"}, .most = 3, .window = Millis{60'000}});
  w.lease({.key = {"sweeper", "a"}, .holder = "n1", .life = Millis{1'000}});
  EXPECT_THAT(w.keys(), testing::AllOf(testing::SizeIs(7), testing::Each(testing::Not(testing::EndsWith("*")))));
  w.clock().advance(Millis{70'000});
  EXPECT_THAT(w.keys(), testing::SizeIs(1)) << "the term of a lease is remembered longer";
  w.clock().advance(kLeaseTermLife);
  EXPECT_THAT(w.keys(), testing::IsEmpty());
}

TEST(RedisSharedState, AnotherNodeSeesTheSame) {
  TestBus& bus = TestBus::shared();
  const BusNames names = bus.fresh_names();
  redis::Connection one(bus_server(bus.server()), TestBus::policy(), system_entropy());
  redis::Connection two(bus_server(bus.server()), TestBus::policy(), system_entropy());
  RedisSharedState a(names, one), b(names, two);
  const auto take = [](SharedState& state, const std::string& by) {
    const auto answer = redis::promised<Result<Taken>>();
    state.take_once({.key = {"nonce", "n"}, .by = by, .remember = Millis{60'000}},
        [answer](Result<Taken> taken) { answer->set_value(std::move(taken)); });
    return redis::got(answer->get_future()).value();
  };
  EXPECT_TRUE(take(a, "a").first);
  const Taken later = take(b, "b");
  EXPECT_FALSE(later.first);
  EXPECT_EQ(later.by, "a");
  EXPECT_EQ(b.remembered("nonce"), 1U);
}

TEST(RedisSharedState, AServerThatIsAwayIsRefusedWithACause) {
  testing_world::RedisServer server;
  redis::Connection commands(bus_server(server), TestBus::policy(), system_entropy());
  RedisSharedState state{BusNames(), commands};
  server.kill();
  ASSERT_TRUE(redis::until_said(commands, {"PING"}, "unreachable"));
  const auto answer = redis::promised<Result<bool>>();
  state.put_until({.key = {"ticket", "t"}, .value = "v", .life = Millis{1'000}},
      [answer](Result<bool> put) { answer->set_value(std::move(put)); });
  const auto refused = redis::got(answer->get_future());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::BUS_UNREACHABLE);
  EXPECT_THAT(refused.error().evidence, testing::HasSubstr("unreachable"));
}

} // namespace
} // namespace foyer::engine
