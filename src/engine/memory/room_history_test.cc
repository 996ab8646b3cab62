// The limits of a history in memory. Properties of every log are in the contract (room_log_test.cc).
#include "engine/memory/room_history.h"

#include <gmock/gmock.h>

#include "base/clock.h"

namespace foyer::engine {
namespace {

struct RoomHistoryTest : testing::Test {
  ManualClock clock;
  RoomHistory room{Epoch("e1"), {.messages = 4, .bytes = 40, .keys = 3}};

  std::string say(const std::string& text, const std::string& key = "", const std::string& from = "ann") {
    auto done = room.append(
        {.room = RoomName("game.1"), .from = {UserId(from), from}, .text = text, .key = key, .time = clock.wall()},
        clock.mono());
    if (!done) return std::string(done.error().code());
    return std::to_string(done->offset) + (done->duplicate ? " again" : "");
  }
  std::string page(HistoryRequest question) {
    std::string out;
    const HistoryPage got = room.history(question);
    for (const Message& m : got.messages)
      out += (out.empty() ? "" : " ") + std::to_string(m.offset) + ":" + (m.deleted ? "deleted" : m.text);
    return out + (got.more ? " +" : "");
  }
};

TEST_F(RoomHistoryTest, KeepsTheNewestAndNeverGivesAnOffsetTwice) {
  EXPECT_EQ(room.offset(), 0U);
  EXPECT_EQ(page({}), "");
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(say("m" + std::to_string(i)), std::to_string(i));
  EXPECT_EQ(room.offset(), 6U);
  EXPECT_EQ(page({}), "3:m3 4:m4 5:m5 6:m6");
  EXPECT_EQ(page({.limit = 2}), "5:m5 6:m6 +");
  EXPECT_EQ(page({.before = 5, .limit = 1}), "4:m4 +");
  EXPECT_EQ(page({.before = 3}), "");
  EXPECT_EQ(page({.before = 0}), "");
  EXPECT_EQ(page({.after = 4}), "5:m5 6:m6");
  EXPECT_EQ(page({.after = 0, .limit = 2}), "3:m3 4:m4 +");
  EXPECT_EQ(page({.after = 4, .up_to = 5}), "5:m5");
  EXPECT_EQ(page({.after = 6}), "");
  EXPECT_EQ(page({.limit = 0}), " +");
  EXPECT_EQ(say(std::string(39, 'x')), "7");
  EXPECT_EQ(page({}), "7:" + std::string(39, 'x')) << "bytes are bounded too";
}

TEST_F(RoomHistoryTest, AKeyIsRememberedForItsTimeEvenWhenItsMessageIsGone) {
  EXPECT_EQ(say("hello", "k"), "1");
  for (int i = 0; i < 5; ++i) say("x");
  clock.advance(kKeyLife - Millis{1});
  EXPECT_EQ(say("hello", "k"), "1 again");
  EXPECT_EQ(say("other", "k"), "KEY_REUSED");
  EXPECT_EQ(say("hello", "k", "bob"), "7");
  clock.advance(Millis{1});
  EXPECT_EQ(say("other", "k"), "8");
}

TEST_F(RoomHistoryTest, NoKeyIsForgottenBeforeItsTimeToMakeRoomForAnother) {
  for (const char* key : {"a", "b", "c"}) say("x", key);
  EXPECT_EQ(say("x", "d"), "RATE_LIMITED");
  EXPECT_EQ(say("x"), "4") << "without a key it goes on";
  clock.advance(kKeyLife);
  EXPECT_EQ(say("x", "d"), "5");
}

TEST_F(RoomHistoryTest, AnErasedMessageKeepsItsPlace) {
  say("one");
  say("two");
  EXPECT_EQ(room.erase(1, UserId("bob"), false).error().cause, Cause::PERMISSION_DENIED);
  EXPECT_EQ(room.erase(1, UserId("bob"), true)->offset, 1U);
  EXPECT_EQ(room.erase(3, UserId("ann"), false).error().cause, Cause::NOT_FOUND);
  EXPECT_EQ(page({}), "1:deleted 2:two");
  EXPECT_EQ(room.detach_author(UserId("ann"), Forget::name), 2U) << "the second change";
  EXPECT_EQ(room.history({}).messages[1].from.name, kDetachedName);
}

} // namespace
} // namespace foyer::engine
