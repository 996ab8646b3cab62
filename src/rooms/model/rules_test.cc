// The pure part: names, patterns, permissions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rooms/model/access.h"

namespace foyer::rooms {
namespace {

std::string word_for(std::string_view room) {
  auto kind = kind_of(room);
  return kind ? std::string(to_string(*kind)) : std::string(kind.error().code());
}

TEST(RoomName, SaysWhatKindOfRoomItIs) {
  EXPECT_EQ(word_for("tea"), "public");
  EXPECT_EQ(word_for("a.b_c-9"), "public");
  EXPECT_EQ(word_for(std::string(64, 'a')), "public");
  EXPECT_EQ(word_for("Tea"), "public");
  EXPECT_EQ(word_for("news:42"), "public");
  EXPECT_EQ(word_for("News:eu:Sport"), "public");
  EXPECT_EQ(word_for("private:den"), "private");
  EXPECT_EQ(word_for("private:" + std::string(64, 'a')), "private");
  EXPECT_EQ(word_for("direct:0f"), "direct");
  EXPECT_EQ(word_for("user:Ann.b_c:d@e|f-1"), "own");
  EXPECT_EQ(word_for("user:" + std::string(128, 'A')), "own");
}

TEST(RoomName, AnythingElseIsRefused) {
  using namespace std::string_literals;
  for (const std::string& name : {""s, ":x"s, "x:"s, "te a"s, "tea\n"s, "tea\0"s, "t\xC3\xA9"s, std::string(65, 'a'),
           ":"s, "private:"s, "private:Den"s, "private:a:b"s, "private:"s + std::string(65, 'a'), "direct:"s, "user:"s,
           "user:a b"s, "user:"s + std::string(129, 'a'), "team:"s, "PRIVATE:x"s, "Direct:x"s, "User:x"s, "../etc"s})
    EXPECT_EQ(word_for(name), "ROOM_NAME_INVALID") << name;
  EXPECT_EQ(kind_of("te\x01").error().field, "room");
  EXPECT_EQ(kind_of("te\x01").error().evidence.find('\x01'), std::string::npos);
}

TEST(Access, ANameTellsWhoMayBeInside) {
  EXPECT_TRUE(may_be_inside(RoomKind::public_, "tea", UserId("eve")));
  EXPECT_TRUE(may_be_inside(RoomKind::private_, "private:x", UserId("eve"))) << "only the store knows its members";
  EXPECT_TRUE(may_be_inside(RoomKind::direct, "direct:x", UserId("eve")));
  EXPECT_TRUE(may_be_inside(RoomKind::own, "user:ann", UserId("ann")));
  EXPECT_FALSE(may_be_inside(RoomKind::own, "user:ann", UserId("an")));
  EXPECT_FALSE(may_be_inside(RoomKind::own, "user:ann", UserId("bob")));
}

TEST(Access, WhatMayBeDoneWithWhichRight) {
  const Permissions none{}, reads{.chat_read = true}, writes{.chat_write = true}, admin{.admin = true};
  const auto say = [](Result<void> r) { return r ? std::string("ok") : std::string(r.error().code()); };
  const auto may = [](Act act, RoomKind kind, bool inside, const Permissions& permissions) {
    const RoomSettings settings{.join = kind == RoomKind::public_ ? JoinBy::anyone : JoinBy::members};
    return rooms::may(act, kind, settings, {.member = inside}, permissions);
  };
  EXPECT_EQ(say(may(Act::read, RoomKind::public_, true, reads)), "ok");
  EXPECT_EQ(say(may(Act::read, RoomKind::public_, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::read, RoomKind::private_, false, reads)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::read, RoomKind::private_, false, none)), "PERMISSION_DENIED")
      << "the same whether or not the room exists";
  EXPECT_EQ(say(may(Act::write, RoomKind::public_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::write, RoomKind::public_, true, reads)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::write, RoomKind::direct, false, writes)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::invite, RoomKind::private_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::invite, RoomKind::private_, false, writes)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::invite, RoomKind::direct, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::remove, RoomKind::private_, true, writes)), "ok");
  EXPECT_EQ(say(may(Act::remove, RoomKind::public_, true, writes)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may(Act::erase, RoomKind::public_, true, admin)), "ok");
  EXPECT_EQ(say(may(Act::erase, RoomKind::private_, false, admin)), "NOT_A_MEMBER");
  EXPECT_EQ(say(may(Act::erase, RoomKind::public_, true, reads)), "PERMISSION_DENIED");
  EXPECT_EQ(say(may_create(writes)), "ok");
  EXPECT_EQ(say(may_create(reads)), "PERMISSION_DENIED");
  EXPECT_TRUE(may_erase_any(admin));
  EXPECT_FALSE(may_erase_any(writes));
}

} // namespace
} // namespace foyer::rooms
