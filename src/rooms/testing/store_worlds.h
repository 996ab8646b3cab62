// For tests: chat stores with everything around them, one for each kind of store.
// Unless a test asks for threads, everything happens in run(), on the calling thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_executor.h"
#include "rooms/postgres_store.h"
#include "rooms/sqlite_store.h"
#include "store/sqlite.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::rooms {

inline std::string code_of(const auto& result) { return result ? "ok" : std::string(result.error().code()); }

struct WorldOptions {
  std::uint32_t history_days = 0;
  std::uint64_t history_messages = 0;
  std::uint32_t room_members = 10'000;
  RoomsPerUser rooms_per_user = {};
  std::uint32_t invitations_sent = 200;
  std::uint32_t invitations_to_one = 5;
  std::uint32_t invitations_received = 100;
};

// A store with everything around it, in the hands of a test.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  virtual void open(WorldOptions options) = 0; // again: closes and opens the same data, as a restart does
  virtual ChatStore& store() = 0;
  virtual void run() = 0; // until all that was asked is answered
  virtual ManualClock& clock() = 0;

  // Asks and waits for the answer.
  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> r) { answer = std::move(r); });
    run();
    if (!answer) return refuse(Cause::INTERNAL_ERROR, "no answer");
    return std::move(*answer);
  }
  Result<RoomRow> room(const std::string& name) {
    return ask<RoomRow>(
        [&](Completion<RoomRow> d) { store().open({.room = RoomName(name), .make = true}, std::move(d)); });
  }
  Result<RoomRow> create(const std::string& name, const std::string& by) {
    return ask<RoomRow>([&](Completion<RoomRow> d) { store().create(RoomName(name), UserId(by), std::move(d)); });
  }
  Result<Direct> ask_for_direct(const std::string& a, const std::string& b) {
    return ask<Direct>(
        [&](Completion<Direct> d) { store().direct({UserId(a), a + "'s name"}, UserId(b), std::move(d)); });
  }
  // The room of both, as both want it.
  Result<RoomRow> direct(const std::string& a, const std::string& b) {
    TRY_VOID(ask_for_direct(a, b));
    TRY(made, ask_for_direct(b, a));
    return std::move(made.room);
  }
  Result<Invited> invite(const std::string& room, const std::string& from, const std::string& user) {
    return ask<Invited>([&](Completion<Invited> d) {
      store().invite(RoomName(room), {UserId(from), from + "'s name"}, UserId(user), std::move(d));
    });
  }
  Result<bool> accept(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { store().accept(RoomName(room), UserId(user), std::move(d)); });
  }
  Result<bool> decline(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { store().decline(RoomName(room), UserId(user), std::move(d)); });
  }
  // "private:den<ann private:x<bob", a plus behind it if there are more.
  std::string invitations(const std::string& user) {
    auto page =
        ask<InvitationPage>([&](Completion<InvitationPage> d) { store().invitations(UserId(user), std::move(d)); });
    if (!page) return std::string(page.error().code());
    std::string out;
    for (const Invitation& each : page->invitations)
      out += (out.empty() ? "" : " ") + each.room.str() + "<" + each.from.id.str();
    return out + (page->more ? " +" : "");
  }
  Result<bool> add(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { store().add_member(RoomName(room), UserId(user), std::move(d)); });
  }
  Result<bool> remove(const std::string& room, const std::string& user) {
    return ask<bool>([&](Completion<bool> d) { store().remove_member(RoomName(room), UserId(user), std::move(d)); });
  }
  AppendRequest message(
      const std::string& room, const std::string& from, const std::string& text, const std::string& key = "") {
    return {.room = RoomName(room),
        .from = {UserId(from), from + "'s name"},
        .text = text,
        .key = key,
        .time = clock().wall()};
  }
  Result<Appended> say(
      const std::string& room, const std::string& from, const std::string& text, const std::string& key = "") {
    return ask<Appended>([&](Completion<Appended> d) { store().append(message(room, from, text, key), std::move(d)); });
  }
  Result<Offset> erase(const std::string& room, Offset offset, const std::string& by, bool any = false) {
    auto erased = ask<Erased>(
        [&](Completion<Erased> d) { store().erase(RoomName(room), offset, UserId(by), any, std::move(d)); });
    if (!erased) return std::unexpected(erased.error());
    return erased->offset;
  }
  Result<bool> detach(const std::string& user) {
    auto detached = ask<Detached>([&](Completion<Detached> d) { store().detach_author(UserId(user), std::move(d)); });
    if (!detached) return std::unexpected(detached.error());
    return detached->any;
  }
  Result<HistoryPage> history(HistoryRequest question) {
    return ask<HistoryPage>([&](Completion<HistoryPage> d) { store().history(question, std::move(d)); });
  }
  // A page as "1:text 2:text", a plus behind it if there is more.
  std::string page(HistoryRequest question) {
    auto got = history(std::move(question));
    if (!got) return std::string(got.error().code());
    std::string out;
    for (const Message& m : got->messages)
      out += (out.empty() ? "" : " ") + std::to_string(m.offset) + ":" + (m.deleted ? "deleted" : m.text);
    return out + (got->more ? " +" : "");
  }
  Result<RoomRow> open_as(const std::string& user, const std::string& name, bool make = false) {
    return ask<RoomRow>([&](Completion<RoomRow> d) {
      store().open({.room = RoomName(name), .by = UserId(user), .make = make}, std::move(d));
    });
  }
  Result<bool> forget_empty(const std::string& name) {
    return ask<bool>([&](Completion<bool> d) { store().forget_empty(RoomName(name), std::move(d)); });
  }
  std::string rooms_of(const std::string& user, std::uint32_t limit = 50, const std::string& after = {},
      std::vector<RoomName> joined = {}) {
    RoomsRequest question{.user = UserId(user), .joined = std::move(joined), .limit = limit};
    if (!after.empty()) question.after = RoomName(after);
    auto page = ask<RoomsPage>([&](Completion<RoomsPage> d) { store().rooms_of(std::move(question), std::move(d)); });
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
    options.history_days = of_the_world.history_days;
    options.history_messages = of_the_world.history_messages;
    options.room_members = of_the_world.room_members;
    options.rooms_per_user = of_the_world.rooms_per_user;
    options.invitations_sent = of_the_world.invitations_sent;
    options.invitations_to_one = of_the_world.invitations_to_one;
    options.invitations_received = of_the_world.invitations_received;
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
    options.history_days = of_the_world.history_days;
    options.history_messages = of_the_world.history_messages;
    options.room_members = of_the_world.room_members;
    options.rooms_per_user = of_the_world.rooms_per_user;
    options.invitations_sent = of_the_world.invitations_sent;
    options.invitations_to_one = of_the_world.invitations_to_one;
    options.invitations_received = of_the_world.invitations_received;
    auto opened = open_once_it_is_free();
    ASSERT_TRUE(opened) << opened.error().operator_text();
    store_ = std::move(*opened);
  }
  // The server learns a moment later that the session of the one before is over.
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

} // namespace foyer::rooms
