// Failed guesses at one process, and at several auth services on one PostgreSQL database.
#include "accounts/sql/lockouts.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "accounts/sql/shared_writer.h"
#include "accounts/testing/lockouts_contract.h"
#include "base/manual_executor.h"
#include "store/testing/postgres.h"

namespace foyer::accounts::testing_world {
namespace {

using foyer::testing_world::Postgres;

constexpr LockoutPolicies kPolicies{.factor = {.free_failures = 20}};

std::unique_ptr<store::Writer> shared_writer(const std::string& url, Metrics& metrics, SharedWriterOptions options) {
  auto opened =
      open_shared_writer({.url = url}, std::move(options), system_clock(), system_entropy(), metrics, null_log());
  if (!opened) throw std::runtime_error(opened.error().operator_text());
  return std::move(*opened);
}

class MemoryLockoutsPlace final : public LockoutsPlace {
 public:
  Lockouts& of(std::size_t) override { return lockouts_; }
  void settle() override {}
  void advance(Millis by) override { clock_.advance(by); }

 private:
  ManualClock clock_;
  MemoryLockouts lockouts_{clock_, {.factor = {.free_failures = 20}}};
};

INSTANTIATE_TEST_SUITE_P(Memory, LockoutsContract,
    testing::Values([]() -> std::unique_ptr<LockoutsPlace> { return std::make_unique<MemoryLockoutsPlace>(); }));

// Three services, whose work runs in settle().
class SqlLockoutsPlace final : public LockoutsPlace {
 public:
  SqlLockoutsPlace() {
    for (int i = 0; i < 3; ++i) {
      writers_.push_back(shared_writer(url_, metrics_, {.executor = &turns_}));
      services_.push_back(std::make_unique<SqlLockouts>(*writers_.back(), kPolicies, sweep, turns_, &clock_));
    }
  }
  Lockouts& of(std::size_t process) override { return *services_[process]; }
  void settle() override { turns_.run_posted(); }
  void advance(Millis by) override { clock_.advance(by); }
  // The process dies while others go on.
  void lose(std::size_t process) {
    writers_[process].reset();
    services_[process].reset();
  }
  // While the database is broken, nothing can be written.
  void break_database() { change("ALTER TABLE login_failures RENAME TO hidden"); }
  void mend_database() { change("ALTER TABLE hidden RENAME TO login_failures"); }
  // Rows of both kinds that are left.
  std::string swept() {
    auto db = store::open_postgres({.url = url_});
    EXPECT_TRUE(db && (*db)->begin(store::Begin::write) && sweep->step(**db) && (*db)->commit());
    auto rows = (*db)->query("SELECT count(*) FROM login_failures");
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }

 private:
  void change(const std::string& sql) {
    auto db = store::open_postgres({.url = url_});
    EXPECT_TRUE(db && (*db)->change(sql)) << sql;
  }

  const std::string url_ = Postgres::shared().fresh();
  Metrics metrics_;
  ManualClock clock_;
  ManualExecutor turns_{clock_};
  std::vector<std::unique_ptr<SqlLockouts>> services_;
  std::vector<std::unique_ptr<store::Writer>> writers_;

 public:
  const std::shared_ptr<LockoutSweep> sweep = std::make_shared<LockoutSweep>(
      LockoutPolicies{.login = {.max_pairs = 2}, .factor = {.free_failures = 20}}, &clock_);
};

INSTANTIATE_TEST_SUITE_P(Postgres, LockoutsContract,
    testing::Values([]() -> std::unique_ptr<LockoutsPlace> { return std::make_unique<SqlLockoutsPlace>(); }));

const GuessKey kAnn{.name = "ann", .address = "10.0.0.1"};

TEST(SqlLockouts, FailuresAtAllServicesCountTogetherAndALockHoldsAtAll) {
  SqlLockoutsPlace p;
  p.fail(2, kAnn, 0);
  p.fail(2, kAnn, 1);
  p.fail(1, kAnn, 2);
  for (std::size_t service = 0; service < 3; ++service) EXPECT_EQ(p.begin(kAnn, service), "LOGIN_LOCKED 60000");
}

TEST(SqlLockouts, ARightGuessAtOneServiceForgetsTheFailuresAtAll) {
  SqlLockoutsPlace p;
  p.fail(4, kAnn, 0);
  EXPECT_EQ(p.begin(kAnn, 1), "OK");
  EXPECT_EQ(p.end(kAnn, GuessEnd::right, 1), "OK");
  p.fail(4, kAnn, 0);
  EXPECT_EQ(p.begin(kAnn, 2), "OK");
}

TEST(SqlLockouts, AGuessAtAServiceThatDiedIsInProgressForAMinute) {
  SqlLockoutsPlace p;
  p.fail(4, kAnn, 0);
  EXPECT_EQ(p.begin(kAnn, 1), "OK");
  p.lose(1);
  EXPECT_EQ(p.begin(kAnn, 0), "LOGIN_LOCKED 1000");
  p.advance(Millis{60'000});
  EXPECT_EQ(p.begin(kAnn, 0), "OK");
}

// Whoever has the right password is not refused for attempts that ended while the database was away.
TEST(SqlLockouts, AGuessThatEndedWhileTheDatabaseWasAwayIsInProgressNoMore) {
  SqlLockoutsPlace p;
  p.fail(4, kAnn, 0);
  EXPECT_EQ(p.begin(kAnn, 1), "OK");
  p.break_database();
  EXPECT_EQ(p.end(kAnn, GuessEnd::neither, 1), "STORE_FAILED 1000");
  EXPECT_EQ(p.begin(kAnn, 1), "STORE_FAILED 1000");
  p.mend_database();
  EXPECT_EQ(p.begin(kAnn, 1), "OK");
  EXPECT_EQ(p.begin(kAnn, 1), "LOGIN_LOCKED 1000") << "the second one is";
  EXPECT_EQ(p.end(kAnn, GuessEnd::right, 1), "OK");
}

TEST(SqlLockouts, AWrongGuessThatEndedWhileTheDatabaseWasAwayCountsAfterwards) {
  SqlLockoutsPlace p;
  p.fail(3, kAnn, 0);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(p.begin(kAnn, 1), "OK");
  p.break_database();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(p.end(kAnn, GuessEnd::wrong, 1), "STORE_FAILED 1000");
  p.mend_database();
  EXPECT_EQ(p.begin(kAnn, 1), "LOGIN_LOCKED 60000");
  EXPECT_EQ(p.begin(kAnn, 0), "LOGIN_LOCKED 60000");
}

TEST(SqlLockouts, WhatHasNoEffectIsDeletedAndSoAreThePairsUnusedLongestBeyondTheLimit) {
  SqlLockoutsPlace p;
  const auto pair = [](const char* name) { return GuessKey{.name = name, .address = "10.0.0.1"}; };
  p.fail(1, pair("a"));
  p.advance(Millis{3'600'000});
  for (const char* name : {"b", "c", "d"}) {
    p.fail(4, pair(name));
    p.advance(Millis{1'000});
  }
  EXPECT_EQ(p.swept(), "2");
  EXPECT_EQ(p.sweep->left(GuessKind::login), 2U);
  for (const char* name : {"c", "d"}) {
    p.fail(1, pair(name));
    EXPECT_EQ(p.begin(pair(name)), "LOGIN_LOCKED 60000");
  }
  p.fail(4, pair("b"));
}

// On threads, as processes are: batches over the same pairs in opposite orders.
TEST(SqlLockouts, ServicesThatGuessAtOnceAllowNoMoreThanOneServiceWould) {
  const std::string url = Postgres::shared().fresh();
  Metrics metrics;
  struct OnTheSpot final : Executor {
    void post(Task task) override { task(); }
    TimerId after(Millis, Task) override { return {}; }
    TimerId every(Millis, Task) override { return {}; }
    void cancel(TimerId) override {}
  } on_the_spot;
  const auto sweep = std::make_shared<LockoutSweep>(kPolicies);
  std::vector<std::unique_ptr<SqlLockouts>> services;
  std::vector<std::unique_ptr<store::Writer>> writers;
  for (int i = 0; i < 3; ++i) {
    writers.push_back(shared_writer(url, metrics, {}));
    services.push_back(std::make_unique<SqlLockouts>(*writers.back(), kPolicies, sweep, on_the_spot));
  }
  constexpr int kPairs = 20;
  std::vector<std::future<Result<bool>>> answers;
  for (int i = 0; i < 3 * 10 * kPairs; ++i) {
    const auto service = static_cast<std::size_t>(i % 3);
    const int at = i / 3 % kPairs;
    const int which = service == 1 ? kPairs - 1 - at : at;
    auto promise = std::make_shared<std::promise<Result<bool>>>();
    answers.push_back(promise->get_future());
    services[service]->begin({.name = "user " + std::to_string(which), .address = "10.0.0.1"},
        [promise](Result<bool> r) { promise->set_value(std::move(r)); });
  }
  int allowed = 0;
  for (auto& answer : answers) {
    const Result<bool> result = answer.get();
    if (!result) {
      EXPECT_EQ(result.error().cause, Cause::LOGIN_LOCKED) << result.error().operator_text();
    }
    allowed += result ? 1 : 0;
  }
  EXPECT_EQ(allowed, 5 * kPairs);
  EXPECT_EQ(metrics.counter("foyer_store_repeats_total", "", {{"store", "logins"}}).value(), 0U) << "no deadlocks";
  writers.clear();
}

} // namespace
} // namespace foyer::accounts::testing_world
