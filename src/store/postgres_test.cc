// A connection to PostgreSQL: values, failures as causes, migrations, ownership.
#include "store/postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "store/examine.h"
#include "store/testing/postgres.h"

namespace foyer::store {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_world::Postgres;

constexpr std::string_view kOne[] = {
    "CREATE TABLE notes (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT NOT NULL UNIQUE);"};
constexpr std::string_view kTwo[] = {
    kOne[0], "ALTER TABLE notes ADD COLUMN author TEXT; CREATE INDEX notes_by_author ON notes (author);"};

std::unique_ptr<Database> open(const std::string& url, PostgresOptions options = {}) {
  options.url = url;
  auto opened = open_postgres(options);
  EXPECT_TRUE(opened) << opened.error().operator_text();
  return opened ? std::move(*opened) : nullptr;
}

std::int64_t number(Database& db, std::string_view sql) {
  auto rows = db.query(sql);
  auto found = rows->step();
  EXPECT_TRUE(found) << found.error().evidence;
  return rows->integer(0);
}

TEST(Postgresql, ValuesComeBackAsTheyWereBound) {
  auto db = open(Postgres::shared().fresh());
  auto rows = db->query("SELECT ?::bigint, ?, ?, ?, ?, ?::bigint, ?, ?::boolean", std::int64_t{-7},
      std::string_view("käse\0x", 7), UserId("ann"), std::optional<std::string>{}, std::string_view{},
      WallTime{Millis{42}}, std::string_view("\xF4\x8F\xBF\xBF"), true);
  ASSERT_TRUE(rows);
  auto found = rows->step();
  ASSERT_TRUE(found) << found.error().evidence;
  EXPECT_EQ(rows->integer(0), -7);
  EXPECT_EQ(rows->text(1), std::string("käse\0x", 7));
  EXPECT_EQ(rows->text(2), "ann");
  EXPECT_TRUE(rows->is_null(3));
  EXPECT_FALSE(rows->is_null(4));
  EXPECT_EQ(rows->text(4), "");
  EXPECT_EQ(rows->time(5), WallTime{Millis{42}});
  EXPECT_EQ(rows->text(6), "\xF4\x8F\xBF\xBF");
  EXPECT_EQ(rows->integer(7), 1);
  EXPECT_FALSE(rows->step().value());
}

TEST(Postgresql, AStatementMayRunInsideItself) {
  auto db = open(Postgres::shared().fresh());
  constexpr std::string_view sql = "SELECT generate_series(1, 3)";
  auto outer = db->query(sql);
  ASSERT_TRUE(outer->step().value());
  auto inner = db->query(sql);
  ASSERT_TRUE(inner->step().value());
  ASSERT_TRUE(outer->step().value());
  EXPECT_EQ(inner->integer(0), 1);
  EXPECT_EQ(outer->integer(0), 2);
}

TEST(Postgresql, ChangesAreCountedAndReturnWhatTheyMade) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  {
    auto made = db->query("INSERT INTO notes (text) VALUES (?) RETURNING id", "a");
    ASSERT_TRUE(made->step().value());
    EXPECT_EQ(made->integer(0), 1);
  }
  EXPECT_EQ(db->change("INSERT INTO notes (text) VALUES (?), (?)", "b", "c").value(), 2);
  EXPECT_EQ(db->change("INSERT INTO notes (text) VALUES (?) ON CONFLICT DO NOTHING", "b").value(), 0);
  EXPECT_EQ(db->change("DELETE FROM notes").value(), 3);
}

TEST(Postgresql, ATransactionThatIsNotCommittedNeverHappened) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  {
    auto transaction = Transaction::begin(*db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('gone')"));
  }
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(number(*db, "SELECT count(*) FROM notes"), 0);
}

TEST(Postgresql, WhatIsRolledBackToASaveIsGoneAndTheRestStays) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  ASSERT_TRUE(db->begin(Begin::write));
  for (const char* text : {"a", "b", "a", "c"}) { // the third fails
    ASSERT_TRUE(db->save());
    if (!db->change("INSERT INTO notes (text) VALUES (?)", text)) {
      ASSERT_TRUE(db->roll_back_to_save());
    }
    ASSERT_TRUE(db->drop_save());
  }
  ASSERT_TRUE(db->save()); // one without a statement
  ASSERT_TRUE(db->roll_back_to_save());
  ASSERT_TRUE(db->drop_save());
  auto committed = db->commit();
  ASSERT_TRUE(committed) << committed.error().evidence;
  EXPECT_EQ(number(*db, "SELECT count(*) FROM notes"), 3);
}

TEST(Postgresql, TheCommitOfATransactionThatHadFailedIsAFailure) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  ASSERT_TRUE(db->begin(Begin::write));
  ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('a')"));
  EXPECT_FALSE(db->change("INSERT INTO notes (text) VALUES ('a')"));
  EXPECT_EQ(db->commit().error().cause, Cause::STORE_FAILED);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM notes"), 0);
}

TEST(Postgresql, EvidenceHoldsTheStateAndTheServersSentenceAndNoValue) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES (?)", "the secret"));
  auto twice = db->change("INSERT INTO notes (text) VALUES (?)", "the secret");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().cause, Cause::STORE_FAILED);
  EXPECT_THAT(twice.error().evidence, HasSubstr("duplicate key value violates unique constraint"));
  EXPECT_THAT(twice.error().evidence, HasSubstr("SQLSTATE 23505"));
  EXPECT_THAT(twice.error().evidence, Not(HasSubstr("secret")));
  auto unfit = db->query("SELECT ?::bigint", "the secret");
  auto refused = unfit->step();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().evidence, HasSubstr("SQLSTATE 22P02"));
  EXPECT_THAT(refused.error().evidence, Not(HasSubstr("secret")));
  EXPECT_TRUE(db->usable_after(refused.error()));
}

TEST(Postgresql, AStatementThatTakesTooLongIsStoreTimeout) {
  auto db = open(Postgres::shared().fresh(), {.statement_timeout = Millis{500}});
  auto refused = db->query("SELECT pg_sleep(30)")->step();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::STORE_TIMEOUT);
  EXPECT_THAT(refused.error().evidence, HasSubstr("statement timeout (SQLSTATE 57014)"));
  EXPECT_EQ(number(*db, "SELECT 7"), 7);
}

TEST(Postgresql, ALockThatSomebodyHoldsIsStoreTimeout) {
  const std::string url = Postgres::shared().fresh();
  auto one = open(url);
  ASSERT_TRUE(one->migrate({"notes", kOne}));
  auto two = open(url, {.lock_timeout = Millis{50}});
  ASSERT_TRUE(one->begin(Begin::write));
  ASSERT_TRUE(one->script("LOCK TABLE notes"));
  auto refused = two->change("INSERT INTO notes (text) VALUES ('x')");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::STORE_TIMEOUT);
  EXPECT_THAT(refused.error().evidence, HasSubstr("SQLSTATE 55P03"));
  ASSERT_TRUE(one->roll_back());
  EXPECT_TRUE(two->change("INSERT INTO notes (text) VALUES ('x')"));
}

TEST(Postgresql, AServerThatSaysNothingIsGivenUp) {
  auto db = open(Postgres::shared().fresh(), {.statement_timeout = Millis{60'000}, .answer_timeout = Millis{2'000}});
  auto refused = db->query("SELECT pg_sleep(30)")->step();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::DATABASE_UNREACHABLE);
  EXPECT_THAT(refused.error().evidence, HasSubstr("no answer in 2000 ms"));
  EXPECT_FALSE(db->usable_after(refused.error()));
  EXPECT_EQ(db->change("SELECT 1").error().cause, Cause::DATABASE_UNREACHABLE) << "it stays lost";
}

TEST(Postgresql, AConnectionThatTheServerEndsIsNoticedWithoutAsking) {
  auto& server = Postgres::shared();
  auto db = open(server.fresh());
  EXPECT_TRUE(db->check());
  server.end_connections();
  Result<void> known;
  for (known = db->check(); known; known = db->check()) std::this_thread::yield();
  EXPECT_EQ(known.error().cause, Cause::DATABASE_UNREACHABLE);
  EXPECT_THAT(
      known.error().evidence, HasSubstr("terminating connection due to administrator command (SQLSTATE 57P01)"));
}

TEST(Postgresql, NoServerAndAnInvalidUrlAreDatabaseUnreachableWithoutThePassword) {
  for (const char* url :
      {"postgresql://ann:hush-hush@127.0.0.1:1/chat", "postgresql://ann:hush-hush@/chat?host=/nowhere",
          "postgresql://ann:hush-hush%@127.0.0.1/x", "postgresql://ann:hush-hush@127.0.0.1/x?hush=hush"}) {
    auto opened = open_postgres({.url = url});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().cause, Cause::DATABASE_UNREACHABLE);
    EXPECT_THAT(opened.error().operator_text(), Not(HasSubstr("hush")));
  }
}

TEST(Postgresql, AServerThatOnlyReadsIsStoreReadOnly) {
  auto& server = Postgres::shared();
  const std::string url = server.fresh();
  auto before = open(url);
  ASSERT_TRUE(before->migrate({"notes", kOne}));
  ASSERT_TRUE(before->script("SET default_transaction_read_only = on"));
  auto refused = before->change("INSERT INTO notes (text) VALUES ('x')");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::STORE_READ_ONLY);
  EXPECT_FALSE(before->usable_after(refused.error())) << "another host may accept changes now";

  const std::string name = url.substr(0, url.find('?')).substr(url.rfind('/', url.find('?')) + 1);
  server.sql("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
  auto opened = open_postgres({.url = url});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().cause, Cause::STORE_READ_ONLY) << opened.error().evidence;
  EXPECT_TRUE(open_postgres({.url = url}, PostgresUse::read));
}

TEST(Postgresql, OfTwoConflictingTransactionsOneMustBeRepeated) {
  const std::string url = Postgres::shared().fresh();
  auto one = open(url);
  auto two = open(url);
  ASSERT_TRUE(one->migrate({"notes", kOne}));
  ASSERT_TRUE(one->begin(Begin::write));
  ASSERT_TRUE(two->begin(Begin::write));
  EXPECT_EQ(number(*one, "SELECT count(*) FROM notes"), 0);
  EXPECT_EQ(number(*two, "SELECT count(*) FROM notes"), 0);
  ASSERT_TRUE(one->change("INSERT INTO notes (text) VALUES ('one')"));
  ASSERT_TRUE(two->change("INSERT INTO notes (text) VALUES ('two')"));
  ASSERT_TRUE(one->commit());
  auto lost = two->commit();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().cause, Cause::STORE_LOCKED);
  EXPECT_TRUE(two->may_succeed_again());
  EXPECT_FALSE(two->in_transaction());
  ASSERT_TRUE(two->begin(Begin::write));
  EXPECT_FALSE(two->may_succeed_again());
  ASSERT_TRUE(two->change("INSERT INTO notes (text) VALUES ('two')"));
  EXPECT_TRUE(two->commit());
}

// --- schema ---

TEST(Postgresql, MigrationsRunOnceAndInOrder) {
  const std::string url = Postgres::shared().fresh();
  ASSERT_TRUE(open(url)->migrate({"notes", kOne}));
  auto db = open(url);
  ASSERT_TRUE(db->change("INSERT INTO notes (text) VALUES ('kept')"));
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  EXPECT_EQ(number(*db, "SELECT count(*) FROM notes WHERE text = 'kept' AND author IS NULL"), 1);
  EXPECT_EQ(number(*db, "SELECT version FROM foyer_notes_version"), 2);
  auto older = db->migrate({"notes", kOne});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().cause, Cause::STORE_TOO_NEW);
  EXPECT_THAT(older.error().evidence, HasSubstr("schema version 2 of notes; this program supports versions up to 1"));
}

TEST(Postgresql, AnOlderProgramMayUseWhatALaterOneOnlyAddedTo) {
  const std::string url = Postgres::shared().fresh();
  ASSERT_TRUE(open(url)->migrate({"notes", kOne}));
  ASSERT_TRUE(open(url)->migrate({.part = "notes", .steps = kTwo, .oldest = 1}));
  EXPECT_TRUE(open(url)->migrate({"notes", kOne}));
  EXPECT_EQ(examine_postgres({.url = url}, {"notes", kOne}), true);
  constexpr std::string_view kThree[] = {kTwo[0], kTwo[1], "ALTER TABLE notes DROP COLUMN author"};
  ASSERT_TRUE(open(url)->migrate({.part = "notes", .steps = kThree, .oldest = 3}));
  EXPECT_EQ(open(url)->migrate({.part = "notes", .steps = kTwo, .oldest = 1}).error().cause, Cause::STORE_TOO_NEW);
  EXPECT_EQ(examine_postgres({.url = url}, {"notes", kOne}).error().cause, Cause::STORE_TOO_NEW);
}

TEST(Postgresql, ADatabaseBelongsToOneEnvironment) {
  const std::string url = Postgres::shared().fresh();
  const auto start = [&](std::string environment) {
    return postgres_writer({.url = url, .environment = std::move(environment)}, {"notes", kOne})();
  };
  EXPECT_TRUE(start("")) << "a command without an environment";
  EXPECT_TRUE(start("staging"));
  EXPECT_TRUE(start("staging"));
  const auto other = start("production");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().cause, Cause::DATA_ENVIRONMENT_MISMATCH);
  EXPECT_THAT(
      other.error().evidence, HasSubstr("belongs to the environment staging, but this process runs in production"));
  EXPECT_TRUE(start("")) << "it is not compared either";
}

TEST(Postgresql, AMigrationThatFailsLeavesTheSchemaAsItWas) {
  auto db = open(Postgres::shared().fresh());
  ASSERT_TRUE(db->migrate({"notes", kOne}));
  constexpr std::string_view broken[] = {kOne[0], "CREATE TABLE more (id BIGINT); CREATE NONSENSE;"};
  EXPECT_EQ(db->migrate({"notes", broken}).error().cause, Cause::STORE_FAILED);
  EXPECT_EQ(number(*db, "SELECT count(*) FROM pg_tables WHERE tablename = 'more'"), 0);
  EXPECT_TRUE(db->migrate({"notes", kTwo}));
}

TEST(Postgresql, ProcessesThatStartAtOnceMigrateOnce) {
  const std::string url = Postgres::shared().fresh();
  constexpr int kProcesses = 6;
  std::barrier together(kProcesses);
  std::vector<Result<void>> results(kProcesses);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kProcesses; ++i)
      threads.emplace_back([&, i] {
        auto db = open(url);
        together.arrive_and_wait();
        results[static_cast<std::size_t>(i)] = db->migrate({"notes", kTwo});
      });
  }
  for (const auto& result : results) EXPECT_TRUE(result) << result.error().evidence;
  EXPECT_EQ(number(*open(url), "SELECT sum(version) FROM foyer_notes_version"), 2);
}

TEST(Postgresql, TwoPartsShareADatabase) {
  auto db = open(Postgres::shared().fresh());
  constexpr std::string_view other[] = {"CREATE TABLE others (id BIGINT);"};
  ASSERT_TRUE(db->migrate({"notes", kTwo}));
  ASSERT_TRUE(db->migrate({"others", other}));
  EXPECT_EQ(number(*db, "SELECT version FROM foyer_others_version"), 1);
}

// --- ownership ---

TEST(Postgresql, OneWriterAtATimeOwnsAChatStore) {
  const std::string url = Postgres::shared().fresh();
  const Opener first = postgres_writer({.url = url}, {"chat", kOne}, Owner::sole);
  const Opener second = postgres_writer({.url = url}, {"chat", kOne}, Owner::sole);
  const Opener accounts = postgres_writer({.url = url}, {"accounts", {}});
  {
    auto held = first();
    ASSERT_TRUE(held) << held.error().evidence;
    auto refused = second();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().cause, Cause::CHAT_STORE_IN_USE);
    EXPECT_THAT(refused.error().evidence, HasSubstr("held by a connection from this machine since "));
    EXPECT_TRUE(accounts());
  }
  // The server may need a moment to notice that the first is gone.
  Result<std::unique_ptr<Database>> taken = second();
  while (!taken) taken = second();
  EXPECT_EQ(first().error().cause, Cause::CHAT_STORE_IN_USE);
}

TEST(Postgresql, SeveralOwnersLetEachOtherInAndNobodyWhoIsAlone) {
  const std::string url = Postgres::shared().fresh();
  const Opener one = postgres_writer({.url = url}, {"chat", kOne}, Owner::among);
  const Opener other = postgres_writer({.url = url}, {"chat", kOne}, Owner::among);
  const Opener alone = postgres_writer({.url = url}, {"chat", kOne}, Owner::sole);
  {
    auto first = one(), second = other();
    ASSERT_TRUE(first && second);
    const auto refused = alone();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().cause, Cause::CLUSTER_MISMATCH);
    EXPECT_THAT(refused.error().evidence, HasSubstr("one of several has it open, from this machine since "));
  }
  Result<std::unique_ptr<Database>> held = alone();
  while (!held) held = alone(); // until the server has noticed that they are gone
  EXPECT_EQ(one().error().cause, Cause::CLUSTER_MISMATCH);
}

TEST(Postgresql, AWritingTransactionSeesWhatOthersCommittedOnlyIfItMay) {
  const std::string url = Postgres::shared().fresh();
  auto writer = postgres_writer({.url = url}, {"chat", kOne})();
  ASSERT_TRUE(writer);
  for (const Isolation isolation : {Isolation::serializable, Isolation::read_committed}) {
    auto reading = open_postgres({.url = url, .isolation = isolation});
    ASSERT_TRUE(reading && (*reading)->begin(Begin::write));
    const std::int64_t before = number(**reading, "SELECT count(*) FROM notes");
    ASSERT_TRUE(
        (*writer)->change("INSERT INTO notes (text) VALUES (?)", isolation == Isolation::serializable ? "a" : "b"));
    EXPECT_EQ(number(**reading, "SELECT count(*) FROM notes") - before, isolation == Isolation::serializable ? 0 : 1);
  }
}

TEST(Postgresql, TheOwnerTakesItsStoreBackFromAConnectionOfItsOwnThatHangs) {
  const std::string url = Postgres::shared().fresh();
  const Opener owner = postgres_writer({.url = url}, {"chat", kOne}, Owner::sole);
  auto hanging = owner(); // what the server sees of a client whose network failed
  ASSERT_TRUE(hanging);
  auto again = owner();
  ASSERT_TRUE(again) << again.error().evidence;
  EXPECT_EQ(number(**again, "SELECT count(*) FROM notes"), 0);
  EXPECT_EQ((*hanging)->change("INSERT INTO notes (text) VALUES ('late')").error().cause, Cause::DATABASE_UNREACHABLE);
}

} // namespace
} // namespace foyer::store
