#include "engine/sql/shared_state.h"

#include <gmock/gmock.h>

#include <future>
#include <optional>
#include <thread>

#include "base/manual_executor.h"
#include "engine/sql/postgres_schema.h"
#include "engine/testing/shared_state_contract.h"
#include "store/postgres.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

std::unique_ptr<store::Writer> writer_of(const std::string& url, Metrics& metrics, Executor* executor) {
  auto opened = store::Writer::open(
      store::postgres_writer({.url = url, .isolation = store::Isolation::read_committed}, kPostgresChat),
      {.name = "shared", .executor = executor}, {}, system_clock(), metrics, null_log());
  if (!opened) throw std::runtime_error(opened.error().operator_text());
  return std::move(*opened);
}

class SqlSharedWorld final : public SharedWorld {
 public:
  SharedState& state() override { return state_; }
  void run() override { executor_.run_posted(); }
  ManualClock& clock() override { return clock_; }
  std::string asked(const std::string& question) {
    auto db = store::postgres_reader({.url = url_})();
    auto rows = db.value()->query(question);
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }
  void change(const std::string& statement) {
    auto db = store::open_postgres({.url = url_}, store::PostgresUse::write);
    ASSERT_TRUE(db && (*db)->change(statement));
  }

 private:
  const std::string url_ = testing_world::Postgres::shared().fresh();
  Metrics metrics_;
  ManualClock clock_;
  ManualExecutor executor_{clock_};
  std::unique_ptr<store::Writer> writer_ = writer_of(url_, metrics_, &executor_);
  SqlSharedState state_{*writer_, clock_, SqlSharedState::Time::of_the_clock};
};

INSTANTIATE_TEST_SUITE_P(Postgres, SharedStateContract,
    testing::Values([]() -> std::unique_ptr<SharedWorld> { return std::make_unique<SqlSharedWorld>(); }));

TEST(SqlSharedState, WhatIsOverIsDeleted) {
  SqlSharedWorld w;
  w.take({.key = {"nonce", "a"}, .by = "ann", .remember = Millis{1'000}});
  w.put({.key = {"ticket", "a"}, .value = "v", .life = Millis{1'000}, .remember = Millis{1'000}});
  w.count({.key = {"login", "a"}, .most = 3, .window = Millis{1'000}});
  w.clock().advance(Millis{3'000});
  w.take({.key = {"nonce", "b"}, .by = "ann", .remember = Millis{1'000}});
  w.put({.key = {"ticket", "b"}, .value = "v", .life = Millis{1'000}});
  w.count({.key = {"login", "b"}, .most = 3, .window = Millis{1'000}});
  EXPECT_EQ(w.asked("SELECT count(*) FROM shared_entries"), "2");
  EXPECT_EQ(w.asked("SELECT count(*) FROM shared_counts"), "1");
}

// What has to wait looks at the rows once, and not each time: others share the writer.
TEST(SqlSharedState, WhileNoneFitsTheRowsAreNotReadAgain) {
  SqlSharedWorld w;
  const auto put = [&](const std::string& name) {
    std::optional<Result<bool>> answer;
    w.state().put_until({.key = {"ticket", name}, .value = "v", .life = Millis{30'000}, .most = 1},
        [&](Result<bool> fresh) { answer = std::move(fresh); });
    w.run();
    return answer.value();
  };
  ASSERT_TRUE(put("a"));
  w.clock().advance(Millis{1'000});
  EXPECT_EQ(put("b").error().retry_after, Millis{29'000});
  w.change("UPDATE foyer.shared_entries SET ends_ms = ends_ms - 28900, forget_ms = forget_ms - 28900");
  w.clock().advance(Millis{50});
  EXPECT_EQ(put("c").error().retry_after, Millis{28'950});
  w.clock().advance(Millis{50});
  EXPECT_TRUE(put("d"));
}

// By the server's clock, on threads, as several nodes are.
struct SharedByNodes : testing::Test {
  const std::string url = testing_world::Postgres::shared().fresh();
  Metrics metrics;
  std::vector<std::unique_ptr<store::Writer>> writers;
  std::vector<std::unique_ptr<SqlSharedState>> nodes;

  void SetUp() override {
    for (int i = 0; i < 3; ++i) {
      writers.push_back(writer_of(url, metrics, nullptr));
      nodes.push_back(std::make_unique<SqlSharedState>(*writers.back(), system_clock()));
    }
  }
  template <class T>
  static std::future<Result<T>> ask(const std::function<void(Completion<T>)>& question) {
    auto answer = std::make_shared<std::promise<Result<T>>>();
    auto future = answer->get_future();
    question([answer](Result<T> r) { answer->set_value(std::move(r)); });
    return future;
  }
};

TEST_F(SharedByNodes, OfSeveralNodesThatTakeAtOnceOneIsFirst) {
  for (int i = 0; i < 50; ++i) {
    std::vector<std::future<Result<Taken>>> answers;
    for (std::size_t node = 0; node < nodes.size(); ++node)
      answers.push_back(ask<Taken>([&](Completion<Taken> d) {
        nodes[node]->take_once({.key = {"nonce", std::to_string(i)},
                                   .by = std::to_string(node),
                                   .remember = Millis{60'000},
                                   .most = 1'000},
            std::move(d));
      }));
    int first = 0;
    std::string by;
    for (auto& answer : answers) {
      const auto taken = answer.get();
      ASSERT_TRUE(taken) << taken.error().operator_text();
      first += taken->first ? 1 : 0;
      EXPECT_TRUE(by.empty() || by == taken->by);
      by = taken->by;
    }
    EXPECT_EQ(first, 1);
  }
}

TEST_F(SharedByNodes, NoMoreAreCountedThanFitWhoeverCounts) {
  std::vector<std::future<Result<Counted>>> answers;
  for (int i = 0; i < 90; ++i)
    answers.push_back(ask<Counted>([&](Completion<Counted> d) {
      nodes[static_cast<std::size_t>(i) % 3]->count_in_window(
          {.key = {"login", "ann"}, .most = 40, .window = Millis{600'000}}, std::move(d));
    }));
  int within = 0;
  for (auto& answer : answers) {
    const auto counted = answer.get();
    ASSERT_TRUE(counted) << counted.error().operator_text();
    within += counted->within ? 1 : 0;
    if (!counted->within) {
      EXPECT_GT(counted->retry_after, Millis{0});
    }
  }
  EXPECT_EQ(within, 40);
}

TEST_F(SharedByNodes, ALeaseHasOneHolderAndAWriteOfAnEarlierTermIsRefused) {
  const SharedKey key{"sweeper", "rooms"};
  std::vector<std::future<Result<Lease>>> answers;
  for (std::size_t node = 0; node < nodes.size(); ++node)
    answers.push_back(ask<Lease>([&](Completion<Lease> d) {
      nodes[node]->lease({.key = key, .holder = std::to_string(node), .life = Millis{600'000}}, std::move(d));
    }));
  std::string holder;
  for (auto& answer : answers) {
    const auto lease = answer.get();
    ASSERT_TRUE(lease) << lease.error().operator_text();
    EXPECT_TRUE(holder.empty() || holder == lease->holder);
    EXPECT_EQ(lease->term, 1U);
    holder = lease->holder;
  }
  const auto open = [&] {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db && (*db)->begin(store::Begin::write));
    return std::move(*db);
  };
  auto acting = open();
  EXPECT_EQ(holds_lease(*acting, key, holder, 1), true);
  EXPECT_EQ(holds_lease(*acting, key, holder, 2), false);
  EXPECT_EQ(holds_lease(*acting, key, "somebody", 1), false);
  // It lapses; the next one is granted when the transaction that acts has ended.
  {
    auto other = open();
    const WallTime later = system_clock().wall() + Millis{1'200'000};
    std::future<Result<Lease>> granted = std::async(std::launch::async, [&] {
      auto lease = grant_lease(*other, {.key = key, .holder = "next", .life = Millis{1'000}}, later);
      if (lease) {
        EXPECT_TRUE(other->commit());
      }
      return lease;
    });
    auto watching = store::postgres_reader({.url = url})();
    ASSERT_TRUE(watching);
    for (bool waits = false; !waits; std::this_thread::yield()) {
      auto rows = (*watching)->query(
          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
          "datname = current_database()");
      ASSERT_TRUE(rows && rows->step().value());
      waits = rows->integer(0) > 0;
    }
    ASSERT_TRUE(acting->commit());
    const auto lease = granted.get();
    ASSERT_TRUE(lease) << lease.error().operator_text();
    EXPECT_EQ(lease->holder, "next");
    EXPECT_EQ(lease->term, 2U);
  }
  acting = open();
  EXPECT_EQ(holds_lease(*acting, key, holder, 1), false);
}

} // namespace
} // namespace foyer::engine
