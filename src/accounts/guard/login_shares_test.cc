#include "accounts/guard/login_shares.h"

#include <gtest/gtest.h>

namespace foyer::accounts {
namespace {

using namespace std::chrono_literals;
using exec::WorkClass;

constexpr MonoTime kNow{1000s};

TEST(LoginShares, AUserIsKnownOnlyAtAddressesOfEarlierLogins) {
  LoginShares shares;
  shares.signed_in("203.0.113.7", "ann");
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.7", "ann", kNow).of, WorkClass::known);
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.8", "ann", kNow).of, WorkClass::login);
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.7", "bob", kNow).of, WorkClass::login);
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.7", "", kNow).of, WorkClass::login);
  EXPECT_EQ(shares.take(WorkClass::other, "203.0.113.7", "ann", kNow).of, WorkClass::other);
}

TEST(LoginShares, TenASecondAreOftenAndAMinuteLaterForgotten) {
  LoginShares shares;
  MonoTime now = kNow;
  exec::Share share;
  for (int i = 0; i < 10; ++i, now += 100ms) share = shares.take(WorkClass::login, "203.0.113.7", "", now);
  EXPECT_TRUE(share.often);
  EXPECT_FALSE(shares.take(WorkClass::login, "203.0.113.8", "", now).often) << "a neighbour";
  EXPECT_FALSE(shares.take(WorkClass::login, "203.0.113.7", "", now + 60s).often);
}

TEST(LoginShares, ANetworkOfManyAddressesIsOftenAsAWhole) {
  LoginShares shares;
  exec::Share share;
  for (int i = 0; i < 60; ++i) share = shares.take(WorkClass::login, "203.0.113." + std::to_string(i), "", kNow);
  EXPECT_TRUE(share.often);
  EXPECT_EQ(share.network, "203.0.113.0/24");
  EXPECT_FALSE(shares.take(WorkClass::login, "198.51.100.1", "", kNow).often);
}

TEST(LoginShares, AnIpv6AddressCountsByItsNetworkOfACustomer) {
  LoginShares shares;
  const auto share = shares.take(WorkClass::login, "2001:db8:1:2:3:4:5:6", "", kNow);
  EXPECT_EQ(share.address, "2001:db8:1:2::/64");
  EXPECT_EQ(share.network, "2001:db8:1::/48");
}

TEST(LoginShares, TheTablesAreBounded) {
  LoginShares shares({.max_known = 2, .max_counted = 4});
  for (const char* user : {"ann", "bob", "cid"}) shares.signed_in("203.0.113.7", user);
  EXPECT_EQ(shares.known(), 2u);
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.7", "cid", kNow).of, WorkClass::known);
  EXPECT_EQ(shares.take(WorkClass::login, "203.0.113.7", "ann", kNow).of, WorkClass::login);
  for (int i = 0; i < 20; ++i)
    static_cast<void>(shares.take(WorkClass::login, "10.0." + std::to_string(i) + ".1", "", kNow));
  EXPECT_EQ(shares.counted(), 4u);
}

} // namespace
} // namespace foyer::accounts
