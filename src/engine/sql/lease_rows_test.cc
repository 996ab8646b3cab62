#include "engine/sql/lease_rows.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "engine/sql/postgres_schema.h"
#include "store/postgres.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

struct LeaseRows : testing::Test {
  const std::string url = [] {
    const std::string fresh = testing_world::Postgres::shared().fresh();
    EXPECT_TRUE(store::postgres_writer({.url = fresh}, kPostgresChat)());
    return fresh;
  }();
  const SharedKey key{"sweeper", "rooms"};
  WallTime now = from_unix_millis(1'700'000'000'000);

  [[nodiscard]] std::unique_ptr<store::Database> open() const {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db && (*db)->begin(store::Begin::write));
    return std::move(*db);
  }
  // "a:1": the holder and the term.
  std::string ask(const std::string& holder, const SharedKey& of) {
    const auto db = open();
    const auto lease = grant_lease(*db, {.key = of, .holder = holder, .life = Millis{1'000}}, now);
    EXPECT_TRUE(lease && db->commit());
    return lease->holder + ":" + std::to_string(lease->term);
  }
  std::string ask(const std::string& holder) { return ask(holder, key); }
  bool end(const std::string& holder, std::uint64_t term) {
    const auto db = open();
    const auto ended = end_lease(*db, key, holder, term, now);
    EXPECT_TRUE(ended && db->commit());
    return *ended;
  }
};

TEST_F(LeaseRows, ALeaseIsOnesUntilItLapsesAndEachNewOneHasALaterTerm) {
  EXPECT_EQ(ask("a"), "a:1");
  now += Millis{900};
  EXPECT_EQ(ask("b"), "a:1");
  EXPECT_EQ(ask("a"), "a:1") << "renewed";
  now += Millis{900};
  EXPECT_EQ(ask("b"), "a:1");
  now += Millis{100};
  EXPECT_EQ(ask("b"), "b:2");
  now += Millis{1'000};
  EXPECT_EQ(ask("b"), "b:3") << "it had lapsed: another holder may have acted meanwhile";
  EXPECT_EQ(ask("a", {"sweeper", "other"}), "a:1");
}

TEST_F(LeaseRows, ALeaseIsEndedByItsHolderInItsTermAlone) {
  EXPECT_FALSE(end("a", 0));
  ASSERT_EQ(ask("a"), "a:1");
  EXPECT_FALSE(end("b", 1));
  EXPECT_FALSE(end("a", 2));
  EXPECT_EQ(ask("b"), "a:1");
  EXPECT_TRUE(end("a", 1));
  EXPECT_FALSE(end("a", 1));
  EXPECT_EQ(ask("b"), "b:2");
}

// By the server's clock, on connections of their own, as several nodes are.
TEST_F(LeaseRows, ALeaseHasOneHolderAndAWriteOfAnEarlierTermIsRefused) {
  std::vector<std::future<Lease>> answers;
  for (const char* node : {"0", "1", "2"})
    answers.push_back(std::async(std::launch::async, [&, node] {
      const auto db = open();
      auto lease = grant_lease(*db, {.key = key, .holder = node, .life = Millis{600'000}});
      EXPECT_TRUE(lease && db->commit());
      return lease.value_or(Lease{});
    }));
  std::string holder;
  for (auto& answer : answers) {
    const Lease lease = answer.get();
    EXPECT_TRUE(holder.empty() || holder == lease.holder);
    EXPECT_EQ(lease.term, 1U);
    holder = lease.holder;
  }
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
