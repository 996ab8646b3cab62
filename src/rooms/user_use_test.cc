#include "rooms/user_use.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace foyer::rooms {
namespace {

const MonoTime kStart{std::chrono::seconds{1'000'000}};

struct UserUseTest : testing::Test {
  Metrics metrics;
  UserUses users{{.messages_per_s = 10, .messages_burst = 20, .new_rooms_per_h = 2, .rooms_loaded = 1}, metrics};
  UserUsePtr use(const char* user, MonoTime now = kStart) { return users.of(UserId(user), now); }
  std::int64_t rows() { return metrics.gauge("foyer_limit_used", "", {{"limit", "user_table"}}).value(); }
};

TEST_F(UserUseTest, TwoConnectionsOfAUserShareItsAllowanceAndAnotherUserHasItsOwn) {
  const auto one = use("ann");
  const auto two = use("ann");
  EXPECT_EQ(one->command(kStart, 15), Millis{0});
  EXPECT_EQ(two->command(kStart, 6), Millis{100});
  EXPECT_EQ(two->command(kStart, 5), Millis{0});
  EXPECT_EQ(use("bob")->command(kStart, 20), Millis{0});
}

TEST_F(UserUseTest, NoCommandCostsMoreThanABurst) { EXPECT_EQ(use("ann")->command(kStart, 1'000), Millis{0}); }

TEST_F(UserUseTest, NewRoomsAreCountedByTheHourAndThoseThatWereNotMadeAreNot) {
  const auto ann = use("ann");
  EXPECT_FALSE(ann->new_room(kStart));
  EXPECT_FALSE(ann->new_room(kStart));
  const auto refused = ann->new_room(kStart);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->cause, Cause::RATE_LIMITED);
  EXPECT_EQ(refused->evidence, "new_rooms_per_h=2");
  EXPECT_EQ(refused->retry_after, Millis{30 * 60'000});
  ann->no_new_room();
  EXPECT_FALSE(ann->new_room(kStart));
}

TEST_F(UserUseTest, ARoomInMemoryHasAPlaceUntilItLeaves) {
  const auto ann = use("ann");
  auto place = UserUse::load_room(ann);
  ASSERT_TRUE(place);
  EXPECT_EQ(UserUse::load_room(ann).error().evidence, "rooms_loaded_per_user=1");
  EXPECT_TRUE(UserUse::load_room(use("bob")));
  *place = admission::Permit{};
  EXPECT_TRUE(UserUse::load_room(ann));
}

TEST_F(UserUseTest, AReturningUserIsKnownUntilItsAllowancesAreRestored) {
  EXPECT_EQ(use("ann")->command(kStart, 20), Millis{0});
  EXPECT_GT(use("ann", kStart + Millis{1'000})->command(kStart + Millis{1'000}, 11).count(), 0);
  for (int i = 0; i < 500; ++i) (void)use(("u" + std::to_string(i)).c_str(), kStart + Millis{10'000});
  EXPECT_LT(rows(), 100) << "users who took nothing are forgotten as others come";
  EXPECT_EQ(use("ann", kStart + Millis{10'000})->command(kStart + Millis{10'000}, 20), Millis{0});
}

TEST_F(UserUseTest, TheTableHasABound) {
  std::vector<UserUsePtr> connected;
  for (int i = 0; i < 1'000; ++i) connected.push_back(use(("c" + std::to_string(i)).c_str()));
  for (std::size_t i = 0; i < UserUses::kRows + 10'000; ++i)
    (void)use(("u" + std::to_string(i)).c_str())->command(kStart, 20);
  EXPECT_LE(rows(), static_cast<std::int64_t>(UserUses::kRows + 1'000));
  EXPECT_EQ(use("c5"), connected[5]) << "a connected user is not forgotten";
}

} // namespace
} // namespace foyer::rooms
