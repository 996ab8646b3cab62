// What a node learns of the changes of others, with real transactions that overlap.
#include "engine/sql/changed_rooms.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

struct ChangedRoomsTest : testing::Test {
  ThreeWriters w;
  ChangedRooms changed;
  std::unique_ptr<store::Database> reading;
  MonoTime now{};

  void SetUp() override {
    w.open({});
    for (const char* room : {"tea", "milk", "cake"}) ASSERT_TRUE(w.say(room, "ann", "first"));
    reading = session();
    ASSERT_TRUE(changed.start(*reading, {}, now));
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = w.url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
  // A transaction of its own that changes a room, and is not committed yet.
  std::unique_ptr<store::Database> changing(const std::string& room) {
    auto db = session();
    EXPECT_TRUE(db->begin(store::Begin::write));
    change(*db, room);
    return db;
  }
  static void change(store::Database& db, const std::string& room) {
    EXPECT_TRUE(
        db.change("INSERT INTO changed (room_id, head) SELECT id, last_offset FROM rooms WHERE name = ?", room));
  }
  // "tea@1", in the order of the names; "start" if that is due.
  std::vector<std::string> seen() {
    auto rooms = changed.read(*reading, now);
    EXPECT_TRUE(rooms) << rooms.error().operator_text();
    if (!*rooms) return {"start"};
    std::vector<std::string> out;
    for (const ChangedRoom& one : **rooms) out.push_back(one.room.str() + "@" + std::to_string(one.head));
    std::ranges::sort(out);
    return out;
  }
};

TEST_F(ChangedRoomsTest, EachChangeOfAStoreIsSeenByTheOthers) {
  EXPECT_THAT(seen(), IsEmpty());
  ASSERT_TRUE(w.say("tea", "ann", "second"));
  ASSERT_TRUE(w.say("new", "ann", "first"));
  EXPECT_THAT(seen(), ElementsAre("new@1", "tea@2"));
  EXPECT_THAT(seen(), IsEmpty());
  ASSERT_TRUE(w.erase("milk", 1, "ann"));
  auto rooms = changed.read(*reading, now);
  ASSERT_TRUE(rooms && *rooms);
  ASSERT_EQ((*rooms)->size(), 1U);
  EXPECT_EQ((*rooms)->front().room, RoomName("milk"));
  EXPECT_EQ((*rooms)->front().change, 1U);
  ASSERT_TRUE(w.clear("cake"));
  EXPECT_THAT(seen(), ElementsAre("cake@1"));
  ASSERT_TRUE(w.detach("ann"));
  EXPECT_THAT(seen(), ElementsAre("milk@1", "new@1", "tea@2")) << "her messages in cake are gone";
}

TEST_F(ChangedRoomsTest, ARoomWhoseHistoryWentBackIsSeenWithItsNewEpoch) {
  const Epoch before = w.stands("tea")->epoch;
  ASSERT_TRUE(w.stands("tea", {before, 9}));
  const auto rooms = changed.read(*reading, now);
  ASSERT_TRUE(rooms && *rooms);
  ASSERT_EQ((*rooms)->size(), 1U);
  EXPECT_NE((*rooms)->front().epoch, before);
  EXPECT_EQ((*rooms)->front().epoch, w.stands("tea")->epoch);
}

// A number that is drawn in order, as of a sequence, would be below what was read.
TEST_F(ChangedRoomsTest, ATransactionThatBeganFirstAndEndsLastIsSeenWhenItEnds) {
  auto early = changing("tea");
  auto late = changing("milk");
  ASSERT_TRUE(late->commit());
  EXPECT_THAT(seen(), ElementsAre("milk@1"));
  ASSERT_TRUE(early->commit());
  EXPECT_THAT(seen(), IsSupersetOf({"tea@1"}));
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(ChangedRoomsTest, AChangeWithinASavepointIsSeenWhenTheWholeTransactionEnds) {
  auto whole = session();
  ASSERT_TRUE(whole->begin(store::Begin::write));
  change(*whole, "cake"); // the transaction has its number
  auto between = changing("milk");
  ASSERT_TRUE(whole->save());
  change(*whole, "tea");
  ASSERT_TRUE(whole->drop_save());
  ASSERT_TRUE(between->commit());
  EXPECT_THAT(seen(), ElementsAre("milk@1"));
  ASSERT_TRUE(whole->commit());
  EXPECT_THAT(seen(), IsSupersetOf({"cake@1", "tea@1"}));
}

TEST_F(ChangedRoomsTest, AnotherDatabasesOpenTransactionMakesReadingsRepeatAndNothingElse) {
  auto other = store::open_postgres({.url = w.server.fresh()});
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->begin(store::Begin::write));
  auto number = (*other)->query("SELECT CAST(pg_current_xact_id() AS TEXT)");
  ASSERT_TRUE(number && number->step().value());
  ASSERT_TRUE(w.say("tea", "ann", "x"));
  EXPECT_THAT(seen(), ElementsAre("tea@2"));
  ASSERT_TRUE(w.say("milk", "ann", "x"));
  EXPECT_THAT(seen(), ElementsAre("milk@2", "tea@2")) << "again";
  ASSERT_TRUE((*other)->roll_back());
  EXPECT_THAT(seen(), ElementsAre("milk@2", "tea@2")) << "for the last time";
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(ChangedRoomsTest, AfterANewConnectionAReadingBeginsWithWhereTheRoomsStand) {
  ASSERT_TRUE(w.say("tea", "ann", "while it was away"));
  changed.reconnected();
  EXPECT_THAT(seen(), ElementsAre("start"));
  const auto heads =
      changed.start(*reading, {RoomName("tea"), RoomName("milk"), RoomName("none"), RoomName("a\"\\b")}, now);
  ASSERT_TRUE(heads);
  std::vector<std::string> stand;
  for (const ChangedRoom& one : *heads) stand.push_back(one.room.str() + "@" + std::to_string(one.head));
  EXPECT_THAT(stand, UnorderedElementsAre("tea@2", "milk@1"));
  EXPECT_THAT(seen(), IsEmpty());
  ASSERT_TRUE(w.say("milk", "ann", "x"));
  EXPECT_THAT(seen(), ElementsAre("milk@2"));
}

TEST_F(ChangedRoomsTest, WhoeverDidNotReadForLongBeginsAgain) {
  now += kTailKept;
  EXPECT_THAT(seen(), ElementsAre("start"));
  ASSERT_TRUE(changed.start(*reading, {}, now));
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(ChangedRoomsTest, WhenEveryRoomGetsANewEpochReadersBeginAgain) {
  ASSERT_TRUE(reading->change("UPDATE facts SET value = '7' WHERE name = 'system'"));
  w.open({});
  EXPECT_THAT(seen(), ElementsAre("start"));
}

TEST_F(ChangedRoomsTest, RowsAreDeletedOnceEveryoneHasReadOrMissedThem) {
  const auto rows = [&] {
    auto found = reading->query("SELECT count(*) FROM changed");
    EXPECT_TRUE(found && found->step().value());
    return found->integer(0);
  };
  TailTrim trim;
  const auto step = [&] {
    auto writing = session();
    ASSERT_TRUE(writing->begin(store::Begin::write));
    ASSERT_TRUE(trim.step(*writing, now));
    ASSERT_TRUE(writing->commit());
  };
  ASSERT_EQ(rows(), 3);
  step();
  now += Millis{10'000};
  ASSERT_TRUE(w.say("tea", "ann", "x"));
  step();
  EXPECT_EQ(rows(), 4);
  now += kTailKept - Millis{10'000};
  step();
  EXPECT_EQ(rows(), 1) << "what came after the first step is younger";
  now += Millis{10'000};
  step();
  EXPECT_EQ(rows(), 0);
}

TEST_F(ChangedRoomsTest, RowsOfAnotherHistoryOfTheDatabaseAreDeleted) {
  ASSERT_TRUE(reading->change("INSERT INTO changed (room_id, head, xid) VALUES (1, 1, CAST('9000000000' AS XID8))"));
  EXPECT_THAT(seen(), ElementsAre("tea@1")) << "with every reading";
  TailTrim trim;
  ASSERT_TRUE(reading->begin(store::Begin::write));
  ASSERT_TRUE(trim.step(*reading, now));
  ASSERT_TRUE(reading->commit());
  EXPECT_THAT(seen(), IsEmpty());
}

// Writers that take their time in transactions and savepoints, while somebody reads without a pause.
TEST_F(ChangedRoomsTest, NothingIsMissedWhileManyTransactionsOverlap) {
  constexpr int kWriters = 6, kEach = 120;
  std::atomic<int> writing{kWriters};
  ASSERT_TRUE(reading->script(
      "INSERT INTO foyer.rooms (name, kind, epoch, last_offset, active_ms) SELECT 'r' || n, 0, 'e', 1, 0 FROM "
      "generate_series(1, 720) n"));
  std::vector<std::thread> writers;
  for (int p = 0; p < kWriters; ++p)
    writers.emplace_back([&, p] {
      auto db = session();
      std::mt19937 random(static_cast<unsigned>(p));
      for (int i = 0; i < kEach; ++i) {
        ASSERT_TRUE(db->begin(store::Begin::write));
        const bool save = random() % 2 == 0;
        if (save && random() % 2 == 0) { // the number comes before the savepoint
          ASSERT_TRUE(db->query("SELECT pg_current_xact_id()")->run());
        }
        if (save) {
          ASSERT_TRUE(db->save());
        }
        change(*db, "r" + std::to_string(p * kEach + i + 1));
        if (save) {
          ASSERT_TRUE(db->drop_save());
        }
        for (auto pause = random() % 3; pause > 0; --pause) {
          ASSERT_TRUE(db->query("SELECT count(*) FROM rooms")->run());
        }
        ASSERT_TRUE(db->commit());
      }
      --writing;
    });
  std::set<std::string> all;
  const auto read = [&] {
    for (auto& one : seen()) all.insert(std::move(one));
  };
  while (writing > 0) read();
  for (auto& writer : writers) writer.join();
  read();
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kWriters * kEach));
}

} // namespace
} // namespace foyer::engine
