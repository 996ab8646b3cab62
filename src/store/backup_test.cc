// A backup, taken from a directory in use and unpacked by the system's tar.
#include "store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

using testing::ElementsAre;
using testing_world::TempDir;

struct BackupTest : testing::Test {
  TempDir dir;
  ManualClock clock;
  std::string data = dir.file("data");
  std::string target = dir.file("backup.tar");
  std::unique_ptr<Database> db;

  void SetUp() override {
    std::filesystem::create_directory(data);
    db = std::move(open_sqlite(data + "/chat.sqlite").value());
    ASSERT_TRUE(db->script("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('one');"));
    dir.write("data/api_key", "secret\n");
    dir.write("data/foyer.json", "{}");
    dir.write("data/foyer.lock", "");
  }
  Result<BackedUp> back_up_all() {
    return back_up(data, target, clock, [](const std::string&, const std::string&) -> Result<void> { return {}; });
  }
  std::string unpacked(const std::string& name) {
    std::filesystem::create_directory(dir.file("restored"));
    EXPECT_EQ(std::system(("tar -xpf '" + target + "' -C '" + dir.file("restored") + "'").c_str()), 0);
    return dir.file("restored/" + name);
  }
};

TEST_F(BackupTest, HoldsDatabasesAndSecretsAndNotWhatPasses) {
  dir.write("data/odd-size", std::string(513, 'o'));
  dir.write("data/empty", "");
  auto done = back_up_all();
  ASSERT_TRUE(done) << done.error().operator_text();
  EXPECT_THAT(done->files, ElementsAre("api_key", "chat.sqlite", "empty", "odd-size"));
  EXPECT_TRUE(std::filesystem::exists(unpacked("empty")));
  EXPECT_EQ(dir.read("restored/api_key"), "secret\n");
  EXPECT_EQ(dir.read("restored/odd-size"), std::string(513, 'o'));
  EXPECT_FALSE(std::filesystem::exists(dir.file("restored/foyer.json")));
  struct stat status{};
  for (const std::string& path : {target, dir.file("restored/api_key"), dir.file("restored/chat.sqlite")}) {
    ASSERT_EQ(::stat(path.c_str(), &status), 0) << path;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << path;
  }
}

TEST_F(BackupTest, HoldsWhatWasCommittedWhileTheServerGoesOnWriting) {
  ASSERT_TRUE(db->script("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('two')"));
  ASSERT_TRUE(back_up_all());
  ASSERT_TRUE(db->script("COMMIT"));
  auto copy = open_sqlite(unpacked("chat.sqlite"));
  ASSERT_TRUE(copy);
  auto rows = copy.value()->query("SELECT group_concat(text) FROM notes");
  ASSERT_TRUE(rows->step().value());
  EXPECT_EQ(rows->text(0), "one");
}

TEST_F(BackupTest, AnEarlierFileIsReplacedAndNothingIsLeftBeside) {
  dir.write("backup.tar", "old");
  ASSERT_TRUE(back_up_all());
  std::vector<std::string> beside;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    beside.push_back(entry.path().filename().string());
  EXPECT_THAT(beside, testing::UnorderedElementsAre("data", "backup.tar"));
  EXPECT_GT(std::filesystem::file_size(target), 8'000U);
}

TEST_F(BackupTest, ABackupInTheDataDirectoryIsNotPartOfTheNext) {
  target = data + "/backup.tar";
  ASSERT_TRUE(back_up_all());
  target = data + "/backup-of-tuesday.tar";
  auto done = back_up_all();
  ASSERT_TRUE(done) << done.error().operator_text();
  EXPECT_THAT(done->files, ElementsAre("api_key", "chat.sqlite"));
}

TEST_F(BackupTest, ADamagedDatabaseIsReportedAndTheEarlierFileStays) {
  ASSERT_TRUE(db->script("CREATE TABLE more (text TEXT)"));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(db->change("INSERT INTO more VALUES (?)", std::string(200, 'm')));
  db.reset();
  std::string bytes = dir.read("data/chat.sqlite");
  bytes.replace(3 * 4096, 4096, std::string(4096, '\x5a'));
  dir.write("data/chat.sqlite", bytes);
  dir.write("backup.tar", "old");
  auto done = back_up_all();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cause, Cause::STORE_FAILED) << done.error().evidence;
  EXPECT_EQ(dir.read("backup.tar"), "old");
}

TEST_F(BackupTest, ADirectoryWithoutADatabaseIsNotFound) {
  std::filesystem::create_directory(dir.file("other"));
  auto done = back_up(
      dir.file("other"), target, clock, [](const std::string&, const std::string&) -> Result<void> { return {}; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cause, Cause::NOT_FOUND);
  EXPECT_EQ(back_up(dir.file("absent"), target, clock, {}).error().cause, Cause::DATA_UNWRITABLE);
}

TEST_F(BackupTest, ATargetThatCannotBeWrittenIsDataUnwritable) {
  target = dir.file("absent/backup.tar");
  EXPECT_EQ(back_up_all().error().cause, Cause::DATA_UNWRITABLE);
}

} // namespace
} // namespace foyer::store
