// What members say of each other, in a real database.
#include "engine/sql/member_hearing.h"

#include <gmock/gmock.h>

#include "engine/sql/members.h"
#include "engine/sql/postgres_store.h"
#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct MemberHearingTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  ManualClock clock;
  FixedEntropy entropy;
  ManualExecutor turn{clock};
  Metrics metrics;

  Result<std::unique_ptr<ChatStore>> start(const std::string& node, const std::string& bus) {
    return open_postgres_store({.url = url}, {.writers = Writers::many, .bus = bus, .node = node, .executor = &turn},
        clock, entropy, metrics, null_log());
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
};

// What a node hears of the others: "b", "b: a c", "b?" (it said nothing lately).
struct Side {
  Side(std::string node, std::vector<std::string> unheard)
      : hearing({.node = std::move(node), .unheard = [unheard = std::move(unheard)] {
                   return unheard;
                 }, .others = [this](std::vector<MemberReport> reports) {
                   read = std::move(reports);
                 }, .alive = [this](std::size_t nodes) { alive = nodes; }}) {}

  std::vector<std::string> round(store::Database& db, Millis later) {
    now += later;
    const auto done = hearing.read(db, now);
    EXPECT_TRUE(done) << done.error().operator_text();
    std::vector<std::string> out;
    for (const MemberReport& report : read) {
      out.push_back(report.node + (report.unheard ? "" : "?"));
      if (report.unheard && !report.unheard->empty()) out.back() += ":";
      for (const auto& node : report.unheard.value_or(std::vector<std::string>{})) out.back() += " " + node;
    }
    return out;
  }
  MonoTime now{std::chrono::seconds{1'000}};
  std::vector<MemberReport> read;
  std::size_t alive = 0;
  MemberHearing hearing;
};

TEST_F(MemberHearingTest, EachReadsWhatTheOthersSaidLately) {
  auto a = start("a", "bus"), b = start("b", "bus");
  ASSERT_TRUE(a && b);
  const auto db = session();
  Side one("a", {}), two("b", {"a", "c"});
  EXPECT_THAT(one.round(*db, Millis{0}), ElementsAre("b?"));
  EXPECT_THAT(two.round(*db, Millis{0}), ElementsAre("a"));
  EXPECT_EQ(two.alive, 2U);
  EXPECT_THAT(one.round(*db, Millis{100}), ElementsAre("b?")) << "once in a tick";
  EXPECT_THAT(one.round(*db, Millis{1'000}), ElementsAre("b: a c"));
  // By the server's clock.
  ASSERT_TRUE(db->change("UPDATE nodes SET reported = reported - interval '4 s' WHERE node = 'b'"));
  EXPECT_THAT(one.round(*db, Millis{1'000}), ElementsAre("b?"));
  ASSERT_TRUE(db->change("UPDATE nodes SET reported = reported - interval '7 s' WHERE node = 'b'"));
  EXPECT_THAT(one.round(*db, Millis{1'000}), IsEmpty()) << "it is taken for dead, though its row is alive";
  EXPECT_EQ(one.alive, 1U);
}

TEST_F(MemberHearingTest, TheDatabaseSaysWhichBusItsMembersUse) {
  const auto before = look_at_nodes({.url = url});
  ASSERT_TRUE(before) << before.error().operator_text();
  EXPECT_EQ(before->bus, "");
  auto a = start("a", "d.x");
  ASSERT_TRUE(a);
  const auto now = look_at_nodes({.url = url});
  ASSERT_TRUE(now);
  EXPECT_EQ(now->bus, "d.x");
  EXPECT_EQ(now->name, before->name);
  EXPECT_EQ(now->name.size(), 12U);
  const auto other = look_at_nodes({.url = server.fresh()});
  ASSERT_TRUE(other);
  EXPECT_NE(other->name, now->name);
  a->reset();
  EXPECT_EQ(look_at_nodes({.url = url})->bus, "") << "it has left";
}

} // namespace
} // namespace foyer::engine
