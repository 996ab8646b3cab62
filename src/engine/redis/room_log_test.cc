#include "engine/redis/room_log.h"

#include <gmock/gmock.h>

#include "engine/redis/testing/bus_world.h"
#include "engine/testing/room_log_contract.h"

namespace foyer::engine {
namespace {

class RedisLogWorld final : public LogWorld {
 public:
  void open(WorldOptions options) override {
    log_.reset();
    RedisLogOptions made;
    made.names = names_;
    made.messages = options.history_messages > 0 ? options.history_messages : 1'000; // more than one page
    made.age = std::chrono::hours{24 * options.history_days};
    made.rules = options.rules;
    log_ = std::make_unique<RedisRoomLog>(std::move(made), commands_, system_entropy(), clock_);
  }
  RoomLog& log() override {
    bus_.time().set(clock_.wall());
    return *log_;
  }
  void run() override { // answers may bring more questions
    do redis::ask(commands_, {"PING"});
    while (commands_.waiting() > 0);
  }
  ManualClock& clock() override { return clock_; }
  redis::Connection& commands() { return commands_; }
  [[nodiscard]] const BusNames& names() const { return names_; }

 private:
  TestBus& bus_ = TestBus::shared();
  const BusNames names_ = bus_.fresh_names();
  ManualClock clock_{bus_.time().now()};
  redis::Connection commands_{{.url = bus_.server().url()}, TestBus::policy(), system_entropy()};
  std::unique_ptr<RedisRoomLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Redis, RoomLogContract,
    testing::Values([]() -> std::unique_ptr<LogWorld> { return std::make_unique<RedisLogWorld>(); }));

TEST(RedisRoomLog, AnotherReplicationIdIsAnotherEpochWithTheNextQuestion) {
  RedisLogWorld w;
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  const Epoch before = w.stands("tea")->epoch;
  // As after a restart from a file, or a promotion: the data is there, and the server is another one.
  ASSERT_EQ(redis::said(w.commands(), {"HSET", w.names().room(RoomName("tea"), "meta"), "replid", "0"}), "0");
  const auto next = w.say("tea", "ann", "two");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->offset, 2U);
  EXPECT_NE(next->epoch, before);
  EXPECT_EQ(w.stands("tea")->epoch, next->epoch);
}

TEST(RedisRoomLog, EveryKeyOfARoomEndsByItself) {
  RedisLogWorld w;
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one", "k1"));
  ASSERT_TRUE(w.erase("tea", 1, "ann"));
  EXPECT_THAT(keys_of(w.commands(), w.names().prefix()),
      testing::AllOf(testing::SizeIs(6), testing::Each(testing::Not(testing::EndsWith("*")))));
  w.clock().advance(kBusRoomLife + Millis{1'000});
  (void)w.log();
  EXPECT_THAT(keys_of(w.commands(), w.names().prefix()), testing::IsEmpty());
}

} // namespace
} // namespace foyer::engine
