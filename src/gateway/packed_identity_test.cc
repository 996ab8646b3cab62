#include "gateway/packed_identity.h"

#include <gmock/gmock.h>

namespace foyer::gateway {
namespace {

void expect_same(const Identity& identity) {
  const PackedIdentity packed(identity);
  EXPECT_EQ(packed.user(), identity.user.view());
  EXPECT_EQ(packed.name(), identity.name);
  const Identity again = packed.unpacked();
  EXPECT_EQ(again.user, identity.user);
  EXPECT_EQ(again.name, identity.name);
  EXPECT_EQ(again.session, identity.session);
  EXPECT_EQ(again.token, identity.token);
  EXPECT_EQ(again.permissions, identity.permissions);
  EXPECT_EQ(again.issued_at, identity.issued_at);
  EXPECT_EQ(again.expires_at, identity.expires_at);
  EXPECT_EQ(again.own_account, identity.own_account);
  EXPECT_EQ(again.rooms, identity.rooms);
}

TEST(PackedIdentity, IsTheIdentityThatWasPacked) {
  const WallTime issued{std::chrono::seconds{1'700'000'000}};
  expect_same({.user = UserId{"ann"},
      .name = "Ann of a Name That Is Longer Than Her Id",
      .session = SessionId{"7f0c2a56-9a35-4c0e-8f0f-2f9f1d3f7a11"},
      .token = TokenId{"01J5Z3N8Q4"},
      .permissions = {.chat_read = true, .chat_write = true, .admin = false},
      .issued_at = issued,
      .expires_at = issued + std::chrono::seconds{900},
      .own_account = true,
      .rooms = {"orders-7", "orders-8"}});
}

TEST(PackedIdentity, TextsMayBeEmptyOrTheSame) {
  Identity identity;
  expect_same(identity);
  identity.user = UserId{"ann"};
  identity.name = "ann";
  expect_same(identity);
  identity.token = TokenId{"t"};
  expect_same(identity);
  identity.name = "Ann";
  identity.token = TokenId{};
  identity.session = SessionId{"s"};
  identity.permissions.admin = true;
  expect_same(identity);
}

} // namespace
} // namespace foyer::gateway
