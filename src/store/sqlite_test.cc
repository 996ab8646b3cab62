// Connections, statements, migrations, and the causes of SQLite's failures.
#include "store/sqlite.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

using testing_world::Faults;
using testing_world::TempDir;

constexpr std::string_view kOne[] = {"CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"};
constexpr std::string_view kTwo[] = {kOne[0], "ALTER TABLE notes ADD COLUMN author TEXT;"};

std::unique_ptr<Database> open(const std::string& path, OpenOptions options = {}) {
  auto opened = open_sqlite(path, options);
  EXPECT_TRUE(opened) << opened.error().operator_text();
  return opened ? std::move(*opened) : nullptr;
}

TEST(Sqlite, ValuesComeBackAsTheyWereBound) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  auto rows = db->query("SELECT ?, ?, ?, ?, ?, ?", std::int64_t{-7}, std::string_view("käse\0x", 7), UserId("ann"),
      std::optional<std::string>{}, std::string_view{}, WallTime{Millis{42}});
  ASSERT_TRUE(rows);
  ASSERT_TRUE(rows->step().value());
  EXPECT_EQ(rows->integer(0), -7);
  EXPECT_EQ(rows->text(1), std::string("käse\0x", 7));
  EXPECT_EQ(rows->text(2), "ann");
  EXPECT_TRUE(rows->is_null(3));
  EXPECT_FALSE(rows->is_null(4));
  EXPECT_EQ(rows->time(5), WallTime{Millis{42}});
  EXPECT_FALSE(rows->step().value());
}

TEST(Sqlite, AStatementMayRunInsideItself) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  constexpr std::string_view sql = "SELECT value FROM json_each('[1,2,3]')";
  auto outer = db->query(sql);
  ASSERT_TRUE(outer->step().value());
  auto inner = db->query(sql);
  ASSERT_TRUE(inner->step().value());
  ASSERT_TRUE(outer->step().value());
  EXPECT_EQ(inner->integer(0), 1);
  EXPECT_EQ(outer->integer(0), 2);
}

TEST(Sqlite, ADatabaseFileIsPrivateToItsOwner) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  for (const char* name : {"a.sqlite", "a.sqlite-wal", "a.sqlite-shm"}) {
    struct stat status{};
    ASSERT_EQ(::stat(dir.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST(Sqlite, MigrationsRunOnceAndInOrder) {
  TempDir dir;
  {
    auto db = open(dir.file("a.sqlite"));
    ASSERT_TRUE(db->migrate({"notes", kOne}));
    ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('kept')"));
  }
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  auto rows = db->query("SELECT text, author FROM notes");
  ASSERT_TRUE(rows->step().value());
  EXPECT_EQ(rows->text(0), "kept");
  EXPECT_TRUE(rows->is_null(1));
}

TEST(Sqlite, ASchemaNewerThanTheProgramIsRefused) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  auto again = db->migrate({"notes", kOne});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().cause, Cause::STORE_TOO_NEW);
  EXPECT_NE(again.error().evidence.find("schema version 2; this program supports versions up to 1"), std::string::npos)
      << again.error().evidence;
}

TEST(Sqlite, AMigrationThatFailsLeavesTheSchemaAsItWas) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  constexpr std::string_view broken[] = {kOne[0], "CREATE TABLE more (id INTEGER); CREATE NONSENSE;"};
  EXPECT_EQ(db->migrate({"notes", broken}).error().cause, Cause::STORE_FAILED);
  EXPECT_TRUE(db->query("SELECT * FROM more").error().evidence.find("no such table: more") != std::string::npos);
  EXPECT_TRUE(db->migrate({"notes", kTwo}));
}

TEST(Sqlite, ATransactionThatIsNotCommittedNeverHappened) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  {
    auto transaction = Transaction::begin(*db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('gone')"));
  }
  auto rows = db->query("SELECT count(*) FROM notes");
  ASSERT_TRUE(rows->step().value());
  EXPECT_EQ(rows->integer(0), 0);
}

TEST(Sqlite, ALockHeldElsewhereIsStoreLocked) {
  TempDir dir;
  auto one = open(dir.file("a.sqlite"));
  ASSERT_TRUE(one->migrate({"notes", kOne}));
  auto two = open(dir.file("a.sqlite"), {.busy_timeout = Millis{0}});
  ASSERT_TRUE(one->change("BEGIN EXCLUSIVE"));
  auto refused = two->change("INSERT INTO notes (text) VALUES ('x')");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::STORE_LOCKED);
  EXPECT_EQ(refused.error().retry_after, Millis{1000});
  ASSERT_TRUE(one->change("ROLLBACK"));
  EXPECT_TRUE(two->change("INSERT INTO notes (text) VALUES ('x')"));
}

TEST(Sqlite, AConnectionThatMayOnlyReadIsStoreReadOnly) {
  TempDir dir;
  auto one = open(dir.file("a.sqlite"));
  ASSERT_TRUE(one->migrate({"notes", kOne}));
  auto two = open(dir.file("a.sqlite"), {.access = Access::read_only});
  EXPECT_EQ(two->change("INSERT INTO notes (text) VALUES ('x')").error().cause, Cause::STORE_READ_ONLY);
}

TEST(Sqlite, AFileAtItsLimitIsStoreFull) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"), {.max_pages = 8});
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  EXPECT_EQ(
      db->change("INSERT INTO notes (text) VALUES (?)", std::string(60'000, 'x')).error().cause, Cause::STORE_FULL);
  EXPECT_TRUE(db->change("INSERT INTO notes (text) VALUES ('small')"));
}

TEST(Sqlite, TheDevicesErrorsAreDistinguished) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"), {.vfs = Faults::vfs()});
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  const struct {
    int error;
    Cause cause;
  } table[] = {{ENOSPC, Cause::STORE_FULL}, {EDQUOT, Cause::STORE_FULL}, {EROFS, Cause::STORE_READ_ONLY},
      {EIO, Cause::STORE_FAILED}};
  for (const auto& row : table) {
    Faults::writes_fail_with(row.error);
    auto refused = db->change("INSERT INTO notes (text) VALUES ('x')");
    Faults::none();
    ASSERT_FALSE(refused) << row.error;
    EXPECT_EQ(refused.error().cause, row.cause) << refused.error().evidence;
    EXPECT_TRUE(db->change("INSERT INTO notes (text) VALUES ('x')")) << "after " << row.error;
  }
}

TEST(Sqlite, AFileThatIsNoDatabaseIsStoreFailed) {
  TempDir dir;
  dir.write("a.sqlite", std::string(8192, 'n'));
  auto opened = open_sqlite(dir.file("a.sqlite"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().cause, Cause::STORE_FAILED);
  EXPECT_NE(opened.error().evidence.find("file is not a database"), std::string::npos) << opened.error().evidence;
}

TEST(Sqlite, ADirectoryThatIsNotThereIsDataUnwritable) {
  TempDir dir;
  EXPECT_EQ(open_sqlite(dir.file("absent/a.sqlite")).error().cause, Cause::DATA_UNWRITABLE);
}

TEST(Sqlite, ACopyIsConsistentWhileTheOriginalIsWritten) {
  TempDir dir;
  auto db = open(dir.file("a.sqlite"));
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('committed')"));
  ASSERT_TRUE(db->change("BEGIN IMMEDIATE"));
  ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('not yet')"));
  auto copied = copy_database(dir.file("a.sqlite"), dir.file("b.sqlite"));
  ASSERT_TRUE(copied) << copied.error().evidence;
  ASSERT_TRUE(db->change("COMMIT"));
  auto copy = open(dir.file("b.sqlite"));
  auto rows = copy->query("SELECT group_concat(text) FROM notes");
  ASSERT_TRUE(rows->step().value());
  EXPECT_EQ(rows->text(0), "committed");
  ASSERT_TRUE(copy->migrate({"notes", kTwo}));
}

} // namespace
} // namespace foyer::store
