// Several stores on one PostgreSQL at the same moment, on threads, as several gateways are. The contracts with three
// writers (contract_test.cc) run one thing after the other.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "engine/sql/postgres_store.h"
#include "engine/testing/log_world.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

constexpr std::size_t kNodes = 3;

struct ManyWriters : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  std::array<Metrics, kNodes> metrics;
  std::array<std::unique_ptr<ChatStore>, kNodes> nodes;

  void SetUp() override { open({.url = url}); }
  void open(const store::PostgresOptions& options) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      auto opened = open_postgres_store(
          options, {.writers = Writers::many}, system_clock(), system_entropy(), metrics.at(i), null_log());
      ASSERT_TRUE(opened) << opened.error().operator_text();
      nodes.at(i) = std::move(*opened);
    }
  }
  [[nodiscard]] std::uint64_t repeats() {
    std::uint64_t sum = 0;
    for (auto& one : metrics) sum += one.counter("foyer_store_repeats_total", "", {{"store", "chat"}}).value();
    return sum;
  }
  static AppendRequest message(
      const std::string& room, const std::string& from, const std::string& text, const std::string& key = "") {
    return {
        .room = RoomName(room), .from = {UserId(from), from}, .text = text, .key = key, .time = system_clock().wall()};
  }
  template <class T>
  static std::future<Result<T>> ask(const std::function<void(Completion<T>)>& question) {
    auto answer = std::make_shared<std::promise<Result<T>>>();
    auto future = answer->get_future();
    question([answer](Result<T> r) { answer->set_value(std::move(r)); });
    return future;
  }
  std::future<Result<Appended>> say(std::size_t node, AppendRequest what) {
    return ask<Appended>([&](Completion<Appended> d) { nodes.at(node)->append(std::move(what), std::move(d)); });
  }
  std::string asked(const std::string& question) {
    auto db = store::postgres_reader({.url = url})();
    EXPECT_TRUE(db) << db.error().operator_text();
    auto rows = (*db)->query(question);
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }
  // A session beside the nodes, in a transaction.
  std::unique_ptr<store::Database> another_writer() {
    auto db = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
    EXPECT_TRUE(db) << db.error().operator_text();
    EXPECT_TRUE((*db)->begin(store::Begin::write));
    return std::move(*db);
  }
  void open_all_at_once() {
    std::vector<std::thread> openings;
    for (std::size_t node = 0; node < kNodes; ++node)
      openings.emplace_back([&, node] {
        nodes.at(node).reset();
        auto opened = open_postgres_store(
            {.url = url}, {.writers = Writers::many}, system_clock(), system_entropy(), metrics.at(node), null_log());
        ASSERT_TRUE(opened) << opened.error().operator_text();
        nodes.at(node) = std::move(*opened);
      });
    for (auto& opening : openings) opening.join();
  }
  void wait_until_somebody_waits_for_a_lock(const std::string& how_many = "1") {
    while (asked("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                 "current_database()") != how_many)
      std::this_thread::yield();
  }
};

TEST_F(ManyWriters, OffsetsOfARoomRiseByOneWhoeverWrites) {
  constexpr int kEach = 150;
  std::mutex mutex;
  std::map<std::string, std::map<Offset, std::string>> rooms; // offset, key
  std::map<std::string, Offset> keys;
  int duplicates = 0;
  std::vector<std::thread> people;
  for (std::size_t p = 0; p < 2 * kNodes; ++p)
    people.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) {
        const std::string room = i % 3 == 0 ? "milk" : "tea";
        const std::string key = std::to_string(p) + "-" + std::to_string(i);
        // Now and then a client sends a message again, by another node, before it has the answer.
        std::vector<std::future<Result<Appended>>> answers;
        answers.push_back(say(p % kNodes, message(room, "u" + std::to_string(p), key, key)));
        if (i % 4 == 0) answers.push_back(say((p + 1) % kNodes, message(room, "u" + std::to_string(p), key, key)));
        for (auto& answer : answers) {
          const auto r = answer.get();
          const std::lock_guard held(mutex);
          ASSERT_TRUE(r) << r.error().operator_text();
          duplicates += r->duplicate ? 1 : 0;
          const auto known = rooms[room].emplace(r->offset, key).first;
          EXPECT_EQ(known->second, key) << "two contents of one offset";
          EXPECT_EQ(keys.emplace(key, r->offset).first->second, r->offset) << "one message at two offsets";
        }
      }
    });
  for (auto& person : people) person.join();
  EXPECT_EQ(duplicates, static_cast<int>(2 * kNodes) * ((kEach + 3) / 4));
  for (const auto& [room, offsets] : rooms) {
    EXPECT_EQ(offsets.rbegin()->first, offsets.size()) << "a hole";
    EXPECT_EQ(asked("SELECT last_offset FROM rooms WHERE name = '" + room + "'"), std::to_string(offsets.size()));
    EXPECT_EQ(asked("SELECT count(*) FROM messages m JOIN rooms r ON r.id = m.room_id WHERE r.name = '" + room + "'"),
        std::to_string(offsets.size()));
  }
}

TEST_F(ManyWriters, WhoeverWritesIntoTheSameRoomsInAnotherOrderNeverWaitsForEver) {
  constexpr int kRooms = 8;
  const auto name = [](int i) { return "room" + std::to_string(i); };
  for (int i = 0; i < kRooms; ++i) ASSERT_TRUE(say(0, message(name(i), "ann", "first")).get());
  const std::uint64_t before = repeats();
  std::vector<std::thread> writers;
  for (std::size_t node = 0; node < kNodes; ++node)
    writers.emplace_back([&, node] {
      for (int round = 0; round < 60; ++round) {
        std::vector<std::future<Result<Appended>>> answers;
        for (int i = 0; i < kRooms; ++i)
          answers.push_back(say(node, message(name(node % 2 == 0 ? i : kRooms - 1 - i), "ann", "x")));
        for (auto& answer : answers) EXPECT_TRUE(answer.get());
      }
    });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(repeats(), before) << "a deadlock";
  EXPECT_EQ(asked("SELECT min(last_offset) FROM rooms"), std::to_string(1 + 60 * kNodes));
}

// What was said of an epoch stays true, whatever others do to the room.
TEST_F(ManyWriters, ARoomThatIsEmptiedAndRemovedMeanwhileNeverGivesAnOffsetTwice) {
  std::mutex mutex;
  std::map<std::string, std::set<Offset>> epochs;
  std::atomic<bool> enough{false};
  std::vector<std::thread> people;
  for (std::size_t p = 0; p < kNodes; ++p)
    people.emplace_back([&, p] {
      for (int i = 0; i < 150; ++i) {
        const auto r = say(p, message("tea", "u" + std::to_string(p), std::to_string(i))).get();
        const std::lock_guard held(mutex);
        ASSERT_TRUE(r) << r.error().operator_text();
        EXPECT_TRUE(epochs[r->epoch.str()].insert(r->offset).second) << r->epoch.str() << " " << r->offset;
      }
    });
  std::thread application([&] {
    for (int i = 0; !enough; ++i) {
      const auto done = ask<bool>([&](Completion<bool> d) {
        if (i % 3 == 0)
          nodes[1]->remove(RoomName("tea"), std::move(d));
        else
          nodes[2]->clear(RoomName("tea"), std::move(d));
      }).get();
      EXPECT_THAT(code_of(done), testing::AnyOf("ok", "NOT_FOUND"));
    }
  });
  for (auto& person : people) person.join();
  enough = true;
  application.join();
  EXPECT_GT(epochs.size(), 1U);
  for (const auto& [epoch, offsets] : epochs) EXPECT_EQ(*offsets.rbegin(), offsets.size()) << "a hole in " << epoch;
}

// Whoever waits for the row of a room finds no row when the name moves to another one meanwhile.
TEST_F(ManyWriters, AWriterThatWaitedWhileTheNameMovedFindsTheRoomAgain) {
  const auto first = say(0, message("tea", "ann", "one")).get();
  ASSERT_TRUE(first);
  auto other = another_writer();
  ASSERT_TRUE(other->change("UPDATE rooms SET name = NULL WHERE name = 'tea'"));
  ASSERT_TRUE(other->change(
      "INSERT INTO rooms (name, kind, epoch, last_offset, active_ms) VALUES ('tea', 0, ?, 1, 0)", first->epoch));
  auto second = say(1, message("tea", "ann", "two"));
  wait_until_somebody_waits_for_a_lock();
  ASSERT_TRUE(other->commit());
  const auto r = second.get();
  ASSERT_TRUE(r) << r.error().operator_text();
  EXPECT_EQ(r->offset, 2U);
  EXPECT_EQ(r->epoch, first->epoch);
}

TEST_F(ManyWriters, ARoomThatAnotherIsCreatingIsTheSameRoom) {
  auto other = another_writer();
  ASSERT_TRUE(
      other->change("INSERT INTO rooms (name, kind, epoch, last_offset, active_ms) VALUES ('tea', 0, 'theirs', 0, 0)"));
  auto said = say(0, message("tea", "ann", "one"));
  wait_until_somebody_waits_for_a_lock();
  ASSERT_TRUE(other->commit());
  const auto r = said.get();
  ASSERT_TRUE(r) << r.error().operator_text();
  EXPECT_EQ(r->epoch.str(), "theirs");
  EXPECT_EQ(r->offset, 1U);
}

TEST_F(ManyWriters, ARoomThatAnotherHoldsIsRefusedAfterAWhileAndTheOthersGoOn) {
  open({.url = url, .lock_timeout = Millis{200}});
  ASSERT_TRUE(say(0, message("tea", "ann", "one")).get());
  auto other = another_writer();
  auto held = other->query("SELECT 1 FROM rooms WHERE name = 'tea' FOR UPDATE");
  ASSERT_TRUE(held && held->run());
  EXPECT_EQ(code_of(say(1, message("tea", "ann", "two", "k2")).get()), "STORE_TIMEOUT");
  EXPECT_TRUE(say(2, message("milk", "ann", "one")).get());
  ASSERT_TRUE(other->roll_back());
  EXPECT_EQ(say(1, message("tea", "ann", "two", "k2")).get()->offset, 2U);
  EXPECT_TRUE(nodes[1]->probe());
}

TEST_F(ManyWriters, ARoomThatAnotherHoldsKeepsNoOtherRoomOfItsBatchFromBeingStored) {
  open({.url = url, .lock_timeout = Millis{500}});
  for (const char* room : {"gate", "tea", "milk"}) ASSERT_TRUE(say(0, message(room, "ann", "one")).get());
  auto gate = another_writer(), other = another_writer();
  auto held = other->query("SELECT 1 FROM rooms WHERE name = 'tea' FOR UPDATE");
  ASSERT_TRUE(held && held->run());
  auto closed = gate->query("SELECT 1 FROM rooms WHERE name = 'gate' FOR UPDATE");
  ASSERT_TRUE(closed && closed->run());
  auto first = say(1, message("gate", "ann", "two"));
  wait_until_somebody_waits_for_a_lock();
  std::vector<std::future<Result<Appended>>> milk, tea; // one batch
  for (int i = 0; i < 3; ++i) {
    tea.push_back(say(1, message("tea", "ann", "x")));
    milk.push_back(say(1, message("milk", "ann", "x")));
  }
  ASSERT_TRUE(gate->roll_back());
  EXPECT_TRUE(first.get());
  for (Offset i = 0; i < 3; ++i) {
    const auto stored = milk.at(i).get();
    ASSERT_TRUE(stored) << stored.error().operator_text();
    EXPECT_EQ(stored->offset, 2 + i);
    EXPECT_EQ(code_of(tea.at(i).get()), "STORE_TIMEOUT");
  }
  EXPECT_TRUE(nodes[1]->probe()) << "nothing is wrong with the database";
}

TEST_F(ManyWriters, RoomsThatAreConfirmedAtOnceAreEachAnsweredAsTheyStand) {
  const auto confirm = [this](std::size_t node, const std::string& room, Known known = {}) {
    return ask<RoomRow>(
        [&](Completion<RoomRow> d) { nodes.at(node)->confirm(RoomName(room), std::move(known), std::move(d)); });
  };
  std::map<std::string, Appended> said;
  for (int i = 0; i < 20; ++i) {
    const std::string room = "room" + std::to_string(i);
    for (int n = 0; n <= i; ++n) said[room] = say(0, message(room, "ann", "text")).get().value();
  }
  ASSERT_TRUE(ask<RoomRow>([&](Completion<RoomRow> d) {
    nodes[0]->create_for(RoomName("private:den"), {UserId("ann"), UserId("bob")}, std::move(d));
  }).get());
  const Epoch of_room7 = said["room7"].epoch;
  std::vector<std::pair<std::string, std::future<Result<RoomRow>>>> answers;
  for (int i = 0; i < 20; ++i) {
    const std::string room = "room" + std::to_string(i);
    const bool behind = i == 7; // it is not what the asker knows
    answers.emplace_back(room, confirm(1, room, {.epoch = said[room].epoch, .offset = behind ? 1'000U : 1U}));
  }
  auto den = confirm(1, "private:den"), missing = confirm(1, "private:none"), fresh = confirm(1, "new");
  auto own = confirm(1, "user:ann"), said_again = confirm(1, "room3");
  for (auto& [room, answer] : answers) {
    const auto row = answer.get();
    ASSERT_TRUE(row) << row.error().operator_text();
    EXPECT_EQ(row->room.str(), room);
    EXPECT_EQ(row->offset, said[room].offset);
    EXPECT_EQ(row->epoch == said[room].epoch, room != "room7");
    EXPECT_EQ(row->time, said[room].time);
  }
  EXPECT_THAT(den.get()->members, testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(code_of(missing.get()), "NOT_A_MEMBER");
  EXPECT_EQ(fresh.get()->offset, 0U);
  EXPECT_EQ(own.get()->kind, RoomKind::own);
  EXPECT_EQ(said_again.get()->offset, 4U);
  EXPECT_NE(confirm(2, "room7").get()->epoch, of_room7);
}

TEST_F(ManyWriters, AServerDoesNotWaitLongForASessionThatWasStoppedInATransaction) {
  auto session = another_writer();
  auto shown = session->query("SHOW idle_in_transaction_session_timeout");
  ASSERT_TRUE(shown && shown->step().value());
  EXPECT_EQ(shown->text(0), "5s");
}

TEST_F(ManyWriters, TwoUsersWhoAskForEachOtherAtOnceMeetInOneRoom) {
  for (int i = 0; i < 30; ++i) {
    const std::string a = "a" + std::to_string(i), b = "b" + std::to_string(i);
    const auto direct = [&](std::size_t node, const std::string& by, const std::string& other) {
      return ask<Direct>(
          [&](Completion<Direct> d) { nodes.at(node)->direct({UserId(by), by}, UserId(other), std::move(d)); });
    };
    auto one = direct(0, a, b);
    auto two = direct(1, b, a);
    const auto first = one.get(), second = two.get();
    ASSERT_TRUE(first) << first.error().operator_text();
    ASSERT_TRUE(second) << second.error().operator_text();
    EXPECT_EQ(first->room.room, second->room.room);
    EXPECT_EQ(first->room.made ? 1 : 0, second->room.made ? 0 : 1) << "made once";
    EXPECT_TRUE(first->entered != second->entered) << "who came second accepted";
  }
}

TEST_F(ManyWriters, OfSeveralCallsWithOneKeyAtOnceOneBegins) {
  for (int i = 0; i < 30; ++i) {
    std::vector<std::future<Result<std::optional<StoredCall>>>> answers;
    for (auto& node : nodes)
      answers.push_back(ask<std::optional<StoredCall>>([&](Completion<std::optional<StoredCall>> d) {
        node->calls().begin_call({"key", "publish", std::to_string(i)}, "hash", std::move(d));
      }));
    int began = 0;
    for (auto& answer : answers) {
      const auto r = answer.get();
      ASSERT_TRUE(r) << r.error().operator_text();
      began += *r ? 0 : 1;
    }
    EXPECT_EQ(began, 1);
  }
}

// The rows of a batch are stored one by one when one of them is a repetition.
TEST_F(ManyWriters, OfTwoMessagesOfOneCallThatAreStoredOneByOneOneIsRefused) {
  constexpr Millis kPatient{60'000};
  open({.url = url, .statement_timeout = kPatient, .lock_timeout = kPatient, .answer_timeout = kPatient});
  for (const char* room : {"gate", "tea", "milk"}) ASSERT_TRUE(say(0, message(room, "ann", "one", "k")).get());
  auto gate = another_writer();
  auto held = gate->query("SELECT 1 FROM rooms WHERE name = 'gate' FOR UPDATE");
  ASSERT_TRUE(held && held->run());
  auto other = another_writer(); // makes the same call, and has not decided yet
  ASSERT_TRUE(
      other->change("INSERT INTO api_calls (key_id, method, call_key, body_hash, done, answer, at_ms) VALUES "
                    "('id', 'publish', 'order-7', 'h', 1, 'x', ?)",
          system_clock().wall()));
  std::vector<std::future<Result<Appended>>> gates, repeated, calls;
  std::vector<rooms::CallRecordPtr> records;
  for (const std::size_t node : {0U, 1U}) gates.push_back(say(node, message("gate", "ann", "first")));
  wait_until_somebody_waits_for_a_lock("2");
  for (const std::size_t node : {0U, 1U}) { // one batch each, after that
    const std::string room = node == 0 ? "tea" : "milk";
    repeated.push_back(say(node, message(room, "ann", "one", "k")));
    AppendRequest call = message(room, "app:orders", "order 7");
    records.push_back(std::make_shared<const rooms::CallRecord>(CallKey{"id", "publish", "order-7"}, "h",
        [room](const Appended& stored) { return room + " " + std::to_string(stored.offset); }));
    call.record = records.back();
    calls.push_back(say(node, std::move(call)));
  }
  ASSERT_TRUE(gate->roll_back());
  wait_until_somebody_waits_for_a_lock("2");
  ASSERT_TRUE(other->roll_back());
  for (auto& each : gates) EXPECT_TRUE(each.get());
  for (auto& each : repeated) EXPECT_TRUE(each.get()->duplicate);
  const auto first = calls[0].get(), second = calls[1].get();
  EXPECT_NE(first.has_value(), second.has_value());
  const std::size_t refused = first ? 1 : 0;
  EXPECT_EQ(code_of(first ? second : first), "KEY_REUSED");
  ASSERT_TRUE(records.at(refused)->earlier());
  EXPECT_EQ(records.at(refused)->earlier()->answer, first ? "tea 2" : "milk 2");
  EXPECT_EQ(asked("SELECT count(*) FROM messages WHERE author = 'app:orders'"), "1");
}

TEST_F(ManyWriters, ARevocationThatReachesFurtherIsNotReplacedByALesserOne) {
  const WallTime now = system_clock().wall();
  for (int i = 0; i < 30; ++i) {
    std::vector<std::future<Result<bool>>> answers;
    for (std::size_t node = 0; node < kNodes; ++node)
      answers.push_back(ask<bool>([&](Completion<bool> d) {
        nodes.at(node)->endings().put_ending({.kind = EndingKind::before,
                                                 .id = "u" + std::to_string(i),
                                                 .at = now + Millis{static_cast<std::int64_t>(node)}},
            std::move(d));
      }));
    for (auto& answer : answers) EXPECT_TRUE(answer.get());
  }
  EXPECT_EQ(asked("SELECT min(at_ms) FROM subject_endings"), std::to_string(unix_millis(now + Millis{kNodes - 1})));
}

TEST_F(ManyWriters, TheBarrierOfSeveralNodesNeverGoesBack) {
  // Each opening commits one; a node that saw a higher one than is shown refuses to read.
  for (int i = 0; i < 10; ++i) open_all_at_once();
  EXPECT_EQ(asked("SELECT value FROM facts WHERE name = 'barrier'"), std::to_string(11 * kNodes));
}

TEST_F(ManyWriters, OfSeveralNodesThatFindAnotherTimelineOneGivesNewEpochs) {
  const auto before = say(0, message("tea", "ann", "one")).get();
  ASSERT_TRUE(before);
  {
    auto other = another_writer();
    ASSERT_TRUE(other->change("UPDATE facts SET value = '00000007' WHERE name = 'timeline'"));
    ASSERT_TRUE(other->commit());
  }
  open_all_at_once();
  EXPECT_EQ(asked("SELECT count(*) FROM changed WHERE room_id = 0"), "1");
  std::set<std::string> epochs;
  for (std::size_t node = 0; node < kNodes; ++node) {
    const auto after = say(node, message("tea", "ann", "two")).get();
    ASSERT_TRUE(after) << after.error().operator_text();
    epochs.insert(after->epoch.str());
  }
  EXPECT_EQ(epochs.size(), 1U);
  EXPECT_FALSE(epochs.contains(before->epoch.str()));
}

} // namespace
} // namespace foyer::engine
