#include "accounts/sql/sqlite_store.h"

#include "accounts/sql/queries.h"
#include "accounts/testing/store_places.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::accounts::testing_world {

using foyer::testing_world::Faults;

TEST(SqliteStore, AFullDiskIsSaidSoAndPasses) {
  SqlitePlace place;
  SqliteStoreOptions options;
  options.database.vfs = Faults::vfs();
  const auto store = place.open_with(options);
  std::optional<Result<bool>> out;
  const auto add = [&](std::string name) {
    out.reset();
    store->create_user({.id = UserId{name}, .name = name, .password = "phc"}, std::nullopt, std::nullopt,
        {.action = "add", .outcome = "OK"}, [&out](Result<bool> r) { out = std::move(r); });
    place.settle();
  };
  Faults::writes_fail_with(ENOSPC);
  add("alice");
  Faults::none();
  ASSERT_FALSE(out->has_value());
  EXPECT_EQ(out->error().cause, Cause::STORE_FULL);
  EXPECT_FALSE(store->probe());
  add("alice");
  EXPECT_TRUE(out->has_value());
  EXPECT_TRUE(store->probe());
}

TEST(SqliteStore, AReadOnlyDatabaseIsReadAndChangesAreRefused) {
  SqlitePlace place;
  std::string key;
  std::optional<Result<bool>> added;
  const auto add = [&](AccountStore& store) {
    added.reset();
    store.create_user({.id = UserId{"id"}, .name = "alice", .password = "phc"}, std::nullopt, std::nullopt,
        {.action = "add", .outcome = "OK"}, [&added](Result<bool> r) { added = std::move(r); });
    place.settle();
  };
  {
    const auto store = place.open();
    key = store->refresh_key();
    add(*store);
    ASSERT_TRUE(added->has_value());
  }
  SqliteStoreOptions options;
  options.database.access = store::Access::read_only;
  const auto store = place.open_with(options);
  EXPECT_EQ(store->refresh_key(), key);
  std::optional<std::string> name;
  store->find_user_by_name(
      "alice", [&name](Result<std::optional<UserRow>> found) { name = found.value().value().name; });
  add(*store);
  EXPECT_EQ(name, "alice");
  ASSERT_FALSE(added->has_value());
  EXPECT_EQ(added->error().cause, Cause::STORE_READ_ONLY);
}

TEST(SqliteStore, WhatIsOverLongEnoughIsForgottenAndTheRestIsKept) {
  SqlitePlace place;
  { const auto store = place.open(); }
  auto db = store::open_sqlite(place.dir.file("accounts.sqlite")).value();
  const WallTime old = place.clock.wall() - std::chrono::days{40};
  const WallTime recent = place.clock.wall() - std::chrono::days{1};
  const auto put = [&](std::string name, WallTime at) {
    NewSession session{.session = {.id = SessionId{"s-" + name},
                           .user = UserId{name},
                           .created = at,
                           .last_seen = at,
                           .device = "d",
                           .address = "a"},
        .refresh_hash = "r-" + name};
    ASSERT_TRUE(sql::create_user(*db, {.id = UserId{name}, .name = name, .password = "phc", .created = at},
        std::nullopt, session, {.at = at, .action = "add", .outcome = "OK"}));
    ASSERT_TRUE(sql::set_disabled(*db, UserId{name}, true, {.at = at, .action = "disable", .outcome = "OK"}));
    ASSERT_TRUE(sql::add_invitation(
        *db, {.hash = "i-" + name, .created = at, .expires = at}, {.at = at, .action = "invite", .outcome = "OK"}));
  };
  put("old", old);
  put("recent", recent);
  const WallTime horizon = place.clock.wall() - std::chrono::days{30};
  const sql::Horizons horizons{.audit = horizon, .refusals = horizon, .ended = horizon, .revocations = horizon};
  EXPECT_EQ(sql::count_old(*db, horizons)->all(),
      7); // a session, its refresh token, an invitation, a revocation, three audit rows
  EXPECT_EQ(sql::forget(*db, horizons), 7);
  EXPECT_EQ(sql::count_old(*db, horizons)->all(), 0);
  const auto count = [&](std::string_view table) {
    auto rows = db->query(table).value();
    EXPECT_TRUE(rows.step().value());
    return rows.integer(0);
  };
  EXPECT_EQ(count("SELECT count(*) FROM users"), 2);
  EXPECT_EQ(count("SELECT count(*) FROM sessions"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM refresh_tokens"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM invitations"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM revocations"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM audit"), 3);
  EXPECT_EQ(count("SELECT max(cursor) FROM revocations"), 2); // cursors are never reused
}

} // namespace foyer::accounts::testing_world
