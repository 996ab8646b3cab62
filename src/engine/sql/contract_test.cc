// The contracts of a log and of a directory, for both databases.
#include "engine/testing/hook_outbox_contract.h"
#include "engine/testing/hooks_contract.h"
#include "engine/testing/membership_contract.h"
#include "engine/testing/room_log_contract.h"
#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

template <class World, class Made>
std::unique_ptr<World> make() {
  return std::make_unique<Made>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, RoomLogContract, testing::Values(make<LogWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, RoomLogContract, testing::Values(make<LogWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, RoomLogContract, testing::Values(make<LogWorld, ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, RoomDirectoryContract, testing::Values(make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, RoomDirectoryContract, testing::Values(make<StoreWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, RoomDirectoryContract, testing::Values(make<StoreWorld, ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, HooksContract, testing::Values(make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, HooksContract, testing::Values(make<StoreWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, HooksContract, testing::Values(make<StoreWorld, ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, HookOutboxContract, testing::Values(make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, HookOutboxContract, testing::Values(make<StoreWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, HookOutboxContract, testing::Values(make<StoreWorld, ThreeWriters>));
INSTANTIATE_TEST_SUITE_P(Sqlite, MembershipContract, testing::Values(make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, MembershipContract, testing::Values(make<StoreWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, MembershipContract, testing::Values(make<StoreWorld, ThreeWriters>));

struct ClosedStore : testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {};

TEST_P(ClosedStore, RefusesAndHasFinishedWhatItWasGiven) {
  const auto w = GetParam()();
  w->open({});
  std::string first;
  w->store().append(w->message("tea", "ann", "last words"), [&](Result<Appended> r) { first = code_of(r); });
  w->store().close();
  EXPECT_EQ(first, "ok");
  EXPECT_EQ(code_of(w->say("tea", "ann", "too late")), "BUSY");
  w->open({});
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:last words");
}

INSTANTIATE_TEST_SUITE_P(Sqlite, ClosedStore, testing::Values(make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Postgres, ClosedStore, testing::Values(make<StoreWorld, PostgresWorld>));
INSTANTIATE_TEST_SUITE_P(ThreeWriters, ClosedStore, testing::Values(make<StoreWorld, ThreeWriters>));

} // namespace
} // namespace foyer::engine
