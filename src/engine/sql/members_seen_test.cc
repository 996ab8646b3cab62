// What an operator sees of the members of a database, and how a dead one is removed.
#include "engine/sql/members_seen.h"

#include <gmock/gmock.h>

#include "engine/sql/duty.h"
#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Millis kSilence{10'000};

struct MembersSeenTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  ManualClock clock;
  FixedEntropy entropy;
  ManualExecutor turn{clock};
  Metrics metrics;

  std::unique_ptr<ChatStore> start(const std::string& node) {
    DatabaseStoreOptions options{.writers = Writers::many, .executor = &turn};
    options.node = node;
    options.about = {.host = "web1",
        .url = "http://10.0.0.1:8000",
        .version = "9.9",
        .build = "abc",
        .roles = "gateway",
        .started = from_unix_millis(1'700'000'000'000)};
    auto opened = open_postgres_store({.url = url}, options, clock, entropy, metrics, null_log());
    EXPECT_TRUE(opened) << opened.error().operator_text();
    return std::move(*opened);
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
  MembersSeen seen() {
    auto found = see_members(*session(), kSilence);
    EXPECT_TRUE(found) << found.error().operator_text();
    return *found;
  }
  std::vector<std::string> states() {
    std::vector<std::string> out;
    for (const MemberSeen& one : seen().members)
      out.push_back(one.member.node + " " + std::string(to_string(one.state)));
    return out;
  }
  void change(std::string_view sql) { EXPECT_TRUE(session()->change(sql)); }
  Removal remove(std::string_view node) {
    auto done = remove_member(*session(), node, kSilence);
    EXPECT_TRUE(done) << done.error().operator_text();
    return done.value_or(Removal::unknown);
  }
};

TEST_F(MembersSeenTest, BeforeTheFirstStartNobodyIsKnown) {
  EXPECT_FALSE(seen().known);
  EXPECT_EQ(remove("a"), Removal::unknown);
}

TEST_F(MembersSeenTest, AMemberSaysWhatItIs) {
  auto a = start("a");
  const auto all = seen();
  ASSERT_EQ(all.members.size(), 1U);
  const MemberSeen& one = all.members[0];
  EXPECT_EQ(one.member.about.host, "web1");
  EXPECT_EQ(one.member.about.url, "http://10.0.0.1:8000");
  EXPECT_EQ(one.member.about.version + one.member.about.build + one.member.about.roles, "9.9abcgateway");
  EXPECT_EQ(one.started, from_unix_millis(1'700'000'000'000));
  EXPECT_EQ(one.ended, std::nullopt);
  EXPECT_EQ(one.tail_lag, std::nullopt) << "it has not said anything yet";
  change("UPDATE nodes SET reported = now() - interval '2 s', unheard = 'b c', trouble = 'BUS_DEAF', held_ms = 7000");
  const auto later = seen().members.at(0);
  ASSERT_TRUE(later.tail_lag);
  EXPECT_GE(*later.tail_lag, Millis{2'000});
  EXPECT_THAT(later.unheard, ElementsAre("b", "c"));
  EXPECT_EQ(later.trouble, "BUS_DEAF");
  EXPECT_EQ(later.held_open, Millis{7'000});
}

TEST_F(MembersSeenTest, WhoSaysNothingIsSilentAsLongAsItsSessionIsOpen) {
  auto a = start("a"), b = start("b");
  EXPECT_THAT(states(), ElementsAre("a alive", "b alive"));
  change("UPDATE nodes SET reported = now() - interval '11 s' WHERE node = 'b'");
  EXPECT_THAT(states(), ElementsAre("a alive", "b silent"));
  EXPECT_EQ(remove("b"), Removal::silent);
  change("UPDATE nodes SET session_began = session_began - interval '1 s' WHERE node = 'b'"); // another one has its pid
  EXPECT_THAT(states(), ElementsAre("a alive", "b dead"));
  change("UPDATE nodes SET heard_until = now() WHERE node = 'a'");
  EXPECT_THAT(states(), ElementsAre("a dead", "b dead"));
  b.reset();
  EXPECT_THAT(states(), ElementsAre("a dead", "b ended"));
  b = start("b");
  EXPECT_EQ(states().back(), "b silent") << "as it said before its end; the first round of its tail says more";
}

TEST_F(MembersSeenTest, ADeadOneIsRemovedWithItsLeases) {
  auto a = start("a");
  change(
      "INSERT INTO present_nodes (node, until) VALUES ('a', now() + interval '1 h'), ('a.1', now() + interval '1 h'), "
      "('b', now() + interval '1 h')");
  const auto grant = [&](const std::string& holder) {
    return grant_lease(*session(),
        {.key = {.kind = std::string(kDutyKind), .name = std::string(kDutyName)},
            .holder = holder,
            .life = Millis{60'000}});
  };
  ASSERT_EQ(grant("a/x")->holder, "a/x");
  ASSERT_TRUE(seen().duty);
  EXPECT_EQ(seen().duty->node, "a");
  EXPECT_EQ(seen().duty->term, 1U);
  EXPECT_GT(seen().duty->left, Millis{0});
  EXPECT_EQ(remove("a"), Removal::alive);
  EXPECT_EQ(grant("b/y")->holder, "a/x");
  change("UPDATE nodes SET heard_until = now()");
  EXPECT_EQ(remove("a"), Removal::removed);
  EXPECT_EQ(remove("a"), Removal::unknown);
  EXPECT_EQ(grant("b/y")->holder, "b/y") << "nobody waits for its lease";
  auto db = session();
  auto rows = db->query("SELECT count(*) FROM present_nodes WHERE until > now()");
  ASSERT_TRUE(rows && *rows->step());
  EXPECT_EQ(rows->integer(0), 1);
}

TEST_F(MembersSeenTest, OneThatLivesAllTheSameWritesItsRowAgain) {
  auto a = start("a");
  change("UPDATE nodes SET heard_until = now()");
  ASSERT_EQ(remove("a"), Removal::removed);
  clock.advance(kMemberSigns);
  a->upkeep_now();
  turn.run_posted();
  EXPECT_THAT(states(), ElementsAre("a alive"));
}

} // namespace
} // namespace foyer::engine
