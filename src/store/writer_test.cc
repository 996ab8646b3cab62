// Group commit: which jobs are answered, when, and what happens when one fails.
#include "store/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "base/manual_executor.h"
#include "store/reader.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

using testing::ElementsAre;
using testing_world::Faults;
using testing_world::TempDir;

constexpr std::string_view kSchema[] = {
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"};

// A writer and a reader on an executor: nothing runs until run().
struct World {
  TempDir dir;
  ManualClock clock;
  Metrics metrics;
  ManualExecutor turn{clock};
  std::vector<std::string> answers; // in order
  OpenOptions database{.busy_timeout = Millis{0}};
  WriterOptions options{.name = "test"};
  WriterHooks hooks;
  std::unique_ptr<Writer> writer;

  World() { options.executor = &turn; }

  void open() {
    auto opened = Writer::open(
        sqlite_writer(dir.file("a.sqlite"), database, {"notes", kSchema}), options, hooks, clock, metrics, null_log());
    ASSERT_TRUE(opened) << opened.error().operator_text();
    writer = std::move(*opened);
  }

  void run() { turn.run_posted(); }

  void note(const std::string& text, Cause then_refuse_with = Cause::INTERNAL_ERROR) {
    writer->submit<std::int64_t>([=](Database& db) -> Result<std::int64_t> {
      TRY_VOID(db.change("INSERT INTO notes (text) VALUES (?)", text));
      if (then_refuse_with != Cause::INTERNAL_ERROR) return refuse(then_refuse_with);
      return db.changes();
    }, [this, text](Result<std::int64_t> r) {
      answers.push_back(text + (r ? " ok" : " " + std::string(r.error().code())));
    });
  }

  std::string stored() {
    auto db = open_sqlite(dir.file("a.sqlite"), {.access = Access::read_only});
    auto rows = db.value()->query("SELECT coalesce(group_concat(text), '') FROM (SELECT text FROM notes ORDER BY id)");
    EXPECT_TRUE(rows->step().value());
    return rows->text(0);
  }
};

TEST(Writer, ManyJobsAreOneCommitAndAnsweredInTheirOrder) {
  World w;
  w.open();
  w.note("a");
  w.note("b");
  w.note("c");
  EXPECT_EQ(w.writer->queued(), 3U);
  EXPECT_THAT(w.answers, ElementsAre());
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b ok", "c ok"));
  EXPECT_EQ(w.stored(), "a,b,c");
  EXPECT_EQ(w.metrics.counter("foyer_store_commits_total", "", {{"store", "test"}}).value(), 1U);
}

TEST(Writer, TheAnswersOfACommitAreGivenInParts) {
  World w;
  std::size_t parts = 0;
  w.hooks.answering = [&](const std::function<void()>& answers) {
    ++parts;
    const std::size_t before = w.answers.size();
    answers();
    EXPECT_GT(w.answers.size(), before);
  };
  w.open();
  for (int i = 0; i < 100; ++i) w.note(std::to_string(i));
  w.run();
  ASSERT_EQ(w.answers.size(), 100U);
  EXPECT_EQ(w.answers.back(), "99 ok");
  EXPECT_EQ(parts, 2U);
}

TEST(Writer, AJobIsAnsweredAfterItsCommitAndNotBefore) {
  World w;
  w.open();
  std::string seen_in_answer;
  w.writer->submit<bool>([](Database& db) -> Result<bool> {
    TRY_VOID(db.change("INSERT INTO notes (text) VALUES ('a')"));
    return true;
  }, [&](Result<bool>) { seen_in_answer = w.stored(); });
  w.run();
  EXPECT_EQ(seen_in_answer, "a");
}

TEST(Writer, BeforeTheFirstJobOfABatchItsTransactionPreparesForAllOfThem) {
  World w;
  std::vector<std::string> about;
  Result<void> prepared;
  w.hooks.begun = [&](Database& db, std::span<const std::unique_ptr<Task>> tasks) -> Result<void> {
    EXPECT_TRUE(db.in_transaction());
    EXPECT_EQ(w.stored(), about.empty() ? "" : "a,b");
    for (const auto& task : tasks) about.push_back(task->about());
    return prepared;
  };
  w.open();
  const auto note = [&](const std::string& text, const std::string& of) {
    w.writer->submit<std::int64_t>([text](Database& db) {
      return db.change("INSERT INTO notes (text) VALUES (?)", text);
    }, [&w, text](Result<std::int64_t> r) {
      w.answers.push_back(text + " " + (r ? "ok" : std::string(r.error().code())));
    }, of);
  };
  note("a", "tea");
  note("b", "");
  w.run();
  EXPECT_THAT(about, ElementsAre("tea", ""));
  prepared = refuse(Cause::STORE_TIMEOUT);
  note("c", "milk");
  note("d", "tea");
  w.run();
  EXPECT_THAT(about, ElementsAre("tea", "", "milk", "tea"));
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b ok", "c STORE_TIMEOUT", "d STORE_TIMEOUT"));
  EXPECT_EQ(w.stored(), "a,b");
}

TEST(Writer, AJobThatRefusesUndoesItsOwnChangesOnly) {
  World w;
  w.open();
  w.note("a");
  w.note("b", Cause::PERMISSION_DENIED);
  w.note("c");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b PERMISSION_DENIED", "c ok"));
  EXPECT_EQ(w.stored(), "a,c");
  EXPECT_TRUE(w.writer->probe());
}

TEST(Writer, WhenTheCommitFailsNothingOfTheBatchHasHappened) {
  World w;
  int forgotten = 0;
  w.hooks.rolled_back = [&] { ++forgotten; };
  w.database.vfs = Faults::vfs();
  w.open();
  w.note("before");
  w.run();
  Faults::writes_fail_with(ENOSPC);
  w.note("a");
  w.note("b", Cause::NOT_FOUND);
  w.run();
  Faults::none();
  EXPECT_THAT(w.answers, ElementsAre("before ok", "a STORE_FULL", "b STORE_FULL"));
  EXPECT_EQ(forgotten, 1);
  EXPECT_EQ(w.stored(), "before");
  w.note("after");
  w.run();
  EXPECT_EQ(w.stored(), "before,after");
}

TEST(Writer, AHookThatRefusesBeforeTheCommitFailsTheBatch) {
  World w;
  bool refuses = true;
  w.hooks.before_commit = [&](Database& db) -> Result<void> {
    if (refuses) return refuse(Cause::STORE_FAILED, "as the test wants");
    TRY_VOID(db.change("INSERT INTO notes (text) VALUES ('from the hook')"));
    return {};
  };
  w.open();
  w.note("a");
  w.run();
  refuses = false;
  w.note("b");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a STORE_FAILED", "b ok"));
  EXPECT_EQ(w.stored(), "b,from the hook");
}

TEST(Writer, AFullQueueRefusesAtOnceWithBusy) {
  World w;
  w.options.queue_limit = 2;
  w.open();
  w.note("a");
  w.note("b");
  w.note("c");
  EXPECT_THAT(w.answers, ElementsAre("c BUSY"));
  w.run();
  w.note("d");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("c BUSY", "a ok", "b ok", "d ok"));
}

TEST(Writer, ALockedDatabaseIsReportedAndTriedAgainWithTheNextJob) {
  World w;
  w.open();
  auto other = open_sqlite(w.dir.file("a.sqlite"));
  ASSERT_TRUE(other.value()->change("BEGIN EXCLUSIVE"));
  w.note("a");
  w.run();
  auto failure = w.writer->probe();
  ASSERT_FALSE(failure);
  EXPECT_EQ(failure.error().cause, Cause::STORE_LOCKED);
  ASSERT_TRUE(other.value()->change("ROLLBACK"));
  w.note("b");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a STORE_LOCKED", "b ok"));
  EXPECT_TRUE(w.writer->probe());
}

TEST(Writer, AskingAfterAFailureMakesItTryAgainWithoutAJob) {
  World w;
  w.database.vfs = Faults::vfs();
  w.open();
  Faults::writes_fail_with(EROFS);
  w.note("a");
  w.run();
  EXPECT_EQ(w.writer->probe().error().cause, Cause::STORE_READ_ONLY);
  EXPECT_TRUE(w.turn.idle()) << "not yet a second since it failed";
  w.clock.advance(Millis{1'000});
  EXPECT_FALSE(w.writer->probe());
  w.run();
  EXPECT_FALSE(w.writer->probe()) << "the device still fails";
  Faults::none();
  w.clock.advance(Millis{1'000});
  EXPECT_FALSE(w.writer->probe());
  w.run();
  EXPECT_TRUE(w.writer->probe());
  w.note("b");
  w.run();
  EXPECT_THAT(w.answers, ElementsAre("a STORE_READ_ONLY", "b ok"));
}

TEST(Writer, AFullDatabaseRefusesWhatDoesNotFitAndKeepsTheRest) {
  World w;
  w.database.max_pages = 12;
  w.open();
  w.note("a");
  w.note(std::string(90'000, 'x'));
  w.run();
  EXPECT_EQ(w.answers.size(), 2U);
  EXPECT_TRUE(w.answers[1].ends_with(" STORE_FULL"));
  w.note("b");
  w.run();
  EXPECT_EQ(w.answers.back(), "b ok");
  // Everything answered ok is stored, and nothing else.
  EXPECT_EQ(w.stored(), w.answers[0] == "a ok" ? "a,b" : "b");
}

TEST(Writer, UpkeepRunsInStepsBetweenTheBatches) {
  World w;
  int steps = 0;
  w.hooks.upkeep = [&](Database&) -> Result<bool> { return ++steps % 3 != 0; };
  w.options.upkeep_every = Millis{60'000};
  w.open();
  w.note("a");
  w.run();
  EXPECT_EQ(steps, 3);
  w.note("b");
  w.run();
  EXPECT_EQ(steps, 3) << "not yet due";
  w.clock.advance(Millis{60'000});
  w.note("c");
  w.run();
  EXPECT_EQ(steps, 6);
  w.writer->start_upkeep();
  w.run();
  EXPECT_EQ(steps, 9);
}

TEST(Writer, ClosingFinishesWhatIsQueuedAndRefusesTheRest) {
  World w;
  w.open();
  w.note("a");
  w.writer->close();
  w.note("b");
  EXPECT_THAT(w.answers, ElementsAre("a ok", "b BUSY"));
  w.writer.reset();
  w.run(); // tasks left in the executor have no effect
  EXPECT_EQ(w.stored(), "a");
}

TEST(Writer, OnAThreadEveryJobIsAnsweredOnce) {
  World w;
  w.options.executor = nullptr;
  w.open();
  constexpr int kJobs = 5'000;
  std::atomic<int> ok{0};
  std::promise<void> all;
  for (int i = 0; i < kJobs; ++i)
    w.writer->submit<bool>([i](Database& db) -> Result<bool> {
      TRY_VOID(db.change("INSERT INTO notes (text) VALUES (?)", std::to_string(i)));
      return true;
    }, [&](Result<bool> r) {
      if (r && ++ok == kJobs) all.set_value();
    });
  all.get_future().wait();
  auto reader =
      Reader::open(sqlite_reader(w.dir.file("a.sqlite"), {}), {.name = "test"}, w.clock, w.metrics, null_log());
  ASSERT_TRUE(reader);
  std::promise<std::int64_t> counted;
  (*reader)->submit<std::int64_t>([](Database& db) -> Result<std::int64_t> {
    TRY(rows, db.query("SELECT count(*) FROM notes"));
    TRY_VOID(rows.step());
    return rows.integer(0);
  }, [&](Result<std::int64_t> n) { counted.set_value(n.value()); });
  EXPECT_EQ(counted.get_future().get(), kJobs);
}

// The process ends in the middle of a batch, like kill -9: what was answered is stored, the rest is not.
TEST(Reader, OneUsersManyReadsDoNotDelayOthers) {
  FairQueue queue;
  std::string order;
  const auto ask = [&](const char* whose, char name) {
    const auto job = [](Database&) { return Result<int>(0); };
    queue.push(
        std::make_unique<TypedTask<int, decltype(job)>>(job, [&order, name](Result<int>) { order += name; }), whose);
  };
  for (const char name : {'1', '2', '3', '4'}) ask("ann", name);
  ask("bob", 'b');
  ask("", 's');
  const auto next = [&] { queue.pop()->refuse_with(Refusal{.cause = Cause::BUSY}); };
  next(), next();
  ask("eve", 'e');
  EXPECT_EQ(queue.size(), 5U);
  while (!queue.empty()) next();
  EXPECT_EQ(order, "1bs2e34") << "users take turns, and each user's own jobs keep their order";
}

TEST(Writer, WhatWasAnsweredSurvivesTheEndOfTheProcess) {
  World w;
  w.options.executor = nullptr;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = Writer::open(sqlite_writer(w.dir.file("a.sqlite"), w.database, {"notes", kSchema}), w.options, {},
        system_clock(), w.metrics, null_log());
    if (!opened) ::_exit(2);
    for (int i = 1; i <= 2'000; ++i) {
      (*opened)->submit<int>([i](Database& db) -> Result<int> {
        if (i == 1'777) ::_exit(0);
        TRY_VOID(db.change("INSERT INTO notes (text) VALUES (?)", std::to_string(i)));
        return i;
      }, [&](Result<int> r) {
        if (r && ::write(pipe_ends[1], &*r, sizeof *r) < 0) ::_exit(3);
      });
    }
    for (;;) ::pause();
  }
  ::close(pipe_ends[1]);
  int answered = 0;
  for (int n = 0; ::read(pipe_ends[0], &n, sizeof n) == sizeof n;) answered = n;
  ::close(pipe_ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);

  auto db = open_sqlite(w.dir.file("a.sqlite"));
  ASSERT_TRUE(db);
  auto rows = db.value()->query("SELECT count(*), coalesce(max(id), 0) FROM notes");
  ASSERT_TRUE(rows->step().value());
  EXPECT_GE(rows->integer(0), answered);
  EXPECT_LT(rows->integer(0), 1'777);
  EXPECT_EQ(rows->integer(0), rows->integer(1)) << "no holes";
}

} // namespace
} // namespace foyer::store
