// Two gateways on one database, of which one sends webhooks and deletes what is over.
#include "engine/sql/duty.h"

#include <gmock/gmock.h>

#include "base/manual_executor.h"
#include "engine/sql/postgres_store.h"
#include "engine/testing/log_world.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Millis kLife{600'000}; // by the server's clock, which goes on by itself

struct DutyTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;
  ManualExecutor turn{clock};
  std::unique_ptr<ChatStore> a = open(), b = open();
  int told = 0; // b, that it has to look

  void SetUp() override {
    b->outbox().watch_outbox([this] { ++told; });
    add_hook("h");
    run();
  }
  std::unique_ptr<ChatStore> open() {
    auto opened = open_postgres_store({.url = url}, {.writers = Writers::many, .duty_life = kLife, .executor = &turn},
        clock, entropy, metrics, null_log());
    EXPECT_TRUE(opened) << opened.error().operator_text();
    run();
    return std::move(*opened);
  }
  void run() { turn.run_posted(); }
  template <class T>
  T ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> r) { answer = std::move(r); });
    run();
    EXPECT_TRUE(answer && *answer) << (answer ? answer->error().operator_text() : "no answer");
    return answer->value_or(T{});
  }
  void add_hook(const std::string& id) {
    const HookRow row{.id = id,
        .url = "https://app.example.com/",
        .types = {kHookTypes.begin(), kHookTypes.end()},
        .secret = "sealed",
        .created = clock.wall()};
    ask<bool>([&](Completion<bool> d) { a->hooks().add_hook(row, std::move(d)); });
    for (ChatStore* store : {a.get(), b.get()})
      ask<bool>([&](Completion<bool> d) { store->outbox().refresh_hooks(std::move(d)); });
  }
  void say(ChatStore& store, const std::string& room, const std::string& text) {
    ask<Appended>([&](Completion<Appended> d) {
      store.append(
          {.room = RoomName(room), .from = {UserId("ann"), "Ann"}, .text = text, .key = {}, .time = clock.wall()},
          std::move(d));
    });
  }
  // What it does every few seconds.
  void upkeep(ChatStore& store) {
    clock.advance(store::AgeGate::kLookEvery);
    ask<bool>([&](Completion<bool> d) { store.outbox().put_events({}, std::move(d)); });
  }
  std::vector<HookEvent> events(ChatStore& store, std::uint64_t after = 0) {
    return ask<std::vector<HookEvent>>(
        [&](Completion<std::vector<HookEvent>> d) { store.outbox().waiting("h", {}, after, 1'000, std::move(d)); });
  }
  // "tea one", of what was published.
  std::vector<std::string> waiting(ChatStore& store, std::uint64_t after = 0) {
    std::vector<std::string> out;
    for (const HookEvent& event : events(store, after)) {
      if (event.type != "message.published" && event.type != "message.deleted") continue;
      for (const char* text : {"one", "two", "three"})
        if (event.data.find(std::string("\"") + text + "\"") != std::string::npos)
          out.push_back(event.room + " " + text);
    }
    return out;
  }
  bool sent(ChatStore& store, const std::vector<HookEvent>& events) {
    std::vector<std::uint64_t> numbers;
    for (const HookEvent& event : events) numbers.push_back(event.number);
    return ask<bool>([&](Completion<bool> d) { store.outbox().sent("h", numbers, std::move(d)); });
  }
  std::unique_ptr<store::Database> session() {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    return std::move(*db);
  }
  std::string asked(const std::string& question) {
    const auto db = session();
    auto rows = db->query(question);
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }
  void end_lease() { ASSERT_TRUE(session()->change("UPDATE leases SET until_ms = 0")); }
};

TEST_F(DutyTest, OneSendsWhatAllHaveNotedAndNothingTwice) {
  ASSERT_TRUE(a->outbox().sends());
  ASSERT_FALSE(b->outbox().sends());
  say(*a, "tea", "one");
  say(*b, "milk", "two");
  say(*a, "tea", "three");
  EXPECT_THAT(waiting(*b), IsEmpty());
  upkeep(*b);
  upkeep(*a);
  EXPECT_THAT(waiting(*a), testing::UnorderedElementsAre("tea one", "milk two", "tea three"));
  EXPECT_THAT(waiting(*b), IsEmpty());
  const auto all = events(*a);
  EXPECT_FALSE(sent(*b, all)) << "it has not sent them";
  EXPECT_EQ(events(*a).size(), all.size());
  EXPECT_TRUE(sent(*a, all));
  EXPECT_THAT(events(*a), IsEmpty());
  EXPECT_EQ(told, 0);
}

TEST_F(DutyTest, TheOtherTakesOverAfterTheTermAndTheFirstChangesNothingMore) {
  say(*a, "tea", "one");
  say(*b, "tea", "two");
  upkeep(*a);
  const auto of_a = events(*a);
  end_lease();
  upkeep(*b);
  EXPECT_TRUE(b->outbox().sends());
  EXPECT_EQ(told, 1);
  EXPECT_THAT(waiting(*b), ElementsAre("tea one", "tea two"));
  EXPECT_FALSE(sent(*a, of_a)) << "its term is over, whatever it believes";
  EXPECT_FALSE(
      ask<bool>([&](Completion<bool> d) { a->outbox().bury("h", of_a.front().number, 1, "why", std::move(d)); }));
  EXPECT_EQ(
      ask<std::uint64_t>([&](Completion<std::uint64_t> d) { a->outbox().trim("h", {.rows = 0}, std::move(d)); }), 0U);
  EXPECT_THAT(waiting(*b), ElementsAre("tea one", "tea two"));
  upkeep(*a);
  EXPECT_FALSE(a->outbox().sends());
  EXPECT_TRUE(sent(*b, events(*b)));
}

TEST_F(DutyTest, WhoeverWasSilentForTooLongStopsByItself) {
  clock.advance(kLife);
  EXPECT_FALSE(a->outbox().sends());
  upkeep(*a);
  EXPECT_TRUE(a->outbox().sends()) << "nobody else wanted it";
}

TEST_F(DutyTest, WhoeverEndsHandsItsDutyOver) {
  a.reset();
  upkeep(*b);
  EXPECT_TRUE(b->outbox().sends());
}

// Numbers are drawn before the commit: whoever has read up to one would miss a lower one.
TEST_F(DutyTest, AnEventThatAppearsAfterALaterOneIsSentToo) {
  auto early = session();
  ASSERT_TRUE(early->begin(store::Begin::write));
  ASSERT_TRUE(
      early->change("INSERT INTO hook_arrivals (hook_id, event_id, type, room, at_ms, queued_ms, data) VALUES "
                    "('h', 'e', 'message.published', 'milk', 0, 0, '\"two\"')"));
  say(*a, "tea", "one");
  EXPECT_THAT(waiting(*a), ElementsAre("tea one"));
  const std::uint64_t read = events(*a).back().number;
  ASSERT_TRUE(early->commit());
  upkeep(*a);
  EXPECT_THAT(waiting(*a, read), ElementsAre("milk two"));
}

TEST_F(DutyTest, ATextThatIsErasedBeforeItsEventIsMovedIsNotSent) {
  say(*b, "tea", "one");
  ask<Erased>([&](Completion<Erased> d) { b->erase(RoomName("tea"), 1, UserId("ann"), false, std::move(d)); });
  upkeep(*a);
  EXPECT_FALSE(events(*a).empty());
  EXPECT_THAT(waiting(*a), IsEmpty());
}

TEST_F(DutyTest, OneDeletesWhatIsOver) {
  say(*a, "tea", "one");
  ask<bool>([&](Completion<bool> d) { b->remove(RoomName("tea"), std::move(d)); });
  const std::string gone = "SELECT count(*) FROM rooms WHERE name IS NULL";
  b->upkeep_now();
  upkeep(*b);
  EXPECT_EQ(asked(gone), "1");
  a->upkeep_now();
  upkeep(*a);
  EXPECT_EQ(asked(gone), "0");
}

} // namespace
} // namespace foyer::engine
