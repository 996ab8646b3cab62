// Which databases a configuration selects, and the commands that must not use others.
#include "app/stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/command.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::cli {
namespace {

using namespace app;
using testing::HasSubstr;
using testing::Not;
using testing_world::Postgres;
using testing_world::TempDir;

struct World {
  TempDir dir;
  Metrics metrics;
  config::Config config;
  World() { config.data = dir.path(); }
  StoreDeps deps() {
    return {.clock = system_clock(), .entropy = system_entropy(), .metrics = metrics, .log = null_log()};
  }
};

TEST(Stores, SqliteKeepsBothInTheDataDirectoryAndMakesItsKey) {
  World w;
  auto accounts = open_accounts(w.config, w.deps());
  auto chat = open_chat(w.config, w.deps());
  ASSERT_TRUE(accounts) << accounts.error().operator_text();
  ASSERT_TRUE(chat) << chat.error().operator_text();
  EXPECT_FALSE(w.dir.read("accounts.sqlite").empty());
  EXPECT_EQ(open_chat(w.config, w.deps()).error().cause, Cause::CHAT_STORE_IN_USE);

  auto data = store::DataDir::open(w.dir.path()).value();
  const auto first = seal_key(w.config, data, system_entropy()).value();
  const auto second = seal_key(w.config, data, system_entropy()).value();
  EXPECT_EQ(second.open(first.seal("kept", "test", system_entropy()), "test").value(), "kept");
  EXPECT_EQ(std::filesystem::status(w.dir.file("store.key")).permissions(),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Stores, PostgresqlKeepsBothInOneDatabaseAndTheKeyIsGiven) {
  World w;
  w.config.database_url = Postgres::shared().fresh();
  {
    auto accounts = open_accounts(w.config, w.deps());
    auto chat = open_chat(w.config, w.deps());
    ASSERT_TRUE(accounts) << accounts.error().operator_text();
    ASSERT_TRUE(chat) << chat.error().operator_text();
    EXPECT_TRUE((*accounts)->probe());
    EXPECT_TRUE((*chat)->probe());
    auto second = open_chat(w.config, w.deps());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().cause, Cause::CHAT_STORE_IN_USE);
    EXPECT_TRUE(open_accounts(w.config, w.deps())) << "several processes may open them";
  }
  EXPECT_EQ(w.dir.read("accounts.sqlite"), "");

  auto data = store::DataDir::open(w.dir.path()).value();
  EXPECT_EQ(seal_key(w.config, data, system_entropy()).error().cause, Cause::MISSING_STORE_KEY);
  w.config.store_key = "Zp8!cV5b-Nm2kLq7xWt4rYs9dGf3hJe6";
  EXPECT_TRUE(seal_key(w.config, data, system_entropy()));
  EXPECT_FALSE(std::filesystem::exists(w.dir.file("store.key")));
}

TEST(Stores, AnUrlThatCannotBeUsedDoesNotEndInAnotherStore) {
  const auto loaded = config::load({.args = {"--dev"},
      .environment = {{"DATABASE_URL", "postgresql://u:p@ss@h/x"}},
      .read = config::system_files()});
  const auto known = knows_its_stores(loaded);
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().cause, Cause::INVALID_VALUE);
  EXPECT_EQ(known.error().field, "DATABASE_URL");
}

TEST(Stores, TheCopyOfAPostgresqlInstallationIsPgDumps) {
  TempDir dir;
  ::setenv("DATABASE_URL", "postgresql://foyer:hush-hush@db.internal/foyer", 1);
  testing::internal::CaptureStderr();
  const std::vector<std::string> args = {dir.file("copy.tar"), "--data", dir.path()};
  const int status = run_backup(args);
  const std::string said = testing::internal::GetCapturedStderr();
  ::unsetenv("DATABASE_URL");
  EXPECT_EQ(status, 1);
  EXPECT_THAT(said, HasSubstr("BACKUP_ELSEWHERE"));
  EXPECT_THAT(said, HasSubstr("pg_dump"));
  EXPECT_THAT(said, Not(HasSubstr("hush")));
}

} // namespace
} // namespace foyer::cli
