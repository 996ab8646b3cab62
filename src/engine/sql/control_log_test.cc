// Rights that one node takes away, as the others read them.
#include "engine/sql/control_log.h"

#include <gmock/gmock.h>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct ControlLogTest : testing::Test {
  ThreeWriters w;
  ControlLog log;
  std::unique_ptr<store::Database> reading;
  MonoTime now{};

  void SetUp() override {
    w.open({});
    reading = session();
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = w.url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
  // "membership private:den ann", sorted; "all": everything has to be read again.
  std::vector<std::string> taken() {
    auto rows = log.read(*reading, now);
    EXPECT_TRUE(rows) << rows.error().operator_text();
    if (!*rows) return {"all"};
    std::vector<std::string> out;
    for (const ControlRow& row : **rows) {
      out.emplace_back(row.what == TakenAway::membership ? "membership"
              : row.what == TakenAway::room              ? "room"
                                                         : "account");
      if (!row.room.empty()) out.back() += " " + row.room.str();
      if (!row.user.empty()) out.back() += " " + row.user.str();
    }
    std::ranges::sort(out);
    return out;
  }
};

TEST_F(ControlLogTest, WhatTakesARightAwayIsARowOfItsTransaction) {
  EXPECT_THAT(taken(), ElementsAre("all")) << "the first time";
  ASSERT_TRUE(w.create("private:den", "ann"));
  ASSERT_TRUE(w.add("private:den", "bob"));
  ASSERT_TRUE(w.say("tea", "ann", "hello"));
  EXPECT_THAT(taken(), IsEmpty()) << "nothing was taken";
  ASSERT_TRUE(w.remove("private:den", "bob"));
  EXPECT_THAT(taken(), ElementsAre("membership private:den bob"));
  EXPECT_EQ(w.remove("private:den", "bob"), false);
  EXPECT_THAT(taken(), IsEmpty()) << "he was none";
  ASSERT_TRUE(w.remove_room("tea"));
  ASSERT_TRUE(w.remove_room("tea"));
  EXPECT_THAT(taken(), ElementsAre("room tea"));
  ASSERT_TRUE(w.detach("ann"));
  EXPECT_THAT(taken(), ElementsAre("account ann"));
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(ControlLogTest, WhoeverCouldNotReadForLongOrHasANewConnectionReadsEverythingAgain) {
  EXPECT_THAT(taken(), ElementsAre("all"));
  now += kTailKept / 2;
  EXPECT_THAT(taken(), IsEmpty());
  now += kTailKept / 2 + Millis{1};
  EXPECT_THAT(taken(), ElementsAre("all"));
  EXPECT_THAT(taken(), IsEmpty());
  ASSERT_TRUE(w.create("private:den", "ann"));
  ASSERT_TRUE(w.remove("private:den", "ann"));
  log.reconnected();
  EXPECT_THAT(taken(), ElementsAre("all"));
  ASSERT_TRUE(w.create("private:den", "ann"));
  ASSERT_TRUE(w.remove("private:den", "ann"));
  EXPECT_THAT(taken(), ElementsAre("membership private:den ann"));
}

TEST_F(ControlLogTest, ARowOfATransactionThatEndsLaterThanOthersIsNotMissed) {
  EXPECT_THAT(taken(), ElementsAre("all"));
  auto early = session();
  ASSERT_TRUE(early->begin(store::Begin::write));
  ASSERT_TRUE(note_taken(*early, TakenAway::account, {}, "eve"));
  ASSERT_TRUE(w.create("private:den", "ann"));
  ASSERT_TRUE(w.remove("private:den", "ann"));
  EXPECT_THAT(taken(), ElementsAre("membership private:den ann"));
  ASSERT_TRUE(early->commit());
  EXPECT_THAT(taken(), ElementsAre("account eve", "membership private:den ann")) << "one of them again";
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(ControlLogTest, AGatewayThatIsAloneWritesNone) {
  PostgresWorld alone;
  alone.open({});
  ASSERT_TRUE(alone.create("private:den", "ann"));
  ASSERT_TRUE(alone.remove("private:den", "ann"));
  ASSERT_TRUE(alone.say("tea", "ann", "hello"));
  EXPECT_EQ(alone.asked("SELECT count(*) FROM control_log"), "0");
  EXPECT_EQ(alone.asked("SELECT count(*) FROM changed"), "0");
}

} // namespace
} // namespace foyer::engine
