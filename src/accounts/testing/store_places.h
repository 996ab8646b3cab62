// For tests: places that store accounts, one for each kind of store. All work
// runs in settle(), on the calling thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "accounts/sql/postgres_store.h"
#include "accounts/sql/sqlite_store.h"
#include "base/manual_executor.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::accounts::testing_world {

inline constexpr Millis kPatience{60'000}; // for locks of other connections, on a slow machine

// A place that stores accounts, and one or more stores open on it.
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  virtual std::unique_ptr<AccountStore> open() = 0;
  virtual void settle() = 0;                                   // all requests have been answered
  virtual std::unique_ptr<AccountStore> open_on_threads() = 0; // settle() does nothing for it
};
using MakePlace = std::function<std::unique_ptr<StorePlace>()>;

class SqlitePlace final : public StorePlace {
 public:
  std::unique_ptr<AccountStore> open() override { return open_with({}); }
  std::unique_ptr<AccountStore> open_with(SqliteStoreOptions options) {
    options.executor = &waiting_;
    return open_as_it_is(std::move(options));
  }
  std::unique_ptr<AccountStore> open_on_threads() override {
    SqliteStoreOptions options;
    options.database.busy_timeout = kPatience;
    return open_as_it_is(std::move(options));
  }
  std::unique_ptr<AccountStore> open_as_it_is(SqliteStoreOptions options) {
    auto opened =
        open_sqlite_store(dir.file("accounts.sqlite"), std::move(options), clock, entropy, metrics, null_log());
    EXPECT_TRUE(opened) << opened.error().evidence;
    return std::move(*opened);
  }
  void settle() override { waiting_.run_posted(); }

  foyer::testing_world::TempDir dir;
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;

 private:
  ManualExecutor waiting_{clock};
};

class PostgresPlace final : public StorePlace {
 public:
  std::unique_ptr<AccountStore> open() override {
    DatabaseStoreOptions options;
    options.executor = &waiting_;
    return open_as_it_is(std::move(options));
  }
  std::unique_ptr<AccountStore> open_on_threads() override { return open_as_it_is({}); }
  std::unique_ptr<AccountStore> open_as_it_is(DatabaseStoreOptions options) {
    auto opened = open_postgres_store(
        {.url = url, .statement_timeout = kPatience, .lock_timeout = kPatience, .answer_timeout = kPatience},
        std::move(options), clock, entropy, metrics, null_log());
    EXPECT_TRUE(opened) << opened.error().evidence;
    return std::move(*opened);
  }
  void settle() override { waiting_.run_posted(); }

  const std::string url = foyer::testing_world::Postgres::shared().fresh();
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;

 private:
  ManualExecutor waiting_{clock};
};

} // namespace foyer::accounts::testing_world
