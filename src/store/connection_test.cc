// The waits between tries of a connection, and what ends them.
#include "store/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/clock.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

constexpr std::string_view kSchema[] = {"CREATE TABLE notes (id INTEGER PRIMARY KEY)"};

// A server that is there or not: a database behind a switch.
struct Server {
  testing_world::TempDir dir = {};
  bool up = false;
  int tries = 0;
  Opener opener() {
    return [this]() -> Result<std::unique_ptr<Database>> {
      tries += 1;
      if (!up) return refuse(Cause::DATABASE_UNREACHABLE, "connection refused");
      return sqlite_writer(dir.file("a.sqlite"), {}, {"notes", kSchema})();
    };
  }
};

TEST(Connection, TriesAreApartWhileTheServerIsAway) {
  Server server;
  ManualClock clock;
  Connection connection(server.opener(), clock, nullptr);
  EXPECT_FALSE(connection.get());
  const auto between = connection.get();
  ASSERT_FALSE(between);
  EXPECT_EQ(between.error().retry_after, Millis{100});
  EXPECT_EQ(server.tries, 1);
  clock.advance(Millis{100});
  EXPECT_FALSE(connection.get());
  clock.advance(Millis{100});
  EXPECT_FALSE(connection.get()) << "the second wait is twice as long";
  EXPECT_EQ(server.tries, 2);
}

TEST(Connection, EachOpeningHasANumber) {
  Server server{.up = true};
  ManualClock clock;
  Connection connection(server.opener(), clock, nullptr);
  EXPECT_EQ(connection.openings(), 0U);
  for (const std::uint64_t opening : {1, 2, 3}) {
    EXPECT_TRUE(connection.get() && connection.get());
    EXPECT_EQ(connection.openings(), opening);
    connection.drop();
  }
}

TEST(Connection, WhoeverReachesTheServerEndsTheWaitsOfTheOthers) {
  Server server;
  ManualClock clock;
  const auto reached = std::make_shared<Reached>();
  Connection writes(server.opener(), clock, nullptr, reached);
  Connection reads(server.opener(), clock, nullptr, reached);
  EXPECT_FALSE(writes.get());
  clock.advance(Millis{50});
  EXPECT_FALSE(reads.get());
  server.up = true;
  clock.advance(Millis{50});
  EXPECT_TRUE(writes.get());
  EXPECT_TRUE(reads.get()) << "50 ms before its own next try";
}

TEST(Connection, WhileTheServerIsAwayOneOfThemTriesAtATime) {
  Server server;
  ManualClock clock;
  const auto reached = std::make_shared<Reached>();
  Connection reads(server.opener(), clock, nullptr, reached);
  std::function<void()> meanwhile = [] {};
  Connection writes([&, open = server.opener()] {
    meanwhile();
    return open();
  }, clock, nullptr, reached);
  EXPECT_FALSE(writes.get());
  EXPECT_FALSE(reads.get());
  clock.advance(Millis{200});
  meanwhile = [&] {
    EXPECT_EQ(reads.get().error().retry_after, Millis{100});
    EXPECT_EQ(server.tries, 2) << "it waits for what the other one finds";
    clock.advance(Millis{2'000});
    EXPECT_FALSE(reads.get());
    EXPECT_EQ(server.tries, 3) << "which hangs";
  };
  EXPECT_FALSE(writes.get());
  EXPECT_EQ(server.tries, 4);
  meanwhile = [] {};
  server.up = true;
  clock.advance(Millis{2'000});
  EXPECT_TRUE(reads.get());
  EXPECT_TRUE(writes.get());
}

TEST(Connection, ASuccessBeforeTheFailureEndsNoWait) {
  Server server;
  server.up = true;
  ManualClock clock;
  const auto reached = std::make_shared<Reached>();
  Connection writes(server.opener(), clock, nullptr, reached);
  Connection reads(server.opener(), clock, nullptr, reached);
  EXPECT_TRUE(writes.get());
  server.up = false;
  EXPECT_FALSE(reads.get());
  EXPECT_FALSE(reads.get());
  EXPECT_EQ(server.tries, 2) << "the writer's, and one of the reader's";
}

} // namespace
} // namespace foyer::store
