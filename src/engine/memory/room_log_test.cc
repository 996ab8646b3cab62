#include "engine/memory/room_log.h"

#include "engine/testing/room_log_contract.h"

namespace foyer::engine {
namespace {

class MemoryWorld final : public LogWorld {
 public:
  void open(WorldOptions options) override {
    log_.reset();
    MemoryLogLimits limits;
    limits.room.messages = options.history_messages > 0 ? options.history_messages : 1'000; // more than one page
    limits.rules = options.rules;
    log_ = std::make_unique<MemoryRoomLog>([this] { return clock_.mono(); }, entropy_, limits);
  }
  RoomLog& log() override { return *log_; }
  void run() override {} // answers everything at once
  ManualClock& clock() override { return clock_; }
  [[nodiscard]] bool durable() const override { return false; }

 private:
  ManualClock clock_;
  FixedEntropy entropy_;
  std::unique_ptr<MemoryRoomLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Memory, RoomLogContract,
    testing::Values([]() -> std::unique_ptr<LogWorld> { return std::make_unique<MemoryWorld>(); }));

struct MemoryRoomLogTest : testing::Test {
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;
  Counter& refused = metrics.counter("refused", "");
  MemoryRoomLog log{[this] { return clock.mono(); }, entropy, {.room = {.messages = 2}, .bytes = 10}, &refused};

  std::string say(const char* room, const char* text) {
    std::string answer;
    log.append({.room = RoomName(room), .from = {UserId("ann"), "ann"}, .text = text, .key = "", .time = clock.wall()},
        [&](Result<Appended> r) { answer = r ? std::to_string(r->offset) : std::string(r.error().code()); });
    return answer;
  }
};

TEST_F(MemoryRoomLogTest, AllRoomsTogetherHoldNoMoreThanTheirShare) {
  EXPECT_EQ(say("tea", "12345"), "1");
  EXPECT_EQ(say("milk", "12345"), "1");
  EXPECT_EQ(log.bytes(), 10U);
  EXPECT_EQ(say("tea", "x"), "BUSY");
  EXPECT_EQ(refused.value(), 1U);
  log.release(RoomName("milk"));
  EXPECT_EQ(log.bytes(), 5U);
  EXPECT_EQ(say("tea", "x"), "2") << "a refused message has no offset";
}

TEST_F(MemoryRoomLogTest, WhatARoomLetsGoMakesPlaceForOthers) {
  for (const char* text : {"123", "123", "123", "123"}) EXPECT_NE(say("tea", text), "BUSY");
  EXPECT_EQ(log.bytes(), 6U) << "the newest two";
}

} // namespace
} // namespace foyer::engine
