// Writer and Reader on a PostgreSQL server that is killed, stopped and started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <future>
#include <thread>

#include "base/manual_executor.h"
#include "store/postgres.h"
#include "store/reader.h"
#include "store/testing/postgres.h"
#include "store/writer.h"

namespace foyer::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_world::Postgres;

constexpr std::string_view kSchema[] = {
    "CREATE TABLE notes (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT NOT NULL UNIQUE);"};

// A writer and a reader on an executor: nothing runs until run().
struct World {
  Postgres& server = Postgres::shared();
  PostgresOptions database{.url = server.fresh()};
  ManualClock clock;
  Metrics metrics;
  ManualExecutor turn{clock};
  std::vector<std::string> answers; // in order
  std::vector<Refusal> refusals;
  int forgotten = 0;
  WriterOptions options{.name = "test"};
  WriterHooks hooks;
  std::unique_ptr<Writer> writer;

  World() {
    options.executor = &turn;
    hooks.rolled_back = [this] { ++forgotten; };
  }
  ~World() {
    writer.reset();
    server.start();
  }

  void open(Owner owner = Owner::shared) {
    auto opened =
        Writer::open(postgres_writer(database, {"notes", kSchema}, owner), options, hooks, clock, metrics, null_log());
    ASSERT_TRUE(opened) << opened.error().operator_text();
    writer = std::move(*opened);
  }
  void run() { turn.run_posted(); }
  using Work = std::function<Result<bool>(Database&)>;
  void submit(const std::string& name, Work work) {
    writer->submit<bool>(std::move(work), [this, name](Result<bool> r) {
      answers.push_back(name + (r ? " ok" : " " + std::string(r.error().code())));
      if (!r) refusals.push_back(r.error());
    });
  }
  static Result<bool> insert(Database& db, const std::string& text) {
    TRY_VOID(db.change("INSERT INTO notes (text) VALUES (?)", text));
    return true;
  }
  void note(const std::string& text) {
    submit(text, [text](Database& db) { return insert(db, text); });
  }
  // Kills the process that serves this connection, and the server. (That of a server which
  // was killed alone may still take a message or two before it notices.)
  void kill_under(Database& db) {
    auto rows = db.query("SELECT pg_backend_pid()");
    ASSERT_TRUE(rows->step().value());
    ::kill(static_cast<pid_t>(rows->integer(0)), SIGKILL);
    server.kill();
  }
  std::string stored() {
    auto db = open_postgres(database);
    EXPECT_TRUE(db) << db.error().evidence;
    auto rows = db.value()->query("SELECT coalesce(string_agg(text, ',' ORDER BY id), '') FROM notes");
    EXPECT_TRUE(rows->step().value());
    return rows->text(0);
  }
  std::uint64_t count(const char* metric) { return metrics.counter(metric, "", {{"store", "test"}}).value(); }
};

TEST(PostgresqlWriter, ManyJobsAreOneCommitAndAnsweredInTheirOrderAfterIt) {
  World w;
  w.open();
  w.note("a");
  w.submit("b", [](Database& db) -> Result<bool> {
    TRY_VOID(World::insert(db, "b"));
    return refuse(Cause::PERMISSION_DENIED);
  });
  w.submit("c", [](Database&) -> Result<bool> { return refuse(Cause::NOT_FOUND); });
  w.submit("d", [](Database& db) { return World::insert(db, "a"); });
  w.note("e");
  std::string seen_in_answer;
  w.writer->submit<bool>(
      [](Database&) -> Result<bool> { return true; }, [&](Result<bool>) { seen_in_answer = w.stored(); });
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b PERMISSION_DENIED", "c NOT_FOUND", "d STORE_FAILED", "e ok"));
  EXPECT_EQ(seen_in_answer, "a,e");
  EXPECT_EQ(w.count("foyer_store_commits_total"), 1U);
}

TEST(PostgresqlWriter, ABatchThatLostAgainstAnotherProcessIsDoneAgain) {
  World w;
  w.open();
  auto other = open_postgres(w.database).value();
  int runs = 0;
  w.note("a");
  w.submit("b", [&](Database& db) -> Result<bool> {
    ++runs;
    TRY(rows, db.query("SELECT count(*) FROM notes"));
    TRY_VOID(rows.step());
    const auto seen = rows.integer(0);
    if (runs == 1) {
      EXPECT_TRUE(other->begin(Begin::write));
      auto theirs = other->query("SELECT count(*) FROM notes");
      EXPECT_TRUE(theirs->step().value());
      EXPECT_TRUE(World::insert(*other, "theirs"));
      EXPECT_TRUE(other->commit());
    }
    return World::insert(db, "b after " + std::to_string(seen));
  });
  w.run();
  EXPECT_EQ(runs, 2);
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b ok"));
  EXPECT_EQ(w.stored(), "theirs,a,b after 2");
  EXPECT_EQ(w.forgotten, 1) << "anything remembered from the first run is wrong";
  EXPECT_EQ(w.count("foyer_store_repeats_total"), 1U);
  EXPECT_TRUE(w.writer->probe());
}

TEST(PostgresqlWriter, ABatchThatLosesAlwaysIsStoreLocked) {
  World w;
  w.open();
  auto other = open_postgres(w.database).value();
  int runs = 0;
  w.submit("a", [&](Database& db) -> Result<bool> {
    TRY(rows, db.query("SELECT count(*) FROM notes"));
    TRY_VOID(rows.step());
    EXPECT_TRUE(other->begin(Begin::write));
    { EXPECT_TRUE(other->query("SELECT count(*) FROM notes")->step().value()); }
    EXPECT_TRUE(World::insert(*other, "theirs " + std::to_string(++runs)));
    EXPECT_TRUE(other->commit());
    return World::insert(db, "a");
  });
  w.run();
  EXPECT_EQ(runs, 5);
  EXPECT_THAT(w.answers, ElementsAre("a STORE_LOCKED"));
}

TEST(PostgresqlWriter, AJobThatTakesTooLongFailsAlone) {
  World w;
  w.open();
  w.note("a");
  w.submit("slow", [](Database& db) -> Result<bool> {
    TRY_VOID(db.script("SET LOCAL statement_timeout = 50"));
    TRY_VOID(db.change("SELECT pg_sleep(30)"));
    return true;
  });
  w.note("b");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a ok", "slow STORE_TIMEOUT", "b ok"));
  EXPECT_EQ(w.stored(), "a,b");
}

TEST(PostgresqlWriter, KilledInTheMiddleOfABatchNothingOfItHappenedAndTheNextOneWorks) {
  World w;
  w.open();
  w.note("before");
  w.run();
  w.note("a");
  w.submit("b", [&](Database& db) -> Result<bool> {
    w.kill_under(db);
    return World::insert(db, "b");
  });
  w.note("c");
  w.run();
  EXPECT_THAT(w.answers,
      ElementsAre("before ok", "a DATABASE_UNREACHABLE", "b DATABASE_UNREACHABLE", "c DATABASE_UNREACHABLE"));
  EXPECT_GE(w.forgotten, 1);
  w.server.start();
  w.clock.advance(Millis{2'000});
  w.note("after");
  w.run();
  EXPECT_EQ(w.answers.back(), "after ok");
  EXPECT_EQ(w.stored(), "before,after");
  EXPECT_TRUE(w.writer->probe());
}

TEST(PostgresqlWriter, ACommitWhoseAnswerIsLostIsReportedAsUnknown) {
  World w;
  bool kill = true;
  w.hooks.before_commit = [&](Database& db) -> Result<void> {
    if (kill) w.kill_under(db);
    kill = false;
    return {};
  };
  w.open();
  w.note("a");
  w.run();
  ASSERT_THAT(w.answers, ElementsAre("a DATABASE_UNREACHABLE"));
  EXPECT_THAT(w.refusals[0].evidence, HasSubstr("whether the last transaction was committed is not known"));
  EXPECT_EQ(w.forgotten, 1);
}

TEST(PostgresqlWriter, WhileTheServerIsAwayJobsAreRefusedAtOnceBetweenTheTries) {
  World w;
  int opened = 0;
  const Opener real = postgres_writer(w.database, {"notes", kSchema});
  auto writer = Writer::open([&] {
    ++opened;
    return real();
  }, w.options, w.hooks, w.clock, w.metrics, null_log());
  ASSERT_TRUE(writer);
  w.writer = std::move(*writer);
  w.server.stop(Postgres::Stop::immediate);
  w.note("a"); // finds the connection lost, and no new one
  w.run();
  EXPECT_EQ(opened, 2);
  for (int i = 0; i < 50; ++i) w.note("b" + std::to_string(i));
  w.run();
  EXPECT_EQ(opened, 2) << "not yet 100 ms";
  EXPECT_EQ(w.refusals.size(), 51U);
  EXPECT_EQ(w.refusals.back().cause, Cause::DATABASE_UNREACHABLE);
  EXPECT_EQ(w.refusals.back().retry_after, Millis{100});
  std::vector<int> tries; // at each of these milliseconds
  for (int ms = 1; ms <= 6'000; ++ms) {
    w.clock.advance(Millis{1});
    const int before = opened;
    w.note("c");
    w.run();
    if (opened != before) tries.push_back(ms);
  }
  EXPECT_THAT(tries, ElementsAre(100, 300, 700, 1'500, 3'100, 5'100));
  w.server.start();
  w.clock.advance(Millis{2'000});
  w.note("d");
  w.run();
  EXPECT_EQ(w.answers.back(), "d ok");
  EXPECT_EQ(w.stored(), "d");
}

TEST(PostgresqlWriter, ARestartBetweenTwoJobsIsNotNoticedByAnybody) {
  World w;
  w.open();
  w.note("a");
  w.run();
  w.server.stop(Postgres::Stop::fast);
  w.server.start();
  w.note("b");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b ok"));
}

TEST(PostgresqlWriter, AnOwnerWhoseStoreWasTakenMeanwhileIsNotified) {
  World w;
  w.open(Owner::sole);
  w.note("a");
  w.run();
  w.server.stop(Postgres::Stop::immediate);
  w.server.start();
  auto other = postgres_writer(w.database, {"notes", kSchema}, Owner::sole)();
  ASSERT_TRUE(other) << other.error().evidence;
  w.note("b");
  w.run();
  other->reset();
  w.answers.push_back("the other ends");
  while (w.answers.back() != "c ok") {
    w.clock.advance(Millis{2'000});
    w.note("c");
    w.run();
  }
  EXPECT_EQ(w.answers[1], "b CHAT_STORE_IN_USE");
  EXPECT_EQ(w.stored(), "a,c");
}

TEST(PostgresqlWriter, WhatWasAnsweredSurvivesTheEndOfTheServer) {
  World w;
  w.options.executor = nullptr;
  w.open();
  constexpr int kJobs = 3'000;
  std::atomic<int> answered{0};
  std::vector<int> ok;
  std::promise<void> all;
  std::thread killer([&] {
    while (answered.load() < kJobs / 10) std::this_thread::yield();
    w.server.kill();
  });
  for (int i = 0; i < kJobs; ++i)
    w.writer->submit<bool>([i](Database& db) { return World::insert(db, std::to_string(i)); }, [&, i](Result<bool> r) {
      if (r) ok.push_back(i);
      if (++answered == kJobs) all.set_value();
    });
  all.get_future().wait();
  killer.join();
  w.writer.reset();
  w.server.start();
  auto db = open_postgres(w.database).value();
  for (const int i : ok) {
    auto rows = db->query("SELECT count(*) FROM notes WHERE text = ?", std::to_string(i));
    ASSERT_TRUE(rows->step().value());
    ASSERT_EQ(rows->integer(0), 1) << i;
  }
  EXPECT_GE(ok.size(), static_cast<std::size_t>(kJobs / 10));
}

TEST(PostgresqlWriter, WithoutTrafficALossIsNoticedAndRepaired) {
  World w;
  w.options.executor = nullptr;
  w.options.watch_every = Millis{10};
  auto writer = Writer::open(
      postgres_writer(w.database, {"notes", kSchema}), w.options, {}, system_clock(), w.metrics, null_log());
  ASSERT_TRUE(writer);
  EXPECT_TRUE((*writer)->probe());
  w.server.stop(Postgres::Stop::immediate);
  while ((*writer)->probe()) std::this_thread::yield();
  EXPECT_EQ((*writer)->probe().error().cause, Cause::DATABASE_UNREACHABLE);
  w.server.start();
  while (!(*writer)->probe()) std::this_thread::yield();
}

// --- Reader ---

struct Reading : World {
  std::unique_ptr<Reader> reader;
  void open_reader(ReaderOptions reading = {.name = "test"}) {
    reading.executor = options.executor;
    auto opened = Reader::open(postgres_reader(database), reading, clock, metrics, null_log());
    ASSERT_TRUE(opened) << opened.error().operator_text();
    reader = std::move(*opened);
  }
  void ask(std::function<void()> meanwhile = [] {}) {
    reader->submit<std::int64_t>([meanwhile](Database& db) -> Result<std::int64_t> {
      meanwhile();
      TRY(rows, db.query("SELECT count(*) FROM notes"));
      TRY_VOID(rows.step());
      return rows.integer(0);
    }, [this](Result<std::int64_t> n) { answers.push_back(n ? std::to_string(*n) : std::string(n.error().code())); });
  }
};

TEST(PostgresqlReader, SeesEveryChangeThatWasAnsweredBeforeOnAnyOfItsConnections) {
  Reading w;
  w.open();
  w.open_reader({.name = "test", .connections = 2});
  for (const char* text : {"a", "b", "c"}) {
    w.note(text);
    w.run();
    w.ask();
    w.ask();
    w.run();
  }
  EXPECT_THAT(w.answers, ElementsAre("a ok", "1", "1", "b ok", "2", "2", "c ok", "3", "3"));
}

TEST(PostgresqlReader, AReadWhoseConnectionIsLostUnderItIsDoneAgainOnANewOne) {
  Reading w;
  w.open();
  w.open_reader();
  bool once = true;
  w.ask([&] {
    if (!std::exchange(once, false)) return;
    w.server.stop(Postgres::Stop::immediate);
    w.server.start();
  });
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("0"));
}

TEST(PostgresqlReader, WhileTheServerIsAwayReadsAreRefusedAndLaterAnswered) {
  Reading w;
  w.open();
  w.open_reader();
  w.server.stop(Postgres::Stop::immediate);
  w.ask();
  w.ask();
  w.run();
  w.server.start();
  w.ask();
  w.run();
  w.clock.advance(Millis{100});
  w.ask();
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("DATABASE_UNREACHABLE", "DATABASE_UNREACHABLE", "DATABASE_UNREACHABLE", "0"));
}

} // namespace
} // namespace foyer::store
