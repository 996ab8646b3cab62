// What is wrong with several nodes, by what they and their servers say.
#include "cluster/report.h"

#include <gmock/gmock.h>

#include "cluster/database_lines.h"

namespace foyer::cluster {
namespace {

using engine::MemberSeen;
using engine::MemberState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

MemberSeen member(const std::string& node, MemberState state = MemberState::alive) {
  MemberSeen out{.member = {.node = node, .mode = engine::Writers::many, .alive = state == MemberState::alive}};
  out.state = state;
  out.tail_lag = Millis{400};
  return out;
}
// "NODE_DEAF node b"
std::vector<std::string> wrong(const Report& report) {
  std::vector<std::string> out;
  for (const Trouble& one : judge(report)) out.push_back(std::string(code_of(one.cause)) + " " + one.where);
  return out;
}
std::string means(const Lines& lines, std::string_view what) {
  const auto found = std::ranges::find(lines, what, &Line::what);
  return found == lines.end() ? "nothing" : found->means;
}

TEST(ClusterReportTest, NothingIsWrongWithLivingNodesAndThoseThatEndedInOrder) {
  Report report{.members = {.members = {member("a"), member("b", MemberState::ended)}}};
  EXPECT_THAT(wrong(report), IsEmpty());
  EXPECT_THAT(
      to_text(report, {}), testing::AllOf(HasSubstr("Nodes: 1 alive; 1 ended in order"), HasSubstr("All is well.")));
}

TEST(ClusterReportTest, DeadAndSilentNodesAreNamed) {
  Report report{
      .members = {.members = {member("a"), member("b", MemberState::dead), member("c", MemberState::silent)}}};
  EXPECT_THAT(wrong(report), ElementsAre("NODE_DEAF node b", "NODE_DEAF node c"));
}

TEST(ClusterReportTest, WhatNodesSayOfTheirBusIsBelieved) {
  Report report{.members = {.members = {member("a"), member("b")}}};
  report.members.members[0].trouble = "BUS_DEAF";
  report.members.members[0].unheard = {"b", "c"};
  report.members.members[1].trouble = "NO_SUCH_CODE"; // of a later release
  const auto troubles = judge(report);
  ASSERT_EQ(troubles.size(), 1U);
  EXPECT_EQ(troubles[0].cause, Cause::BUS_DEAF);
  EXPECT_THAT(troubles[0].message, HasSubstr("b, c"));
}

TEST(ClusterReportTest, TheBusOfTheConfigurationIsThatOfTheNodes) {
  Report report{.members = {.members = {member("a")}}};
  report.bus = BusReport{.server = "redis://h:6379/0", .seen = engine::BusSeen{.facts = {}, .name = "d.x"}};
  EXPECT_THAT(wrong(report), ElementsAre("CLUSTER_MISMATCH node a"));
  report.members.members[0].member.bus = "d.y";
  EXPECT_THAT(wrong(report), ElementsAre("CLUSTER_MISMATCH node a"));
  report.members.members[0].member.bus = "d.x";
  EXPECT_THAT(wrong(report), IsEmpty());
  report.bus = BusReport{.server = "redis://h:6379/0", .wrong = Refusal{.cause = Cause::BUS_UNREACHABLE}};
  EXPECT_THAT(wrong(report), ElementsAre("BUS_UNREACHABLE bus"));
}

TEST(ClusterReportTest, AHeldTransactionIsNamedOnceByWhoeverSeesIt) {
  Report report{.members = {.members = {member("a")}}};
  report.members.members[0].held_open = Millis{9'000};
  EXPECT_THAT(wrong(report), ElementsAre("TRANSACTION_HELD_OPEN database"));
  report.database.oldest = OpenTransaction{.who = "session 7 (idle)", .database = "x", .age = Millis{9'000}};
  const auto troubles = judge(report);
  ASSERT_EQ(troubles.size(), 1U);
  EXPECT_THAT(troubles[0].message, HasSubstr("session 7 (idle) in the database x"));
  report.database.oldest->age = Millis{100};
  report.members.members[0].held_open = Millis{0};
  EXPECT_THAT(wrong(report), IsEmpty());
}

TEST(ClusterReportTest, TheSettingsOfPostgresqlSayWhatSentMeans) {
  DatabaseFacts facts{
      .synchronous_commit = "on", .most_connections = 100, .reserved_connections = 3, .connections = 20};
  EXPECT_THAT(means(describe_database(facts, 16), "synchronous_commit"), HasSubstr("waits for no standby"));
  EXPECT_THAT(means(describe_database(facts, 16), "max_connections"), HasSubstr("up to 16; 77 are free, enough for 8"));
  facts.synchronous_standbys = "s1";
  EXPECT_THAT(means(describe_database(facts, 16), "synchronous_commit"), HasSubstr("on the disk of a standby"));
  EXPECT_THAT(means(describe_database(facts, 16), "synchronous_standby_names"), HasSubstr("none of them is there"));
  facts.standbys = {{.name = "s1", .state = "streaming", .synchronous = true, .lag = Millis{1'500}}};
  EXPECT_THAT(means(describe_database(facts, 16), "synchronous_standby_names"), HasSubstr("while too few"));
  EXPECT_THAT(means(describe_database(facts, 16), "standby s1"), HasSubstr("no message that was answered is missing"));
  facts.synchronous_commit = "off";
  facts.fsync = false;
  facts.connections = 95;
  const auto lines = describe_database(facts, 16);
  EXPECT_THAT(means(lines, "synchronous_commit"), HasSubstr("before the commit is on the disk"));
  EXPECT_THAT(means(lines, "fsync"), HasSubstr("Only for tests"));
  EXPECT_THAT(means(lines, "max_connections"), HasSubstr("too few for another node"));
}

} // namespace
} // namespace foyer::cluster
