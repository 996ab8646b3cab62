#include "engine/sql/presence_store.h"

#include <gmock/gmock.h>

#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "base/manual_executor.h"
#include "engine/sql/postgres_schema.h"
#include "engine/testing/presence_store_contract.h"
#include "store/postgres.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// The view of one node. Its rounds are the test's, and so is the thread of its writer.
class Node final : public PresenceWorld {
 public:
  Node(const std::string& url, const std::string& id, bool with_thread = false, std::size_t queue_limit = 20'000)
      : writer_(open(url, with_thread ? nullptr : &executor_, queue_limit)),
        store_({.node = NodeId(id),
                   .report = [this](const PresenceReport& report) { note(report); },
                   .recount = [this](const PresenceReport& report) { note(report); }},
            *writer_, executor_) {
    for (int i = 0; i < kPresenceLooks && !with_thread; ++i) round();
  }

  SqlPresenceStore& store() override { return store_; }
  void run() override { executor_.run_posted(); }
  // False: it did not end.
  bool round() {
    bool ended = false;
    store_.round([&ended] { ended = true; });
    run();
    return ended;
  }
  // The store waits a moment before it connects again.
  bool round_until_somebody_is_in(const char* room) {
    bool there = false;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        !there && std::chrono::steady_clock::now() < end;) {
      round();
      store_.members(RoomName(room), 1, [&there](const Result<PresentMembers>& r) { there = r && r->count > 0; });
      run();
    }
    return there;
  }
  // "tea: Ann left 1", "tea: recounted 2", since the last call.
  std::vector<std::string> reports() { return std::exchange(reports_, {}); }

 private:
  std::unique_ptr<store::Writer> open(const std::string& url, Executor* executor, std::size_t queue_limit) {
    auto opened = store::Writer::open(
        store::postgres_writer({.url = url, .isolation = store::Isolation::read_committed}, kPostgresChat),
        {.name = "signals", .queue_limit = queue_limit, .executor = executor}, {}, system_clock(), metrics_,
        null_log());
    if (!opened) throw std::runtime_error(opened.error().operator_text());
    return std::move(*opened);
  }
  void note(const PresenceReport& report) {
    const auto line = [&](const std::string& what) {
      reports_.push_back(report.room.str() + ": " + what + " " + std::to_string(report.count));
    };
    EXPECT_GT(report.order, 0U);
    for (const rooms::Member& member : report.came) line(member.name + " came");
    for (const rooms::Member& member : report.left) line(member.name + " left");
    if (report.recount) line("recounted");
  }

  Metrics metrics_;
  ManualClock clock_;
  ManualExecutor executor_{clock_};
  std::vector<std::string> reports_;
  std::unique_ptr<store::Writer> writer_;
  SqlPresenceStore store_;
};

INSTANTIATE_TEST_SUITE_P(Postgres, PresenceStoreContract, testing::Values([]() -> std::unique_ptr<PresenceWorld> {
  return std::make_unique<Node>(testing_world::Postgres::shared().fresh(), "n1");
}));

struct SqlPresenceTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();

  std::unique_ptr<Node> node(const std::string& id) { return std::make_unique<Node>(url, id); }
  void change(const std::string& sql) {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    ASSERT_TRUE(db) << db.error().operator_text();
    ASSERT_TRUE((*db)->change(sql)) << sql;
  }
  void end_lease(const std::string& id) {
    change("UPDATE present_nodes SET until = now() - interval '1 second' WHERE node = '" + id + "'");
  }
};

TEST_F(SqlPresenceTest, AUserOnTwoNodesCameOnceAndLeavesWithTheLast) {
  const auto a = node("a"), b = node("b");
  EXPECT_EQ(a->touch("tea", "ann", "Ann"), "came 1");
  EXPECT_EQ(b->touch("tea", "ann", "Other"), "- 1");
  EXPECT_EQ(b->touch("tea", "bob", "Bob"), "came 2");
  EXPECT_THAT(a->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  EXPECT_EQ(a->leave("tea", "ann"), "- 2");
  EXPECT_EQ(a->leave("tea", "bob"), "- 2") << "it is not this node that has bob";
  EXPECT_EQ(b->leave("tea", "ann"), "Ann left 1");
}

// Requests share a transaction, and each has its own answer.
TEST_F(SqlPresenceTest, WhatIsAskedForAtOnceIsAnsweredInTurn) {
  const auto a = node("a");
  std::vector<std::string> answers;
  const auto answer = [&](Result<PresenceChange> r) {
    answers.push_back((r->changed ? "* " : "- ") + std::to_string(r->count) + r->name);
  };
  for (const char* user : {"ann", "bob", "ann"}) a->store().touch(RoomName("tea"), {UserId(user), user}, answer);
  a->store().touch(RoomName("milk"), {UserId("ann"), "Ann"}, answer);
  a->store().leave(RoomName("tea"), UserId("ann"), answer);
  a->store().leave(RoomName("tea"), UserId("bob"), answer);
  a->store().members(
      RoomName("tea"), 10, [&](Result<PresentMembers> r) { answers.push_back("of " + std::to_string(r->count)); });
  a->store().touch(RoomName("tea"), {UserId("eve"), "Eve"}, answer);
  a->run();
  EXPECT_THAT(answers, ElementsAre("* 1", "* 2", "- 2", "* 1", "* 1ann", "* 0bob", "of 0", "* 1"));
}

TEST_F(SqlPresenceTest, TheUsersOfANodeThatDiedAreReportedOnceAndNobodyElse) {
  const auto a = node("a"), c = node("c");
  auto b = node("b");
  b->touch("tea", "ann", "Ann");
  b->touch("tea", "bob", "Bob");
  b->touch("milk", "bob", "Bob");
  a->touch("tea", "bob", "Bob");
  b.reset();
  for (Node* each : {a.get(), c.get()}) each->round();
  EXPECT_THAT(a->reports(), IsEmpty()) << "its lease goes on";
  end_lease("b");
  a->round();
  c->round();
  EXPECT_THAT(a->reports(), UnorderedElementsAre("tea: Ann left 1", "milk: Bob left 0"));
  EXPECT_THAT(c->reports(), IsEmpty());
  EXPECT_THAT(a->names("tea"), ElementsAre("bob=Bob"));
  EXPECT_EQ(a->members("milk").count, 0U);
  a->round();
  c->round();
  EXPECT_THAT(a->reports(), IsEmpty());
  EXPECT_EQ(a->leave("tea", "bob"), "Bob left 0");
}

TEST_F(SqlPresenceTest, EntriesOfADeadNodeDoNotCountEvenBeforeTheyAreRemoved) {
  const auto a = node("a");
  auto b = node("b");
  b->touch("tea", "ann", "Ann");
  b.reset();
  end_lease("b");
  // Another node is cleaning up, and does not get on with it.
  change("UPDATE present_nodes SET reaper = 'c', reaper_until = now() + interval '1 hour' WHERE node = 'b'");
  a->round();
  EXPECT_THAT(a->names("tea"), IsEmpty());
  EXPECT_EQ(a->members("tea").count, 0U);
  EXPECT_EQ(a->touch("tea", "ann", "Ann again"), "came 1");
  EXPECT_THAT(a->names("tea"), ElementsAre("ann=Ann again"));
  change("UPDATE present_nodes SET reaper_until = now() WHERE node = 'b'");
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty()) << "ann is here";
  EXPECT_EQ(a->leave("tea", "ann"), "Ann again left 0");
}

TEST_F(SqlPresenceTest, ANodeThatWasSilentForTooLongWritesItsUsersAgain) {
  const auto a = node("a"), b = node("b");
  a->touch("tea", "ann", "Ann");
  b->touch("tea", "bob", "Bob");
  end_lease("a");
  b->round();
  EXPECT_THAT(b->reports(), ElementsAre("tea: Ann left 1"));
  a->round();
  EXPECT_THAT(a->reports(), ElementsAre("tea: Ann came 2"));
  EXPECT_THAT(b->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  // Before anybody noticed, it changes nothing for others.
  end_lease("a.1");
  a->round();
  b->round();
  EXPECT_THAT(a->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  EXPECT_THAT(a->reports(), IsEmpty());
  EXPECT_THAT(b->reports(), IsEmpty());
  EXPECT_EQ(a->leave("tea", "ann"), "Ann left 1");
}

TEST_F(SqlPresenceTest, AfterAnOutageLongerThanTheLeasesNobodySeemsToLeaveOrToCome) {
  const auto a = node("a"), b = node("b");
  a->touch("tea", "ann", "Ann");
  b->touch("tea", "bob", "Bob");
  for (const char* id : {"a", "b"}) end_lease(id);
  for (int i = 0; i <= kPresenceLooks; ++i)
    for (Node* each : {a.get(), b.get()}) each->round();
  for (Node* each : {a.get(), b.get()}) {
    EXPECT_THAT(each->reports(), IsEmpty());
    EXPECT_THAT(each->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  }
}

// Whoever comes first shows that the server is back; the next round may be seconds away.
TEST_F(SqlPresenceTest, WhoComesRightAfterAnOutageLongerThanTheLeasesIsThereForEveryNode) {
  const auto a = node("a"), b = node("b");
  a->touch("tea", "ann", "Ann");
  change("ALTER TABLE present_nodes RENAME TO hidden");
  a->round();
  change("ALTER TABLE hidden RENAME TO present_nodes");
  end_lease("a");
  EXPECT_EQ(a->touch("tea", "bob", "Bob"), "came 2");
  EXPECT_THAT(b->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
}

TEST_F(SqlPresenceTest, WhatCouldNotBeWrittenIsWrittenInTheNextRound) {
  const auto a = node("a"), b = node("b");
  a->touch("tea", "ann", "Ann");
  change("ALTER TABLE present ADD CONSTRAINT nobody CHECK (\"user\" <> 'bob')");
  EXPECT_EQ(a->touch("tea", "bob", "Bob"), "STORE_FAILED");
  EXPECT_THAT(b->names("tea"), ElementsAre("ann=Ann"));
  change("ALTER TABLE present DROP CONSTRAINT nobody");
  a->round();
  EXPECT_THAT(a->reports(), ElementsAre("tea: Bob came 2"));
  EXPECT_THAT(b->names("tea"), UnorderedElementsAre("ann=Ann", "bob=Bob"));
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty());
}

TEST_F(SqlPresenceTest, WhoLeftWhileItCouldNotBeWrittenIsReportedInTheNextRound) {
  const auto a = node("a"), b = node("b");
  for (const char* user : {"ann", "bob"}) a->touch("tea", user, user);
  b->touch("tea", "bob", "bob");
  change("ALTER TABLE present RENAME TO hidden");
  EXPECT_EQ(a->leave("tea", "ann"), "STORE_FAILED");
  EXPECT_EQ(a->leave("tea", "bob"), "STORE_FAILED");
  EXPECT_EQ(a->touch("tea", "eve", "eve"), "STORE_FAILED");
  EXPECT_EQ(a->leave("tea", "eve"), "STORE_FAILED");
  change("ALTER TABLE hidden RENAME TO present");
  a->round();
  EXPECT_THAT(a->reports(), ElementsAre("tea: ann left 1")) << "bob is at the other node; of eve nobody knows";
  EXPECT_THAT(b->names("tea"), ElementsAre("bob=bob"));
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty());
}

TEST_F(SqlPresenceTest, ChangesOfAUserHaveRisingNumbersOverAllNodes) {
  const auto a = node("a"), b = node("b");
  std::uint64_t last = 0;
  const auto rises = [&](const Result<PresenceChange>& change) {
    ASSERT_TRUE(change && change->changed);
    EXPECT_GT(change->order, last);
    last = change->order;
  };
  for (int i = 0; i < 10; ++i)
    for (Node* each : {a.get(), b.get()}) {
      each->store().touch(RoomName("tea"), {UserId("ann"), "Ann"}, rises);
      each->store().leave(RoomName("tea"), UserId("ann"), rises);
      each->run();
    }
}

TEST_F(SqlPresenceTest, AUserWhoComesAndGoesOnTwoNodesAtOnceIsReportedInTurn) {
  Node a(url, "a", true), b(url, "b", true);
  for (Node* each : {&a, &b}) {
    std::promise<void> ended;
    each->store().members(RoomName("x"), 1, [&](const Result<PresentMembers>&) { ended.set_value(); });
    ended.get_future().get();
  }
  change(
      "INSERT INTO present_nodes (node, until) VALUES ('a', now() + interval '1 hour'), ('b', now() + interval '1 "
      "hour')");
  std::atomic<int> came{0}, left{0};
  std::mutex mutex;
  std::map<std::uint64_t, bool> in_turn; // whether the user came
  const auto note = [&](const Result<PresenceChange>& r, bool is_coming) {
    if (!r->changed) return;
    ++(is_coming ? came : left);
    const std::lock_guard held(mutex);
    EXPECT_TRUE(in_turn.emplace(r->order, is_coming).second);
  };
  const auto many_times = [&](Node& node) {
    for (int i = 0; i < 200; ++i) {
      std::promise<void> ended;
      node.store().touch(
          RoomName("tea"), {UserId("ann"), "Ann"}, [&](const Result<PresenceChange>& r) { note(r, true); });
      node.store().leave(RoomName("tea"), UserId("ann"), [&](const Result<PresenceChange>& r) {
        note(r, false);
        ended.set_value();
      });
      ended.get_future().get();
    }
  };
  {
    std::jthread one([&] { many_times(a); }), two([&] { many_times(b); });
  }
  EXPECT_EQ(came, left);
  EXPECT_GE(came, 1);
  bool there = false;
  for (const auto& [order, is_coming] : in_turn) EXPECT_NE(std::exchange(there, is_coming), is_coming);
  std::promise<std::size_t> count;
  a.store().members(RoomName("tea"), 1, [&](const Result<PresentMembers>& r) { count.set_value(r->count); });
  EXPECT_EQ(count.get_future().get(), 0U);
}

TEST_F(SqlPresenceTest, WhatIsRefusedWhileARoundWritesTheRoomIsWrittenByTheNextRound) {
  Node a(url, "a", true, 1);
  const auto rounds = [&a](std::promise<void>& ended) { a.store().round([&ended] { ended.set_value(); }); };
  const auto touch = [&a](const char* user, std::promise<bool>& came) {
    a.store().touch(RoomName("tea"), {UserId(user), user},
        [&came](const Result<PresenceChange>& change) { came.set_value(change.has_value()); });
  };
  std::promise<void> first, second, third;
  std::promise<bool> bob, ann;
  rounds(first);
  first.get_future().get();
  touch("bob", bob);
  ASSERT_TRUE(bob.get_future().get());
  end_lease("a"); // the next round writes every room
  auto other = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
  ASSERT_TRUE(other);
  {
    auto held = store::Transaction::begin(**other);
    ASSERT_TRUE(held && (*other)->change("LOCK TABLE present IN ACCESS EXCLUSIVE MODE"));
    rounds(second);
    const std::string waits = "SELECT count(*) FROM pg_locks WHERE relation = 'present'::regclass AND NOT granted";
    for (bool waiting = false; !waiting;) {
      auto rows = (*other)->query(waits);
      ASSERT_TRUE(rows && rows->step());
      waiting = rows->integer(0) > 0;
    }
    rounds(third); // fills the queue
    touch("ann", ann);
    EXPECT_FALSE(ann.get_future().get());
    ASSERT_TRUE(held->commit());
  }
  second.get_future().get();
  third.get_future().get();
  std::promise<std::size_t> count;
  a.store().members(RoomName("tea"), 9, [&](const Result<PresentMembers>& r) { count.set_value(r ? r->count : 0); });
  EXPECT_EQ(count.get_future().get(), 2U);
}

TEST_F(SqlPresenceTest, WhenWhatOthersSaidWasLostTheRoomsOfANodeAreCounted) {
  const auto a = node("a"), b = node("b");
  for (std::size_t i = 0; i <= kPresenceStatement; ++i) a->touch(("r" + std::to_string(i)).c_str(), "ann");
  b->touch("r7", "bob");
  b->touch("tea", "bob");
  a->store().recount();
  a->run();
  auto reports = a->reports();
  EXPECT_EQ(reports.size(), kPresenceStatement + 1) << "in several transactions";
  EXPECT_THAT(reports, testing::Contains("r7: recounted 2"));
  EXPECT_THAT(reports, testing::Contains("r8: recounted 1"));
  a->round();
  EXPECT_THAT(a->reports(), IsEmpty());
  EXPECT_THAT(b->reports(), IsEmpty());
}

TEST_F(SqlPresenceTest, LargeRoomsAreListedInPartAndCountedWhole) {
  const auto a = node("a"), b = node("b");
  const std::size_t users = kPresenceTransaction + 10;
  for (std::size_t i = 0; i < users; ++i)
    a->store().touch(RoomName("tea"), {UserId("u" + std::to_string(i)), "U"}, [](const Result<PresenceChange>&) {});
  const auto present = a->members("tea", 300);
  EXPECT_EQ(present.count, users);
  EXPECT_EQ(present.members.size(), 300U);
  end_lease("a");
  b->round();
  EXPECT_EQ(b->reports().size(), users) << "in several transactions";
  EXPECT_EQ(b->members("tea").count, 0U);
}

TEST(SqlPresenceAfterACrash, EachNodeWritesWhatItHasAgain) {
  testing_world::Postgres server; // its own: the test ends it
  server.start();
  const std::string url = server.fresh();
  Node a(url, "a"), b(url, "b");
  a.touch("tea", "ann", "Ann");
  b.touch("tea", "ann", "Ann");
  b.touch("milk", "bob", "Bob");
  server.kill();
  server.start();
  EXPECT_NE(a.touch("tea", "eve", "Eve"), "came 2") << "its connection is lost";
  EXPECT_TRUE(a.round_until_somebody_is_in("tea"));
  EXPECT_TRUE(b.round_until_somebody_is_in("milk"));
  EXPECT_THAT(b.names("tea"), UnorderedElementsAre("ann=Ann", "eve=Eve"));
  EXPECT_THAT(b.names("milk"), ElementsAre("bob=Bob"));
  const auto reports = a.reports();
  EXPECT_THAT(reports, testing::Contains("tea: recounted 2"));
  EXPECT_THAT(reports, testing::Not(testing::Contains("tea: Ann came 2"))) << "nobody was told that she had left";
  EXPECT_THAT(b.reports(), UnorderedElementsAre("tea: recounted 2", "milk: recounted 1"));
  EXPECT_EQ(a.leave("tea", "ann"), "- 2");
  EXPECT_EQ(b.leave("tea", "ann"), "Ann left 1");
}

} // namespace
} // namespace foyer::engine
