#include "engine/sql/call_log.h"

#include <gtest/gtest.h>

#include "engine/sql/sqlite_schema.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::engine {
namespace {

struct World {
  testing_world::TempDir dir;
  std::unique_ptr<store::Database> db = *store::sqlite_writer(dir.file("chat.sqlite"), {}, {"chat", kChatSchema})();
  CallLog log;
  WallTime now = from_unix_seconds(1'800'000'000);
  std::vector<rooms::CallRecordPtr> records;

  static CallKey key(const std::string& name) {
    return {.api_key = "id", .method = "publish", .idempotency_key = name};
  }
  Result<bool> insert(const std::vector<std::string>& names) {
    std::vector<NewCall> calls;
    for (const std::string& name : names) {
      records.push_back(std::make_shared<const rooms::CallRecord>(
          key(name), "hash of " + name, [](const rooms::Appended&) { return std::string(); }));
      calls.push_back({.record = records.back().get(), .answer = "answer to " + name, .at = now});
    }
    return log.insert(*db, calls);
  }
  // The answers to "a", "b" and so on; "-": none.
  std::string known(const std::string& names) {
    std::string out;
    for (const char name : names) {
      const auto call = log.find(*db, key({name}), now);
      out += call && *call && (*call)->answer == std::string("answer to ") + name ? name : '-';
    }
    return out;
  }
  std::int64_t rows() {
    auto found = db->query("SELECT count(*) FROM message_calls");
    EXPECT_TRUE(found->step().value());
    return found->integer(0);
  }
};

TEST(CallLog, KnowsItsCallsAlsoWhenTheyAreReadAgain) {
  World w;
  EXPECT_EQ(w.insert({"a", "b"}), true);
  EXPECT_EQ(w.insert({"c"}), true);
  EXPECT_EQ(w.known("abcd"), "abc-");
  EXPECT_EQ((*w.log.find(*w.db, World::key("b"), w.now))->body_hash, "hash of b");
  w.log.forget();
  EXPECT_EQ(w.known("abcd"), "abc-");
  EXPECT_EQ(w.insert({"d"}), true);
  EXPECT_EQ(w.known("abcd"), "abcd");
}

TEST(CallLog, StoresNoneIfOneIsKnown) {
  World w;
  EXPECT_EQ(w.insert({"a"}), true);
  EXPECT_EQ(w.insert({"b", "a"}), false);
  EXPECT_EQ(w.insert({"c", "c"}), false);
  EXPECT_EQ(w.known("abc"), "a--");
  EXPECT_EQ(w.rows(), 1);
}

TEST(CallLog, AfterADayACallIsUnknownAndDeleted) {
  World w;
  ASSERT_EQ(w.insert({"a", "b"}), true);
  w.now += Millis{1};
  ASSERT_EQ(w.insert({"c"}), true);
  w.now += kCallLife - Millis{1};
  EXPECT_EQ(w.known("abc"), "--c");
  EXPECT_EQ(w.log.sweep_old(*w.db, w.now, 1), 1) << "no more than the limit of a step";
  EXPECT_EQ(w.log.sweep_old(*w.db, w.now, 10), 1);
  EXPECT_EQ(w.log.sweep_old(*w.db, w.now, 10), 0);
  EXPECT_EQ(w.rows(), 1);
  EXPECT_EQ(w.insert({"a"}), true);
  EXPECT_EQ(w.known("abc"), "a-c");
  w.log.forget();
  EXPECT_EQ(w.known("abc"), "a-c");
}

TEST(CallLog, OfTooManyTheOldestAreDeleted) {
  World w;
  ASSERT_EQ(w.insert({"a", "b", "c", "d", "e"}), true);
  EXPECT_EQ(w.log.sweep_surplus(*w.db, 5, 10), 0);
  EXPECT_EQ(w.log.sweep_surplus(*w.db, 2, 1), 1) << "no more than the limit of a step";
  EXPECT_EQ(w.log.sweep_surplus(*w.db, 2, 10), 2);
  EXPECT_EQ(w.known("abcde"), "---de");
}

TEST(CallLog, ForgetsWhatWasUndone) {
  World w;
  ASSERT_EQ(w.insert({"a"}), true);
  for (const bool loaded : {true, false}) {
    if (!loaded) w.log.forget();
    ASSERT_TRUE(w.db->begin(store::Begin::write));
    const CallLog::Mark mark = w.log.mark();
    ASSERT_EQ(w.insert({"b", "c"}), true);
    ASSERT_TRUE(w.db->roll_back());
    w.log.back_to(mark);
    EXPECT_EQ(w.known("abc"), "a--");
  }
  EXPECT_EQ(w.insert({"b"}), true);
  EXPECT_EQ(w.known("abc"), "ab-");
}

TEST(CallLog, TakesOverTheCallsOfAnOlderVersion) {
  testing_world::TempDir dir;
  const std::span<const std::string_view> all{kChatSchema};
  {
    auto db = store::sqlite_writer(dir.file("chat.sqlite"), {}, {"chat", all.first(11)})();
    ASSERT_TRUE(db);
    ASSERT_TRUE(finish_call(**db, World::key("a"), "hash", "answer to a", from_unix_seconds(1'800'000'000)));
    ASSERT_TRUE(finish_call(**db, {"id", "disconnect", "a"}, "hash", "other", from_unix_seconds(1'800'000'000)));
  }
  auto db = store::sqlite_writer(dir.file("chat.sqlite"), {}, {"chat", kChatSchema})();
  ASSERT_TRUE(db);
  CallLog log;
  EXPECT_EQ((*log.find(**db, World::key("a"), from_unix_seconds(1'800'000'001)))->answer, "answer to a");
  EXPECT_FALSE(*find_call(**db, World::key("a"), from_unix_seconds(1'800'000'001)));
  EXPECT_TRUE(*find_call(**db, {"id", "disconnect", "a"}, from_unix_seconds(1'800'000'001)));
}

} // namespace
} // namespace foyer::engine
