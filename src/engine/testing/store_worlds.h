// For tests: chat stores with their dependencies, one for each kind of store.
// Unless a test uses threads, all work runs in run(), on the calling thread.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_executor.h"
#include "engine/sql/postgres_store.h"
#include "engine/sql/sqlite_store.h"
#include "engine/testing/log_world.h"
#include "store/sqlite.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::engine {

inline void apply(const WorldOptions& of_the_world, StorePolicy& policy) {
  policy.history_days = of_the_world.history_days;
  policy.history_messages = of_the_world.history_messages;
  policy.rules = of_the_world.rules;
  policy.room_members = of_the_world.room_members;
  policy.rooms_per_user = of_the_world.rooms_per_user;
  policy.invitations_sent = of_the_world.invitations_sent;
  policy.invitations_to_one = of_the_world.invitations_to_one;
  policy.invitations_received = of_the_world.invitations_received;
}

// A chat store: a log, and the directory that goes with it.
class StoreWorld : public LogWorld {
 public:
  virtual ChatStore& store() = 0;
  RoomLog& log() override { return store(); }
  RoomDirectory& directory() { return store(); }
  // Whether an opening knows that nobody else uses a room.
  [[nodiscard]] virtual bool alone() const { return true; }
  // As the sender of webhooks does, on each node.
  virtual Result<bool> refresh_hooks() {
    return ask<bool>([&](Completion<bool> d) { store().outbox().refresh_hooks(std::move(d)); });
  }
  virtual void watch_outbox(std::function<void()> written) { store().outbox().watch_outbox(std::move(written)); }

  Result<RoomRow> room(const std::string& name) {
    return ask<RoomRow>(
        [&](Completion<RoomRow> d) { directory().open({.room = RoomName(name), .make = true}, std::move(d)); });
  }
  Result<RoomRow> create(const std::string& name, const std::string& by) {
    return ask<RoomRow>([&](Completion<RoomRow> d) { directory().create(RoomName(name), UserId(by), std::move(d)); });
  }
  Result<RoomRow> create_for(const std::string& name, std::vector<UserId> members) {
    return ask<RoomRow>(
        [&](Completion<RoomRow> d) { directory().create_for(RoomName(name), std::move(members), std::move(d)); });
  }
  Result<bool> remove_room(const std::string& name) {
    return ask<bool>([&](Completion<bool> d) { directory().remove(RoomName(name), std::move(d)); });
  }
  // "milk tea", a plus behind it if there are more.
  std::string written_by(const std::string& user, const std::string& after = {}, std::uint32_t limit = 50) {
    auto page = ask<RoomNames>(
        [&](Completion<RoomNames> d) { directory().written_by(UserId(user), RoomName(after), limit, std::move(d)); });
    if (!page) return std::string(page.error().code());
    std::string out;
    for (const RoomName& room : page->rooms) out += (out.empty() ? "" : " ") + room.str();
    return out + (page->more ? " +" : "");
  }
  // "private:den@0 tea@1", a plus behind it if there are more.
  std::string all_rooms(const std::string& after = {}, std::uint32_t limit = 50) {
    auto page =
        ask<RoomsPage>([&](Completion<RoomsPage> d) { directory().all_rooms(RoomName(after), limit, std::move(d)); });
    if (!page) return std::string(page.error().code());
    std::string out;
    for (const RoomRow& row : page->rooms)
      out += (out.empty() ? "" : " ") + row.room.str() + "@" + std::to_string(row.offset);
    return out + (page->more ? " +" : "");
  }
  Result<Direct> ask_for_direct(const std::string& a, const std::string& b) {
    return ask<Direct>(
        [&](Completion<Direct> d) { directory().direct({UserId(a), a + "'s name"}, UserId(b), std::move(d)); });
  }
  // The room of both, as both want it.
  Result<RoomRow> direct(const std::string& a, const std::string& b) {
    TRY_VOID(ask_for_direct(a, b));
    TRY(made, ask_for_direct(b, a));
    return std::move(made.room);
  }
  Result<Invited> invite(const std::string& room, const std::string& from, const std::string& user) {
    return ask<Invited>([&](Completion<Invited> d) {
      directory().invite(RoomName(room), {UserId(from), from + "'s name"}, UserId(user), std::move(d));
    });
  }
  Result<bool> accept(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { directory().accept(RoomName(room), UserId(user), std::move(d)); });
  }
  Result<bool> decline(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { directory().decline(RoomName(room), UserId(user), std::move(d)); });
  }
  // "private:den<ann private:x<bob", a plus behind it if there are more.
  std::string invitations(const std::string& user) {
    auto page =
        ask<InvitationPage>([&](Completion<InvitationPage> d) { directory().invitations(UserId(user), std::move(d)); });
    if (!page) return std::string(page.error().code());
    std::string out;
    for (const Invitation& each : page->invitations)
      out += (out.empty() ? "" : " ") + each.room.str() + "<" + each.from.id.str();
    return out + (page->more ? " +" : "");
  }
  Result<bool> add(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { directory().add_member(RoomName(room), UserId(user), std::move(d)); });
  }
  Result<bool> remove(const std::string& room, const std::string& user) {
    return ask<bool>(
        [&](Completion<bool> d) { directory().remove_member(RoomName(room), UserId(user), std::move(d)); });
  }
  Result<RoomRow> open_as(const std::string& user, const std::string& name, bool make = false) {
    return ask<RoomRow>([&](Completion<RoomRow> d) {
      directory().open({.room = RoomName(name), .by = UserId(user), .make = make}, std::move(d));
    });
  }
  Result<bool> forget_empty(const std::string& name) {
    return ask<bool>([&](Completion<bool> d) { directory().forget_empty(RoomName(name), std::move(d)); });
  }
  std::string rooms_of(const std::string& user, std::uint32_t limit = 50, const std::string& after = {},
      std::vector<RoomName> joined = {}) {
    RoomsRequest question{.user = UserId(user), .joined = std::move(joined), .limit = limit};
    if (!after.empty()) question.after = RoomName(after);
    auto page =
        ask<RoomsPage>([&](Completion<RoomsPage> d) { directory().rooms_of(std::move(question), std::move(d)); });
    if (!page) return std::string(page.error().code());
    std::string out;
    for (const RoomRow& row : page->rooms)
      out += (out.empty() ? "" : " ") + row.room.str() + "@" + std::to_string(row.offset);
    return out + (page->more ? " +" : "");
  }
};

class SqliteWorld final : public StoreWorld {
 public:
  testing_world::TempDir dir;
  SqliteStoreOptions options;
  Metrics metrics;

  SqliteWorld() {
    options.executor = &turn_;
    options.busy_timeout = Millis{0};
  }
  ~SqliteWorld() override { testing_world::Faults::none(); }

  void open(WorldOptions of_the_world) override {
    store_.reset();
    apply(of_the_world, options.policy);
    auto opened = open_sqlite_store(path(), options, clock_, entropy_, metrics, null_log());
    ASSERT_TRUE(opened) << opened.error().operator_text();
    store_ = std::move(*opened);
  }
  void close() { store_.reset(); }
  ChatStore& store() override { return *store_; }
  ManualClock& clock() override { return clock_; }
  void run() override { turn_.run_posted(); }
  [[nodiscard]] std::string path() const { return dir.file("chat.sqlite"); }
  std::int64_t count(const std::string& table) {
    auto db = store::open_sqlite(path(), {.access = store::Access::read_only});
    auto rows = db.value()->query("SELECT count(*) FROM " + table);
    EXPECT_TRUE(rows->step().value());
    return rows->integer(0);
  }

 private:
  ManualClock clock_;
  FixedEntropy entropy_;
  ManualExecutor turn_{clock_};
  std::unique_ptr<ChatStore> store_;
};

class PostgresWorld final : public StoreWorld {
 public:
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  DatabaseStoreOptions options;
  Metrics metrics;

  PostgresWorld() { options.executor = &turn_; }
  void open(WorldOptions of_the_world) override {
    store_.reset();
    apply(of_the_world, options.policy);
    auto opened = open_once_it_is_free();
    ASSERT_TRUE(opened) << opened.error().operator_text();
    store_ = std::move(*opened);
  }
  // The server notices a moment later that the previous session has ended.
  Result<std::unique_ptr<ChatStore>> open_once_it_is_free() {
    auto opened = try_open();
    while (!opened && opened.error().cause == Cause::CHAT_STORE_IN_USE) opened = try_open();
    return opened;
  }
  Result<std::unique_ptr<ChatStore>> try_open() {
    return open_postgres_store({.url = url}, options, clock_, entropy_, metrics, null_log());
  }
  void close() { store_.reset(); }
  ChatStore& store() override { return *store_; }
  ManualClock& clock() override { return clock_; }
  void run() override { turn_.run_posted(); }
  // Of one row and column.
  std::string asked(const std::string& question) {
    auto db = store::postgres_reader({.url = url})();
    EXPECT_TRUE(db) << db.error().operator_text();
    auto rows = db.value()->query(question);
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }

 private:
  ManualClock clock_;
  FixedEntropy entropy_;
  ManualExecutor turn_{clock_};
  std::unique_ptr<ChatStore> store_;
};

// Three nodes, each with a store, on one database. What a test asks for goes to each of them in turn: after each run()
// to the next one.
class ThreeWriters final : public StoreWorld {
 public:
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  DatabaseStoreOptions options;
  Metrics metrics;

  ThreeWriters() {
    options.executor = &turn_;
    options.writers = Writers::many;
  }
  void open(WorldOptions of_the_world) override {
    apply(of_the_world, options.policy);
    for (auto& store : stores_) store.reset();
    for (auto& store : stores_) {
      auto opened = open_postgres_store({.url = url}, options, clock_, entropy_, metrics, null_log());
      ASSERT_TRUE(opened) << opened.error().operator_text();
      store = std::move(*opened);
    }
  }
  ChatStore& store() override { return *stores_.at(next_); }
  ManualClock& clock() override { return clock_; }
  [[nodiscard]] bool alone() const override { return false; }
  void run() override {
    turn_.run_posted();
    next_ = (next_ + 1) % stores_.size();
  }
  Result<bool> refresh_hooks() override {
    bool any = false;
    for (auto& store : stores_) {
      TRY(some, ask<bool>([&](Completion<bool> d) { store->outbox().refresh_hooks(std::move(d)); }));
      any = any || some;
    }
    return any;
  }
  void watch_outbox(std::function<void()> written) override {
    for (auto& store : stores_) store->outbox().watch_outbox(written);
  }

 private:
  ManualClock clock_;
  FixedEntropy entropy_; // of all: they never draw the same
  ManualExecutor turn_{clock_};
  std::array<std::unique_ptr<ChatStore>, 3> stores_;
  std::size_t next_ = 0;
};

} // namespace foyer::engine
