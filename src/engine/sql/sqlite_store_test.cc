// Failures that only SQLite can cause in a chat store.
#include "engine/sql/sqlite_store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "engine/testing/store_worlds.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing_world::Faults;

struct SqliteStoreTest : testing::Test {
  SqliteWorld w;
};

TEST_F(SqliteStoreTest, AStoreHasOneOwner) {
  w.open({});
  FixedEntropy entropy;
  auto second = open_sqlite_store(w.path(), w.options, w.clock(), entropy, w.metrics, null_log());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cause, Cause::CHAT_STORE_IN_USE);
  w.close();
  EXPECT_TRUE(open_sqlite_store(w.path(), w.options, w.clock(), entropy, w.metrics, null_log()));
}

TEST_F(SqliteStoreTest, ManyMessagesAreOneCommit) {
  w.open({});
  for (int i = 0; i < 500; ++i) w.store().append(w.message("tea", "ann", "x"), [](Result<Appended>) {});
  w.run();
  EXPECT_EQ(w.metrics.counter("foyer_store_commits_total", "", {{"store", "chat"}}).value(), 1U);
}

TEST_F(SqliteStoreTest, AFailedCommitLeavesNoHoleAndNoRoom) {
  w.options.vfs = Faults::vfs();
  w.open({});
  ASSERT_EQ(w.say("tea", "ann", "one")->offset, 1U);
  for (const auto& [error, code] :
      {std::pair{ENOSPC, "STORE_FULL"}, {EROFS, "STORE_READ_ONLY"}, {EIO, "STORE_FAILED"}}) {
    Faults::writes_fail_with(error);
    EXPECT_EQ(code_of(w.say("tea", "ann", "lost", "k")), code);
    EXPECT_EQ(code_of(w.say("milk", "ann", "lost")), code);
    EXPECT_EQ(std::string(w.store().probe().error().code()), code);
    EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one") << "reads continue";
    Faults::none();
  }
  EXPECT_EQ(w.say("tea", "ann", "two", "k")->offset, 2U) << "nor is the key taken";
  EXPECT_EQ(w.say("milk", "ann", "first")->offset, 1U);
  EXPECT_TRUE(w.store().probe());
}

TEST_F(SqliteStoreTest, AMessageThatIsRefusedInABatchLeavesItsNeighboursAlone) {
  w.open({});
  std::vector<std::string> heard;
  const auto note = [&](Result<Appended> r) {
    heard.push_back(r ? std::to_string(r->offset) : std::string(r.error().code()));
  };
  w.store().append(w.message("tea", "ann", "a", "k"), note);
  w.store().append(w.message("tea", "ann", "b", "k"), note);
  w.store().append(w.message("private:none", "ann", "c"), note);
  w.store().append(w.message("tea", "ann", "d"), note);
  w.run();
  EXPECT_THAT(heard, ElementsAre("1", "KEY_REUSED", "NOT_A_MEMBER", "2"));
}

TEST_F(SqliteStoreTest, ALockedDatabaseIsReportedAndNothingIsLost) {
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  auto other = store::open_sqlite(w.path());
  ASSERT_TRUE(other.value()->change("BEGIN EXCLUSIVE"));
  EXPECT_EQ(code_of(w.say("tea", "ann", "two")), "STORE_LOCKED");
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one");
  ASSERT_TRUE(other.value()->change("ROLLBACK"));
  EXPECT_EQ(w.say("tea", "ann", "two")->offset, 2U);
}

// An unwritable file: the server starts, reads, and reports why it accepts no messages.
TEST_F(SqliteStoreTest, AReadOnlyFileIsReadAndReportedForEveryMessage) {
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  w.close();
  ASSERT_EQ(::chmod(w.dir.path().c_str(), 0777), 0);
  ASSERT_EQ(::chmod(w.path().c_str(), 0444), 0);
  ASSERT_EQ(::chmod((w.path() + ".lock").c_str(), 0666), 0);
  // The superuser may write everywhere, so a child without its rights checks.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    w.open({});
    if (code_of(w.say("tea", "ann", "two")) != "STORE_READ_ONLY") ::_exit(4);
    if (w.store().probe()) ::_exit(5);
    if (w.page({.room = RoomName("tea")}) != "1:one") ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteStoreTest, AFullDatabaseRefusesAndTakesAgainWhatFits) {
  w.options.max_pages = 80; // the tables alone take about half of it
  w.open({});
  Offset last = 0;
  std::string code = "ok";
  for (int i = 0; i < 100 && code == "ok"; ++i) {
    auto said = w.say("tea", "ann", std::string(4'000, 'x'));
    code = code_of(said);
    if (said) last = said->offset;
  }
  EXPECT_EQ(code, "STORE_FULL");
  EXPECT_EQ(w.store().probe().error().cause, Cause::STORE_FULL);
  for (Offset o = 1; o <= last; ++o) ASSERT_TRUE(w.erase("tea", o, "ann"));
  EXPECT_EQ(w.say("tea", "ann", std::string(4'000, 'y'))->offset, last + 1);
  EXPECT_TRUE(w.store().probe());
}

TEST_F(SqliteStoreTest, TheSweepDeletesWhatRetentionHidesLittleByLittle) {
  w.open({.history_messages = 10});
  for (int i = 0; i < 1'000; ++i) w.store().append(w.message("tea", "ann", "x"), [](Result<Appended>) {});
  for (int i = 0; i < 20; ++i)
    w.store().append(w.message("room" + std::to_string(i), "ann", "x"), [](Result<Appended>) {});
  w.run();
  EXPECT_EQ(w.count("messages"), 1'020) << "their keys are still remembered";
  w.clock().advance(std::chrono::hours{1});
  ASSERT_EQ(w.say("tea", "ann", "y")->offset, 1'001U);
  w.run();
  EXPECT_EQ(w.count("messages"), 10 + 20) << "the newest ten of tea, and the one of each other room";
}

TEST_F(SqliteStoreTest, TheSweepKeepsInEveryRoomWhatItsRuleKeeps) {
  w.open({.history_messages = 5,
      .rules = RoomRules({{.match = "none-*", .history_messages = 0}, {.match = "all-*", .history_messages = 1'000'000},
          {.match = "old-*", .history_messages = 1'000'000, .history_days = 1}})});
  for (const std::string room : {"none-1", "all-1", "old-1", "tea"})
    for (int i = 0; i < 300; ++i) w.store().append(w.message(room, "ann", "x"), [](Result<Appended>) {});
  w.run();
  EXPECT_EQ(w.page({.room = RoomName("none-1"), .limit = 2}), "");
  EXPECT_EQ(w.page({.room = RoomName("none-1"), .after = 298, .limit = 2, .hidden_too = true}), "299:x 300:x");
  w.clock().advance(std::chrono::hours{1});
  w.store().upkeep_now();
  w.run();
  EXPECT_EQ(w.count("messages"), 0 + 300 + 300 + 5);
  w.clock().advance(std::chrono::hours{24});
  w.store().upkeep_now();
  w.run();
  EXPECT_EQ(w.count("messages"), 0 + 300 + 0 + 5);
  EXPECT_EQ(w.say("none-1", "ann", "y")->offset, 301U) << "offsets go on";
}

TEST_F(SqliteStoreTest, ARuleAloneMakesTheStoreDelete) {
  w.open({.rules = RoomRules({{.match = "old-*", .history_days = 1}, {.match = "kept-*", .history_days = 0}})});
  for (const char* room : {"old-1", "kept-1", "tea"}) ASSERT_TRUE(w.say(room, "ann", "x"));
  w.clock().advance(std::chrono::hours{25});
  w.store().upkeep_now();
  w.run();
  EXPECT_EQ(w.count("messages"), 2);
  EXPECT_EQ(w.page({.room = RoomName("old-1")}), "");
  EXPECT_EQ(w.page({.room = RoomName("kept-1")}), "1:x");
}

TEST_F(SqliteStoreTest, WhatBelongedToARoomThatIsGoneIsSweptAway) {
  w.open({});
  ASSERT_TRUE(w.create("private:den", "ann"));
  for (int i = 0; i < 450; ++i) w.store().append(w.message("private:den", "ann", "x"), [](Result<Appended>) {});
  ASSERT_TRUE(w.remove("private:den", "ann"));
  EXPECT_EQ(w.count("rooms"), 1);
  w.clock().advance(std::chrono::hours{1});
  ASSERT_TRUE(w.room("tea"));
  EXPECT_EQ(w.count("messages"), 0);
  EXPECT_EQ(w.count("rooms"), 1);
}

TEST_F(SqliteStoreTest, AnErasedTextIsNowhereInTheFile) {
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "before"));
  ASSERT_TRUE(w.say("tea", "ann", "the-secret-words"));
  ASSERT_TRUE(w.erase("tea", 2, "ann"));
  w.close();
  EXPECT_NE(w.dir.read("chat.sqlite").find("before"), std::string::npos);
  EXPECT_EQ(w.dir.read("chat.sqlite").find("the-secret-words"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(w.path() + "-wal"));
}

TEST_F(SqliteStoreTest, ARestoredCopyBeginsNewEpochs) {
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  const Epoch original = w.room("tea")->epoch;
  ASSERT_TRUE(store::copy_database(w.path(), w.dir.file("copy.sqlite")));
  ASSERT_TRUE(mark_as_copy(w.dir.file("copy.sqlite")));
  w.close();
  std::filesystem::rename(w.dir.file("copy.sqlite"), w.path());
  w.open({});
  const Epoch restored = w.room("tea")->epoch;
  EXPECT_NE(restored, original);
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one");
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, restored) << "once";
}

TEST_F(SqliteStoreTest, OnThreadsEveryMessageIsAnsweredInItsRoomsOrder) {
  w.options.executor = nullptr;
  w.open({});
  constexpr int kMessages = 3'000;
  std::promise<void> all;
  std::vector<Offset> tea, milk; // filled by the writer's thread
  int answered = 0;
  for (int i = 0; i < kMessages; ++i) {
    auto& room = i % 2 == 0 ? tea : milk;
    w.store().append(w.message(i % 2 == 0 ? "tea" : "milk", "ann", "x", std::to_string(i)), [&](Result<Appended> r) {
      room.push_back(r ? r->offset : 0);
      if (++answered == kMessages) all.set_value();
    });
  }
  all.get_future().wait();
  std::vector<Offset> expected(kMessages / 2);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = i + 1;
  EXPECT_EQ(tea, expected);
  EXPECT_EQ(milk, expected);
}

// The process ends in the middle of its work, like kill -9: every answered message is stored.
TEST_F(SqliteStoreTest, WhatWasAnsweredSurvivesTheEndOfTheProcess) {
  w.options.executor = nullptr;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    w.open({});
    std::atomic<int> answered{0};
    for (int i = 0; i < 5'000; ++i)
      w.store().append(w.message("tea", "ann", std::to_string(i), std::to_string(i)), [&](Result<Appended> r) {
        if (!r) return;
        const Offset offset = r->offset;
        if (::write(ends[1], &offset, sizeof offset) < 0) ::_exit(3);
        if (++answered == 1'500) ::_exit(0);
      });
    for (;;) ::pause();
  }
  ::close(ends[1]);
  Offset last = 0;
  for (Offset n = 0; ::read(ends[0], &n, sizeof n) == sizeof n;) last = n;
  ::close(ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);

  w.options.executor = nullptr;
  SqliteWorld after; // its own executor; the file of the child
  std::filesystem::copy(w.dir.path(), after.dir.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  after.open({});
  const Offset stored = after.room("tea")->offset;
  EXPECT_EQ(last, 1'500U);
  EXPECT_GE(stored, last);
  EXPECT_EQ(after.count("messages"), static_cast<std::int64_t>(stored)) << "neither holes nor repetitions";
  EXPECT_TRUE(after.say("tea", "ann", "7", "7")->duplicate);
  EXPECT_EQ(after.say("tea", "ann", "next")->offset, stored + 1);
}

} // namespace
} // namespace foyer::engine
