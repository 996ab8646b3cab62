#include "rooms/model/api_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::rooms {
namespace {

ApiRights rights(std::vector<std::string> words) {
  auto parsed = ApiRights::parse(words);
  EXPECT_TRUE(parsed) << parsed.error().operator_text();
  return parsed.value_or(ApiRights{});
}

Refusal fault(std::vector<std::string> words) {
  auto parsed = ApiRights::parse(words);
  EXPECT_FALSE(parsed);
  return parsed ? Refusal{} : parsed.error();
}

TEST(ApiRights, AllowNothingThatNoneNames) {
  const ApiRights none = rights({});
  EXPECT_FALSE(none.may(RoomRight::read, RoomName("tea")));
  EXPECT_FALSE(none.may(ApiRight::export_));
  EXPECT_FALSE(none.may_somewhere(RoomRight::read));
  const ApiRights some = rights({"publish:tea", "users:read"});
  EXPECT_TRUE(some.may(RoomRight::publish, RoomName("tea")));
  EXPECT_FALSE(some.may(RoomRight::publish, RoomName("teas")));
  EXPECT_FALSE(some.may(RoomRight::read, RoomName("tea")));
  EXPECT_TRUE(some.may(ApiRight::users_read));
  EXPECT_FALSE(some.may(ApiRight::users_write));
  EXPECT_TRUE(some.may_somewhere(RoomRight::publish));
  EXPECT_FALSE(some.may_somewhere(RoomRight::members));
}

TEST(ApiRights, AStarReachesEveryPublicRoomAndNoOther) {
  const ApiRights all = rights({"read:*"});
  for (const char* room : {"tea", "orders-7", "news:42", "Orders", "private", "users:1"})
    EXPECT_TRUE(all.may(RoomRight::read, RoomName(room))) << room;
  for (const char* room : {"private:den", "direct:0f", "user:ann"})
    EXPECT_FALSE(all.may(RoomRight::read, RoomName(room))) << room;
}

TEST(ApiRights, APatternReachesReservedNamesOnlyWithTheirPrefix) {
  const ApiRights some = rights({"read:private:*", "publish:user:shop|*", "members:pri*", "moderate:*:den"});
  EXPECT_TRUE(some.may(RoomRight::read, RoomName("private:den")));
  EXPECT_FALSE(some.may(RoomRight::read, RoomName("direct:0f")));
  EXPECT_FALSE(some.may(RoomRight::read, RoomName("tea")));
  EXPECT_TRUE(some.may(RoomRight::publish, RoomName("user:shop|ann")));
  EXPECT_FALSE(some.may(RoomRight::publish, RoomName("user:ann")));
  EXPECT_FALSE(some.may(RoomRight::members, RoomName("private:den")));
  EXPECT_TRUE(some.may(RoomRight::members, RoomName("prices")));
  EXPECT_FALSE(some.may(RoomRight::moderate, RoomName("private:den")));
  EXPECT_TRUE(some.may(RoomRight::moderate, RoomName("team:den")));
}

TEST(ApiRights, EveryRightHasAWord) {
  const ApiRights every = rights({"publish:a*", "read:a*", "rooms:a*", "members:a*", "moderate:a*", "users:read",
      "users:write", "export", "connections", "endings", "as_user"});
  for (const RoomRight right :
      {RoomRight::publish, RoomRight::read, RoomRight::rooms, RoomRight::members, RoomRight::moderate}) {
    EXPECT_TRUE(every.may(right, RoomName("abc"))) << to_string(right);
    EXPECT_FALSE(every.may(right, RoomName("xyz"))) << to_string(right);
  }
  for (const ApiRight right : {ApiRight::users_read, ApiRight::users_write, ApiRight::export_, ApiRight::connections,
           ApiRight::endings, ApiRight::as_user})
    EXPECT_TRUE(every.may(right)) << to_string(right);
}

TEST(ApiRights, TheOperatorMayEverything) {
  EXPECT_TRUE(ApiRights::all().may(RoomRight::moderate, RoomName("private:den")));
  EXPECT_TRUE(ApiRights::all().may(ApiRight::as_user));
  EXPECT_TRUE(ApiRights::all().may_somewhere(RoomRight::rooms));
}

TEST(ApiRights, AnUnknownRightIsRefusedWithTheKnownOnes) {
  const Refusal why = fault({"read:*", "write:*"});
  EXPECT_EQ(why.cause, Cause::INVALID_VALUE);
  EXPECT_EQ(why.field, "rights");
  EXPECT_THAT(why.evidence,
      testing::AllOf(testing::HasSubstr("\"write:*\""), testing::HasSubstr("publish:ROOM, read:ROOM, rooms:ROOM"),
          testing::HasSubstr("users:read, users:write, export, connections, endings, as_user")));
  for (const char* word : {"", "publish*", "users", "users:", "users:delete", "Read:*", "export:*", "as_user:ann", "*"})
    EXPECT_EQ(fault({word}).cause, Cause::INVALID_VALUE) << word;
}

TEST(ApiRights, ARightAboutRoomsNeedsAPattern) {
  EXPECT_THAT(fault({"read"}).evidence, testing::HasSubstr("read:orders-*"));
  EXPECT_THAT(fault({"read:"}).evidence, testing::HasSubstr("needs a pattern"));
  EXPECT_THAT(fault({"read:a b"}).evidence, testing::HasSubstr("not allowed in room names"));
  EXPECT_EQ(fault({"read:a\nb"}).evidence.find('\n'), std::string::npos);
}

TEST(ApiRights, HaveLimits) {
  EXPECT_EQ(fault({"read:" + std::string(kRightBytes, 'a')}).cause, Cause::INVALID_VALUE);
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kMostRights; ++i) many.push_back("read:r" + std::to_string(i));
  EXPECT_EQ(fault(many).cause, Cause::INVALID_VALUE);
  many.pop_back();
  EXPECT_EQ(rights(many).words().size(), kMostRights);
}

TEST(ApiRights, AWordThatIsGivenTwiceCountsOnce) {
  EXPECT_THAT(rights({"export", "read:*", "export"}).words(), testing::ElementsAre("export", "read:*"));
}

TEST(ApiRights, AMissingRightIsNamed) {
  const auto room = rights({"read:tea"}).check(RoomRight::publish, RoomName("tea"));
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().cause, Cause::PERMISSION_DENIED);
  EXPECT_EQ(room.error().field, "needs");
  EXPECT_EQ(room.error().evidence, "publish:tea");
  EXPECT_EQ(rights({}).check(ApiRight::export_).error().evidence, "export");
  EXPECT_TRUE(rights({"read:tea"}).check(RoomRight::read, RoomName("tea")));
}

} // namespace
} // namespace foyer::rooms
