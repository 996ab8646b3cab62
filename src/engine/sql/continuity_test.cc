// How a chat database is recognised as an earlier state of itself.
#include "engine/sql/continuity.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

namespace fs = std::filesystem;

// Of a room with a message: rooms without one are swept.
Epoch epoch_of(StoreWorld& w, const std::string& room) {
  const auto said = w.say(room, "ann", "kept");
  return said ? said->epoch : Epoch{};
}

struct ContinuityTest : testing::Test {
  SqliteWorld w;
  ContinuityTest() { w.options.witness = w.dir.file("witness"); }

  void copy(const std::string& to, bool whole) const {
    fs::create_directory(w.dir.file(to));
    fs::copy_file(w.path(), fs::path(w.dir.file(to)) / "chat.sqlite");
    if (whole) fs::copy_file(w.dir.file("witness"), fs::path(w.dir.file(to)) / "witness");
  }
  void put_back(const std::string& from) const {
    for (const char* old : {"chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm"}) fs::remove(w.dir.file(old));
    for (const auto& entry : fs::directory_iterator(w.dir.file(from)))
      fs::copy_file(entry.path(), w.dir.file(entry.path().filename().string()), fs::copy_options::overwrite_existing);
  }
};

TEST_F(ContinuityTest, TheWitnessNotesTheHighestBarrierThatWasCommitted) {
  w.open({});
  const auto first = read_witness(w.dir.file("witness"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->barrier, 1U);
  EXPECT_FALSE(first->database.empty());
  w.open({});
  const auto second = read_witness(w.dir.file("witness"));
  EXPECT_EQ(second->database, first->database);
  EXPECT_EQ(second->barrier, 3U) << "one when it was closed, one when it was opened";
  w.close();
  for (const char* text : {"", "{", "[]", "{}", R"({"database":"","barrier":1})", R"({"database":"x","barrier":-1})",
           R"({"database":"x"})"}) {
    w.dir.write("witness", text);
    EXPECT_FALSE(read_witness(w.dir.file("witness"))) << text;
  }
}

TEST_F(ContinuityTest, AnOrdinaryRestartOrAKillKeepsTheEpochs) {
  w.open({});
  const Epoch epoch = epoch_of(w, "tea");
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, epoch);
  fs::remove(w.dir.file("witness"));
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, epoch) << "a missing witness is no sign";
}

TEST_F(ContinuityTest, ADatabaseThatIsOlderThanItsWitnessHasNewEpochsOnce) {
  w.open({});
  const Epoch tea = epoch_of(w, "tea");
  const Epoch milk = epoch_of(w, "milk");
  w.close();
  copy("old", false);
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  w.close();
  put_back("old");
  w.open({});
  const auto row = w.room("tea");
  EXPECT_NE(row->epoch, tea);
  EXPECT_NE(w.room("milk")->epoch, milk);
  EXPECT_NE(w.room("milk")->epoch, row->epoch);
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, row->epoch);
}

TEST_F(ContinuityTest, AWholeDirectoryThatIsPutBackShowsNoSign) {
  w.open({});
  const Epoch tea = epoch_of(w, "tea");
  w.close();
  copy("old", true);
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  w.close();
  put_back("old");
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, tea) << "only clients notice it: see rooms/model/recovery.h";
}

TEST_F(ContinuityTest, TheWitnessOfAnotherDatabaseSaysNothing) {
  SqliteWorld other;
  other.options.witness = w.options.witness;
  other.open({});
  for (int i = 0; i < 5; ++i) other.open({});
  other.close();
  w.open({});
  const Epoch tea = epoch_of(w, "tea");
  w.close();
  fs::remove(w.options.witness);
  w.dir.write("witness", R"({"database":"another","barrier":1000})");
  w.open({});
  EXPECT_EQ(w.room("tea")->epoch, tea);
  EXPECT_NE(read_witness(w.options.witness)->database, "another");
}

// --- PostgreSQL

struct ServersHistory : testing::Test {
  PostgresWorld w;
  testing_world::TempDir dir;
  ServersHistory() { w.options.witness = dir.file("witness"); }
  void change(const std::string& statement) { w.server.sql("SET search_path = foyer; " + statement, database()); }
  [[nodiscard]] std::string database() const {
    return w.url.substr(w.url.find("@/") + 2, w.url.find('?') - w.url.find("@/") - 2);
  }
};

TEST_F(ServersHistory, TheTimelineIsNotedWhereverItMayBeLostFrom) {
  w.open({});
  EXPECT_EQ(w.asked("SELECT value FROM facts WHERE name = 'timeline'"), "00000001");
  const auto witness = read_witness(dir.file("witness"));
  ASSERT_TRUE(witness);
  EXPECT_EQ(witness->lineage.timeline, "00000001");
  EXPECT_EQ(w.asked("SELECT system_identifier::text FROM pg_control_system()"), witness->lineage.system);
}

TEST_F(ServersHistory, AnotherTimelineOrAnotherServerThanItWasWrittenOnBeginsNewEpochs) {
  w.open({});
  Epoch before = epoch_of(w, "tea");
  for (const char* other : {"UPDATE facts SET value = '00000007' WHERE name = 'timeline'",
           "UPDATE facts SET value = '7' WHERE name = 'system'",
           "UPDATE facts SET value = '0' WHERE name = 'barrier'"}) {
    w.close();
    change(other);
    w.open({});
    const Epoch now = w.room("tea")->epoch;
    EXPECT_NE(now, before) << other;
    before = now;
    w.open({});
    EXPECT_EQ(w.room("tea")->epoch, before) << "once";
  }
}

TEST_F(ServersHistory, OfSeveralNodesTheFirstOnThePromotedServerDecides) {
  w.options.writers = Writers::many;
  w.open({});
  Epoch before = epoch_of(w, "tea");
  const auto with = [&](const char* timeline) { // what another node has seen
    w.close();
    const auto seen = read_witness(dir.file("witness"));
    dir.write("witness",
        fmt::format(R"({{"database":"{}","barrier":{},"system":"{}","timeline":"{}"}})", seen->database,
            seen->barrier + 100, seen->lineage.system, timeline));
    w.open({});
    return w.room("tea")->epoch;
  };
  EXPECT_EQ(with("00000000"), before) << "from before the promotion that is noted in the database";
  EXPECT_NE(with("00000002"), before) << "from a later history than this one";
  before = w.room("tea")->epoch;
  EXPECT_NE(with("00000001"), before) << "this history, which lacks what was committed";
}

TEST_F(ServersHistory, AReaderOfAServerThatLacksTheBarrierIsRefusedAndReadsAgainWhenItHasIt) {
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "one"));
  change("UPDATE facts SET value = '0' WHERE name = 'barrier'");
  EXPECT_EQ(code_of(w.history({.room = RoomName("tea")})), "DATABASE_UNREACHABLE");
  EXPECT_EQ(code_of(w.room("tea")), "DATABASE_UNREACHABLE");
  change("UPDATE facts SET value = '100' WHERE name = 'barrier'");
  w.clock().advance(Millis{5'000});
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one");
}

} // namespace
} // namespace foyer::engine
