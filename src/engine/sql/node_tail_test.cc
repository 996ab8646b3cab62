// The tail of the nodes on a real server: woken by notifications, begun anew after each new connection.
#include "engine/sql/node_tail.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "engine/sql/held_back.h"
#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;

// What the tail reports, for a test that waits for it.
class Reports {
 public:
  std::shared_ptr<const LogWatch> watch() {
    return std::make_shared<const LogWatch>(
        LogWatch{.opened_again = {}, .lost = {}, .moved = [this](const std::vector<ChangedRoom>& rooms) {
      note([&] {
        for (const ChangedRoom& room : rooms) moved_.insert(room.room.str() + "@" + std::to_string(room.head));
      });
    }, .taken = [this](const std::vector<ControlRow>& rows) {
      note([&] {
        for (const ControlRow& row : rows) taken_.push_back(row.room.str() + " " + row.user.str());
      });
    }, .missed = [this] { note([&] { ++missed_; }); }, .current = [this](MonoTime) { note([&] { ++readings_; }); }});
  }
  bool await_moved(const std::string& room) {
    return await([&] { return moved_.contains(room); });
  }
  bool await_taken(std::size_t rows) {
    return await([&] { return taken_.size() >= rows; });
  }
  bool await_missed(int times) {
    return await([&] { return missed_ >= times; });
  }
  bool await_readings(int more) {
    int goal = 0;
    {
      const std::lock_guard held(mutex_);
      goal = readings_ + more;
    }
    return await([&] { return readings_ >= goal; });
  }
  std::vector<std::string> taken() {
    const std::lock_guard held(mutex_);
    return taken_;
  }

 private:
  template <class Change>
  void note(Change change) {
    const std::lock_guard held(mutex_);
    change();
    more_.notify_all();
  }
  template <class Holds>
  bool await(Holds holds) {
    std::unique_lock held(mutex_);
    return more_.wait_for(held, std::chrono::seconds{30}, holds);
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::set<std::string> moved_;
  std::vector<std::string> taken_;
  int missed_ = 0, readings_ = 0;
};

struct NodeTailTest : testing::Test {
  ThreeWriters w;
  Reports reports;
  Metrics metrics;
  std::unique_ptr<NodeTail> tail;

  void SetUp() override {
    w.open({});
    ASSERT_TRUE(w.say("tea", "ann", "first"));
  }
  void follow(Millis every, const std::shared_ptr<TailSource>& source = nullptr) {
    tail = std::make_unique<NodeTail>(
        store::postgres_reader({.url = w.url}), NodeTailOptions{.every = every}, system_clock(), metrics, null_log());
    if (source) tail->add(source);
    tail->start([this] { return reports.watch(); });
    ASSERT_TRUE(reports.await_missed(1)) << "at first everything may have been missed";
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = w.url});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
};

TEST_F(NodeTailTest, ReportsWhatOthersCommit) {
  follow(Millis{20});
  ASSERT_TRUE(w.say("tea", "ann", "second"));
  EXPECT_TRUE(reports.await_moved("tea@2"));
  ASSERT_TRUE(w.create("private:den", "ann"));
  ASSERT_TRUE(w.add("private:den", "bob"));
  ASSERT_TRUE(w.remove("private:den", "bob"));
  EXPECT_TRUE(reports.await_taken(1));
  EXPECT_TRUE(reports.await_readings(5));
  EXPECT_THAT(reports.taken(), ElementsAre("private:den bob")) << "once, although readings overlap";
}

TEST_F(NodeTailTest, ANotificationOfAnotherNodeWakesIt) {
  follow(Millis{3'600'000});
  Reports of_other; // outlives the tail, which reads on until its end
  NodeTail other(
      store::postgres_reader({.url = w.url}), {.every = Millis{3'600'000}}, system_clock(), metrics, null_log());
  other.start([&] { return of_other.watch(); });
  ASSERT_TRUE(of_other.await_missed(1));
  ASSERT_TRUE(w.say("tea", "ann", "second"));
  other.committed();
  EXPECT_TRUE(reports.await_moved("tea@2"));
  ASSERT_TRUE(w.say("tea", "ann", "third"));
  tail->committed();
  EXPECT_TRUE(of_other.await_moved("tea@3"));
}

TEST_F(NodeTailTest, ANewConnectionBeginsAnew) {
  follow(Millis{20});
  const auto db = session();
  for (std::string ended = "0"; ended == "0";) { // its last statement may be another one at the moment
    ASSERT_TRUE(reports.await_readings(1));
    auto rows = db->query(
        "SELECT CAST(count(pg_terminate_backend(pid)) AS TEXT) FROM pg_stat_activity WHERE query LIKE 'SELECT "
        "CAST(pg_snapshot_xmin%' AND pid <> pg_backend_pid()");
    ASSERT_TRUE(rows && rows->step().value());
    ended = rows->text(0);
  }
  EXPECT_TRUE(reports.await_missed(2));
  ASSERT_TRUE(w.say("tea", "ann", "second"));
  EXPECT_TRUE(reports.await_moved("tea@2"));
}

TEST_F(NodeTailTest, ASourceIsReadInEachRoundAndHearsOfANewConnection) {
  struct Source final : TailSource {
    std::atomic<int> begun{0}, read_{0};
    void began_anew() override { ++begun; }
    Result<void> read(store::Database& db, MonoTime) override {
      TRY(rows, db.query("SELECT 1"));
      TRY_VOID(rows.step());
      ++read_;
      return {};
    }
  };
  const auto source = std::make_shared<Source>();
  follow(Millis{20}, source);
  EXPECT_TRUE(reports.await_readings(3));
  EXPECT_EQ(source->begun, 1);
  EXPECT_GE(source->read_, 3);
  tail->stop();
  const int read = source->read_;
  tail->committed();
  EXPECT_EQ(source->read_, read);
}

TEST(HeldBack, ATransactionThatRunsForFiveSecondsIsHeldOpen) {
  HeldBack back;
  const MonoTime start{};
  const auto after = [&](int seconds) { return start + std::chrono::seconds{seconds}; };
  EXPECT_EQ(back.held(after(100)), std::nullopt) << "nothing was seen";
  back.saw("10", false, after(0));
  back.saw("10", false, after(100));
  EXPECT_EQ(back.held(after(100)), std::nullopt) << "nothing runs, and nothing was committed";
  back.saw("10", true, after(101));
  back.saw("10", true, after(104));
  EXPECT_EQ(back.held(after(104)), std::nullopt);
  back.saw("10", true, after(106));
  EXPECT_EQ(back.held(after(106)), Millis{6'000});
  back.saw("12", true, after(107));
  EXPECT_EQ(back.held(after(107)), std::nullopt) << "it ended, and another one runs";
}

} // namespace
} // namespace foyer::engine
