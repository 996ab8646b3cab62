#include "engine/redis/room_log.h"

#include <gmock/gmock.h>

#include "engine/redis/testing/bus_world.h"
#include "engine/testing/room_log_contract.h"

namespace foyer::engine {
namespace {

class RedisLogWorld final : public LogWorld {
 public:
  void open(WorldOptions options) override { open(std::move(options), RedisLogOptions{}.bytes); }
  void open(WorldOptions options, std::size_t bytes) {
    log_.reset();
    RedisLogOptions made;
    made.bytes = bytes;
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
    redis::ask(commands_, {"PING"}); // a command counts as answered before its completion has returned
  }
  [[nodiscard]] bool works_in_run() const override { return false; }
  ManualClock& clock() override { return clock_; }
  redis::Connection& commands() { return commands_; }
  // The offsets that the server has.
  std::vector<int> kept(const char* room) {
    std::vector<int> out;
    for (const auto& item : redis::ask(commands_, {"HKEYS", names_.room(RoomName(room), "log")})->items)
      out.push_back(std::stoi(item.text));
    std::ranges::sort(out);
    return out;
  }
  [[nodiscard]] const BusNames& names() const { return names_; }

 private:
  TestBus& bus_ = TestBus::shared();
  const BusNames names_ = bus_.fresh_names();
  ManualClock clock_{bus_.time().now()};
  redis::Connection commands_{bus_server(bus_.server()), TestBus::policy(), system_entropy()};
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

TEST(RedisRoomLog, ARoomKeepsNoMoreBytesThanItsLimit) {
  RedisLogWorld w;
  w.open({}, 2'000);
  const std::string text(500, 'x');
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(w.say("tea", "ann", text));
  EXPECT_THAT(w.kept("tea"), testing::ElementsAre(8, 9, 10));
  ASSERT_TRUE(w.erased("tea", 10, "ann")); // an erased one takes no room for its text
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(w.say("tea", "ann", text));
  EXPECT_THAT(w.kept("tea"), testing::ElementsAre(9, 10, 11, 12));
  ASSERT_TRUE(w.say("tea", "ann", std::string(5'000, 'y'))); // the newest is kept in any case
  EXPECT_THAT(w.kept("tea"), testing::ElementsAre(13));
  ASSERT_TRUE(w.say("tea", "ann", text));
  EXPECT_THAT(w.kept("tea"), testing::ElementsAre(14));
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
