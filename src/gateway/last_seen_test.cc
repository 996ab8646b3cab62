#include "gateway/last_seen.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

using namespace std::chrono_literals;

constexpr WallTime at(std::chrono::seconds seconds) { return WallTime{seconds}; }

TEST(LastSeen, AUserWhoLeftIsKnownUntilTheNextConnection) {
  LastSeen seen(10);
  EXPECT_EQ(seen.of(UserId("ann")), std::nullopt);
  seen.left(UserId("ann"), at(100s));
  EXPECT_EQ(seen.of(UserId("ann")), at(100s));
  seen.left(UserId("ann"), at(200s));
  EXPECT_EQ(seen.of(UserId("ann")), at(200s));
  EXPECT_EQ(seen.size(), 1U);
  seen.came(UserId("ann"));
  EXPECT_EQ(seen.of(UserId("ann")), std::nullopt);
  EXPECT_EQ(seen.size(), 0U);
}

TEST(LastSeen, BeyondTheLimitTheUserWhoLeftFirstIsForgotten) {
  LastSeen seen(2);
  seen.left(UserId("ann"), at(1s));
  seen.left(UserId("bob"), at(2s));
  seen.left(UserId("ann"), at(3s)); // now bob is the one who left first
  seen.left(UserId("cid"), at(4s));
  EXPECT_EQ(seen.of(UserId("ann")), at(3s));
  EXPECT_EQ(seen.of(UserId("bob")), std::nullopt);
  EXPECT_EQ(seen.of(UserId("cid")), at(4s));
  EXPECT_EQ(seen.size(), 2U);
}

} // namespace
} // namespace foyer::gateway
