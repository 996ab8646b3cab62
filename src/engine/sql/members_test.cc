// Which processes may have one database open at the same time, and what they know of each other.
#include "engine/sql/members.h"

#include <gmock/gmock.h>

#include "engine/testing/store_worlds.h"
#include "store/examine.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct MembersTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  ManualClock clock;
  FixedEntropy entropy;
  ManualExecutor turn{clock};
  Metrics metrics;

  Result<std::unique_ptr<ChatStore>> start(const std::string& node, Writers writers = Writers::many) {
    return open_postgres_store(
        {.url = url}, {.writers = writers, .node = node, .executor = &turn}, clock, entropy, metrics, null_log());
  }
  // The server notices a moment later that a session has ended.
  Result<std::unique_ptr<ChatStore>> start_once_it_is_free(const std::string& node, Writers writers) {
    auto opened = start(node, writers);
    while (!opened && opened.error().cause == Cause::CLUSTER_MISMATCH) opened = start(node, writers);
    return opened;
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
  // "b 2 many", "a 1 one gone".
  std::vector<std::string> members() {
    std::vector<std::string> out;
    auto found = read_members(*session());
    EXPECT_TRUE(found) << found.error().operator_text();
    for (const Member& one : *found)
      out.push_back(one.node + " " + std::to_string(one.incarnation) + (one.mode == Writers::one ? " one" : " many") +
          (one.alive ? "" : " gone"));
    return out;
  }
  std::string enter(Member self) {
    auto entered = OwnMember(std::move(self)).enter(*session());
    return entered ? "ok" : std::string(entered.error().code()) + ": " + entered.error().evidence;
  }
};

TEST_F(MembersTest, EachProcessHasARowThatCountsItsStarts) {
  auto a = start("a"), b = start("b");
  ASSERT_TRUE(a && b);
  EXPECT_THAT(members(), ElementsAre("a 1 many", "b 1 many"));
  a->reset();
  EXPECT_THAT(members(), ElementsAre("a 1 many gone", "b 1 many"));
  a = start("a");
  ASSERT_TRUE(a);
  EXPECT_THAT(members(), ElementsAre("a 2 many", "b 1 many"));
}

TEST_F(MembersTest, OneThatIsAloneKeepsEveryoneElseOut) {
  auto alone = start("a", Writers::one);
  ASSERT_TRUE(alone) << alone.error().operator_text();
  EXPECT_THAT(members(), ElementsAre("a 1 one"));
  EXPECT_EQ(code_of(start("b", Writers::one)), "CHAT_STORE_IN_USE");
  const auto refused = start("b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::CLUSTER_MISMATCH);
  EXPECT_THAT(refused.error().evidence, HasSubstr("to be the only one has it open"));
  alone->reset();
  auto b = start_once_it_is_free("b", Writers::many);
  ASSERT_TRUE(b) << b.error().operator_text();
  EXPECT_THAT(members(), ElementsAre("b 1 many")) << "the lock shows that the other one has ended";
}

TEST_F(MembersTest, NobodyIsAloneBesideOthers) {
  auto a = start("a"), b = start("b");
  ASSERT_TRUE(a && b);
  const auto refused = start("c", Writers::one);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::CLUSTER_MISMATCH);
  EXPECT_THAT(refused.error().evidence, HasSubstr("one of several has it open"));
  EXPECT_EQ(code_of(examine_postgres_store({.url = url})), "CLUSTER_MISMATCH");
  a->reset();
  b->reset();
  auto c = start_once_it_is_free("c", Writers::one);
  ASSERT_TRUE(c) << c.error().operator_text();
  EXPECT_THAT(members(), ElementsAre("c 1 one"));
}

TEST_F(MembersTest, ASessionThatCrashedKeepsNobodyWaiting) {
  auto a = start("a");
  ASSERT_TRUE(a);
  server.end_connections();
  auto alone = start_once_it_is_free("b", Writers::one);
  ASSERT_TRUE(alone) << alone.error().operator_text();
  EXPECT_THAT(members(), ElementsAre("b 1 one"));
}

// Those that were together before they lost their connections find somebody who is alone.
TEST_F(MembersTest, AMemberThatComesBackToAnotherModeIsTold) {
  auto a = start("a");
  ASSERT_TRUE(a);
  std::vector<std::string> lost;
  (*a)->watch({.opened_again = [] {}, .lost = [&](const Refusal& why) { lost.emplace_back(why.code()); }});
  server.end_connections();
  auto alone = start_once_it_is_free("b", Writers::one);
  ASSERT_TRUE(alone) << alone.error().operator_text();
  std::string code;
  for (int i = 0; i < 3 && code != "CLUSTER_MISMATCH"; ++i) {
    (*a)->append(
        {.room = RoomName("tea"), .from = {UserId("ann"), "ann"}, .text = "x", .key = {}, .time = clock.wall()},
        [&](Result<Appended> r) { code = code_of(r); });
    turn.run_posted();
    clock.advance(Millis{5'000});
  }
  EXPECT_EQ(code, "CLUSTER_MISMATCH");
  EXPECT_THAT(lost, testing::Contains("CLUSTER_MISMATCH"));
}

TEST_F(MembersTest, MembersAreOnOneBusAndAtMostOneProtocolApart) {
  auto a = start("a");
  ASSERT_TRUE(a);
  ASSERT_EQ(enter({.node = "b", .mode = Writers::many, .protocol = kNodeProtocol + 1}), "ok");
  EXPECT_THAT(enter({.node = "c", .mode = Writers::many, .bus = "other"}),
      testing::AllOf(HasSubstr("CLUSTER_MISMATCH"), HasSubstr("is on the bus \"\", this one on \"other\"")));
  EXPECT_THAT(enter({.node = "c", .mode = Writers::many, .protocol = kNodeProtocol + 2}),
      testing::AllOf(
          HasSubstr("CLUSTER_MISMATCH"), HasSubstr("the node a speaks version 1"), HasSubstr("this one version 3")));
  EXPECT_THAT(members(), ElementsAre("a 1 many", "b 1 many"));
  // Of those that are gone nobody needs to agree.
  ASSERT_TRUE(session()->change("UPDATE nodes SET heard_until = now()"));
  EXPECT_EQ(enter({.node = "c", .mode = Writers::many, .bus = "other"}), "ok");
}

TEST_F(MembersTest, AMemberIsAliveAsLongAsItGivesSigns) {
  OwnMember member({.node = "a", .mode = Writers::many});
  auto a = start("other"); // makes the tables
  ASSERT_TRUE(a);
  auto db = session();
  ASSERT_TRUE(member.enter(*db));
  ASSERT_TRUE(db->change("UPDATE nodes SET heard_until = now()"));
  const auto sign = [&](Millis at) {
    EXPECT_TRUE(db->begin(store::Begin::write));
    const auto signed_ = member.sign(*db, MonoTime{} + at);
    EXPECT_TRUE(db->commit());
    return code_of(signed_);
  };
  EXPECT_EQ(sign(Millis{0}), "ok");
  EXPECT_THAT(members(), ElementsAre("a 1 many", "other 1 many gone"));
  ASSERT_TRUE(db->change("UPDATE nodes SET heard_until = now()"));
  EXPECT_EQ(sign(kMemberSigns - Millis{1}), "ok");
  EXPECT_THAT(members(), ElementsAre("a 1 many gone", "other 1 many gone")) << "not due yet";
  EXPECT_EQ(sign(kMemberSigns), "ok");
  EXPECT_THAT(members(), ElementsAre("a 1 many", "other 1 many gone"));

  OwnMember later({.node = "a", .mode = Writers::many});
  ASSERT_TRUE(later.enter(*db));
  EXPECT_THAT(members(), ElementsAre("a 2 many", "other 1 many gone"));
  EXPECT_EQ(sign(2 * kMemberSigns), "CHAT_STORE_IN_USE") << "a later process has its name";
  EXPECT_EQ(code_of(member.enter(*db)), "CHAT_STORE_IN_USE");
  EXPECT_EQ(member.leave(*db), false);
  EXPECT_THAT(members(), ElementsAre("a 2 many", "other 1 many gone"));
}

TEST_F(MembersTest, AStoreGivesSignsWithItsUpkeep) {
  auto a = start("a");
  ASSERT_TRUE(a);
  ASSERT_TRUE(session()->change("UPDATE nodes SET heard_until = now()"));
  clock.advance(kMemberSigns);
  (*a)->upkeep_now();
  turn.run_posted();
  EXPECT_THAT(members(), ElementsAre("a 1 many"));
}

} // namespace
} // namespace foyer::engine
