#include "engine/sql/shared_entries.h"

#include <gmock/gmock.h>

#include <future>
#include <optional>
#include <thread>

#include "base/manual_executor.h"
#include "engine/sql/postgres_schema.h"
#include "engine/testing/shared_entries_contract.h"
#include "store/postgres.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

// Of the chat; nobody else uses it any more. That of the accounts has the same columns.
constexpr const char* kEntriesTable = "shared_entries";

std::unique_ptr<store::Writer> writer_of(const std::string& url, Metrics& metrics, Executor* executor) {
  auto opened = store::Writer::open(
      store::postgres_writer({.url = url, .isolation = store::Isolation::read_committed}, kPostgresChat),
      {.name = "shared", .executor = executor}, {}, system_clock(), metrics, null_log());
  if (!opened) throw std::runtime_error(opened.error().operator_text());
  return std::move(*opened);
}

class SqlEntriesWorld final : public EntriesWorld {
 public:
  SharedEntries& entries() override { return entries_; }
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
  SqlSharedEntries entries_{*writer_, clock_, {.table = kEntriesTable, .by_clock = true}};
};

INSTANTIATE_TEST_SUITE_P(Postgres, SharedEntriesContract,
    testing::Values([]() -> std::unique_ptr<EntriesWorld> { return std::make_unique<SqlEntriesWorld>(); }));

TEST(SqlSharedEntries, WhatIsOverIsDeleted) {
  SqlEntriesWorld w;
  w.take({.key = {"nonce", "a"}, .by = "ann", .remember = Millis{1'000}});
  w.put({.key = {"ticket", "a"}, .value = "v", .life = Millis{1'000}, .remember = Millis{1'000}});
  w.clock().advance(Millis{3'000});
  w.take({.key = {"nonce", "b"}, .by = "ann", .remember = Millis{1'000}});
  w.put({.key = {"ticket", "b"}, .value = "v", .life = Millis{1'000}});
  EXPECT_EQ(w.asked("SELECT count(*) FROM shared_entries"), "2");
}

// What has to wait looks at the rows once, and not each time: others share the writer.
TEST(SqlSharedEntries, WhileNoneFitsTheRowsAreNotReadAgain) {
  SqlEntriesWorld w;
  const auto put = [&](const std::string& name) {
    std::optional<Result<bool>> answer;
    w.entries().put_until({.key = {"ticket", name}, .value = "v", .life = Millis{30'000}, .most = 1},
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
struct EntriesOfNodes : testing::Test {
  const std::string url = testing_world::Postgres::shared().fresh();
  Metrics metrics;
  std::vector<std::unique_ptr<store::Writer>> writers;
  std::vector<std::unique_ptr<SqlSharedEntries>> nodes;

  void SetUp() override {
    for (int i = 0; i < 3; ++i) {
      writers.push_back(writer_of(url, metrics, nullptr));
      nodes.push_back(std::make_unique<SqlSharedEntries>(
          *writers.back(), system_clock(), SharedEntriesOptions{.table = kEntriesTable}));
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

TEST_F(EntriesOfNodes, OfSeveralNodesThatTakeAtOnceOneIsFirst) {
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

} // namespace
} // namespace foyer::engine
