// The contracts of API keys, of endings and of calls for both databases, and keys that a command changes beside an open
// chat store.
#include "engine/sql/access_store.h"

#include "engine/sql/call_rows.h"
#include "engine/sql/sqlite_schema.h"
#include "engine/testing/api_keys_contract.h"
#include "engine/testing/call_records_contract.h"
#include "engine/testing/store_worlds.h"
#include "engine/testing/subject_endings_contract.h"

namespace foyer::engine {
namespace {

template <class Made>
std::unique_ptr<StoreWorld> make() {
  return std::make_unique<Made>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, ApiKeysContract, testing::Values(make<SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, ApiKeysContract, testing::Values(make<PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, ApiKeysContract, testing::Values(make<ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, SubjectEndingsContract, testing::Values(make<SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, SubjectEndingsContract, testing::Values(make<PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, SubjectEndingsContract, testing::Values(make<ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, CallRecordsContract, testing::Values(make<SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, CallRecordsContract, testing::Values(make<PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, CallRecordsContract, testing::Values(make<ThreeWriters>));

// A command with a store of its own.
struct Beside {
  Metrics metrics;
  ManualExecutor turns{system_clock()};
  AccessDeps deps{.clock = system_clock(), .metrics = metrics, .log = null_log(), .executor = turns};

  std::string add(Result<std::unique_ptr<OpenAccess>> opened, const std::string& name) {
    if (!opened) return opened.error().operator_text();
    std::string code;
    const WallTime now = system_clock().wall();
    (*opened)->store().add_api_key(
        {.id = name, .name = name, .rights = {}, .secrets = {{.hash = name, .created = now}}, .created = now},
        [&](Result<bool> r) { code = code_of(r); });
    turns.run_posted();
    return code;
  }
};

std::vector<std::string> names(StoreWorld& w) {
  std::vector<std::string> out;
  auto list = w.ask<std::optional<ApiKeyList>>(
      [&](Completion<std::optional<ApiKeyList>> d) { w.store().api_keys().api_keys_since("", std::move(d)); });
  EXPECT_TRUE(list && *list);
  for (const ApiKeyRow& key : (*list)->keys) out.push_back(key.name);
  return out;
}

TEST(AccessStore, ACommandChangesKeysBesideAnOpenSqliteStore) {
  SqliteWorld w;
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "hello"));
  Beside command;
  EXPECT_EQ(command.add(open_sqlite_access(w.path(), command.deps), "orders"), "ok");
  EXPECT_THAT(names(w), testing::ElementsAre("orders"));
  ASSERT_TRUE(w.say("tea", "ann", "hello again"));
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:hello 2:hello again");
}

TEST(AccessStore, ACommandChangesKeysBesideAnOpenPostgresStore) {
  PostgresWorld w;
  w.open({});
  ASSERT_TRUE(w.say("tea", "ann", "hello"));
  Beside command;
  EXPECT_EQ(command.add(open_postgres_access({.url = w.url}, command.deps), "orders"), "ok");
  EXPECT_THAT(names(w), testing::ElementsAre("orders"));
  ASSERT_TRUE(w.say("tea", "ann", "hello again"));
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:hello 2:hello again");
}

TEST(AccessStore, ACommandMakesTheFileThatAServerThenUses) {
  SqliteWorld w;
  Beside command;
  EXPECT_EQ(command.add(open_sqlite_access(w.path(), command.deps), "orders"), "ok");
  w.open({});
  EXPECT_THAT(names(w), testing::ElementsAre("orders"));
  EXPECT_TRUE(w.say("tea", "ann", "hello"));
}

TEST(AccessStore, CallsAreDeletedAfterADay) {
  SqliteWorld w;
  w.open({});
  const auto finish = [&](const std::string& key) {
    EXPECT_TRUE(w.ask<bool>([&](Completion<bool> d) {
      w.store().calls().finish_call({"id", "publish", key}, "hash", "answer", std::move(d));
    }));
  };
  finish("old");
  w.clock().advance(kCallLife);
  finish("new");
  w.store().upkeep_now();
  w.run();
  EXPECT_EQ(w.count("api_calls"), 1);
}

TEST(AccessStore, OfTooManyCallsTheOldestAreDeleted) {
  testing_world::TempDir dir;
  auto db = store::sqlite_writer(dir.file("chat.sqlite"), {}, {"chat", kChatSchema})();
  ASSERT_TRUE(db);
  const WallTime now = from_unix_seconds(1'800'000'000);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(finish_call(**db, {"id", "publish", "k" + std::to_string(i)}, "hash", "answer", now + Millis{i}));
  EXPECT_EQ(sweep_surplus_calls(**db, 5, 10), 0);
  EXPECT_EQ(sweep_surplus_calls(**db, 2, 1), 1) << "no more than the limit of a step";
  EXPECT_EQ(sweep_surplus_calls(**db, 2, 10), 2);
  for (int i = 0; i < 5; ++i) {
    const auto found = find_call(**db, {"id", "publish", "k" + std::to_string(i)}, now);
    EXPECT_EQ(found && *found, i >= 3) << i;
  }
}

} // namespace
} // namespace foyer::engine
