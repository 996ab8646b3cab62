// The contract of every directory of rooms: rooms and members. membership_contract.h continues it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class RoomDirectoryContract : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  std::unique_ptr<StoreWorld> w;
};

// --- rooms and members ---

TEST_P(RoomDirectoryContract, APublicRoomIsMadeByItsFirstOpening) {
  auto first = w->room("tea");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->room, RoomName("tea"));
  EXPECT_EQ(first->kind, RoomKind::public_);
  EXPECT_EQ(first->offset, 0U);
  EXPECT_FALSE(first->epoch.empty());
  EXPECT_EQ(w->room("tea")->epoch, first->epoch);
  EXPECT_EQ(w->room("user:Ann@x")->kind, RoomKind::own);
}

TEST_P(RoomDirectoryContract, APrivateRoomIsCreatedOnceAndHasItsMembers) {
  EXPECT_EQ(code_of(w->room("private:den")), "NOT_A_MEMBER");
  EXPECT_THAT(w->create("private:den", "ann")->members, testing::ElementsAre(UserId("ann")));
  EXPECT_EQ(code_of(w->create("private:den", "bob")), "ROOM_EXISTS");
  EXPECT_EQ(w->add("private:den", "bob"), true);
  EXPECT_EQ(w->add("private:den", "bob"), false);
  EXPECT_THAT(w->room("private:den")->members, testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(w->remove("private:den", "bob"), true);
  EXPECT_EQ(w->remove("private:den", "bob"), false);
  EXPECT_THAT(w->room("private:den")->members, testing::ElementsAre(UserId("ann")));
}

TEST_P(RoomDirectoryContract, ARoomThatLostItsLastMemberIsGoneAndItsNameBeginsAnew) {
  const Epoch old = w->create("private:den", "ann")->epoch;
  ASSERT_TRUE(w->say("private:den", "ann", "secret"));
  EXPECT_EQ(w->remove("private:den", "ann"), true);
  EXPECT_EQ(code_of(w->room("private:den")), "NOT_A_MEMBER");
  auto again = w->create("private:den", "eve");
  ASSERT_TRUE(again);
  EXPECT_NE(again->epoch, old);
  EXPECT_EQ(again->offset, 0U);
  EXPECT_EQ(w->page({.room = RoomName("private:den")}), "");
  EXPECT_EQ(w->say("private:den", "eve", "mine")->offset, 1U);
}

TEST_P(RoomDirectoryContract, OnlyPrivateRoomsAreCreatedAndDirectOnesKeepTheirMembers) {
  EXPECT_EQ(code_of(w->create("tea", "ann")), "ROOM_NAME_INVALID");
  EXPECT_EQ(code_of(w->create("private:No", "ann")), "ROOM_NAME_INVALID");
  ASSERT_TRUE(w->room("user:ann"));
  EXPECT_EQ(code_of(w->add("user:ann", "bob")), "PERMISSION_DENIED");
  const std::string direct = w->direct("ann", "bob")->room.str();
  EXPECT_EQ(code_of(w->add(direct, "eve")), "PERMISSION_DENIED");
  EXPECT_EQ(code_of(w->remove(direct, "bob")), "PERMISSION_DENIED");
  EXPECT_EQ(code_of(w->add("private:none", "ann")), "NOT_A_MEMBER");
  EXPECT_EQ(code_of(w->remove("private:none", "ann")), "NOT_A_MEMBER");
}

TEST_P(RoomDirectoryContract, APublicRoomMayHaveMembersAndOutlivesThem) {
  EXPECT_EQ(code_of(w->add("orders-7", "ann")), "NOT_A_MEMBER") << "there is no such room";
  ASSERT_TRUE(w->room("orders-7"));
  EXPECT_TRUE(w->room("orders-7")->members.empty());
  EXPECT_EQ(w->add("orders-7", "ann"), true);
  EXPECT_EQ(w->add("orders-7", "ann"), false);
  EXPECT_THAT(w->room("orders-7")->members, testing::ElementsAre(UserId("ann")));
  EXPECT_THAT(w->stands("orders-7")->members, testing::ElementsAre(UserId("ann")));
  EXPECT_TRUE(w->open_as("eve", "orders-7")) << "whether they may is for the rule of the room";
  EXPECT_EQ(w->forget_empty("orders-7"), false) << "it has a member";
  w->open({});
  EXPECT_THAT(w->room("orders-7")->members, testing::ElementsAre(UserId("ann")));
  EXPECT_EQ(w->remove("orders-7", "ann"), true);
  EXPECT_EQ(w->forget_empty("orders-7"), true);
  ASSERT_TRUE(w->say("orders-8", "bob", "hello"));
  EXPECT_EQ(w->add("orders-8", "ann"), true);
  ASSERT_TRUE(w->detach("ann"));
  EXPECT_EQ(w->room("orders-8")->offset, 1U) << "its last member's account is gone";
}

TEST_P(RoomDirectoryContract, RoomsThatAUserMayNotJoinAreNotListed) {
  w->open({.rules = RoomRules({{.match = "closed-*", .join = rooms::JoinBy::nobody},
               {.match = "orders-*", .join = rooms::JoinBy::members},
               {.match = "with-token", .join = rooms::JoinBy::token}})});
  for (const std::string room : {"closed-1", "closed-2", "orders-1", "orders-2", "tea", "with-token", "zoo"})
    ASSERT_TRUE(w->say(room, "server", "hello"));
  ASSERT_TRUE(w->add("orders-2", "ann"));
  EXPECT_EQ(w->rooms_of("ann"), "orders-2@1 tea@1 zoo@1");
  EXPECT_EQ(w->rooms_of("bob"), "tea@1 zoo@1");
  const auto page = [&](RoomsRequest question) {
    auto got = w->ask<RoomsPage>([&](Completion<RoomsPage> d) { w->directory().rooms_of(question, std::move(d)); });
    std::string out;
    for (const RoomRow& row : got->rooms) out += (out.empty() ? "" : " ") + row.room.str();
    return out + (got->more ? " +" : "");
  };
  EXPECT_EQ(page({.user = UserId("bob"), .limit = 1}), "tea +") << "a page is filled with what may be seen";
  EXPECT_EQ(page({.user = UserId("bob"), .after = RoomName("tea"), .limit = 1}), "zoo");
  EXPECT_EQ(page({.user = UserId("bob"), .joined = {RoomName("with-token")}}), "with-token tea zoo");
}

TEST_P(RoomDirectoryContract, AListSkipsManyClosedRoomsAndMissesNoOpenOne) {
  w->open({.rules = RoomRules({{.match = "orders-0", .join = rooms::JoinBy::anyone},
               {.match = "club-*", .join = rooms::JoinBy::members}, {.match = "m*-*", .join = rooms::JoinBy::nobody},
               {.match = "orders-*", .join = rooms::JoinBy::token}})});
  for (const std::string prefix : {"club-", "many-", "orders-"})
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(w->say(prefix + std::to_string(i), "server", "hello"));
  for (const std::string room : {"a", "club", "club.1", "m", "orders", "orders.1", "zoo"})
    ASSERT_TRUE(w->say(room, "server", "hello"));
  for (const std::string room : {"club-0", "club-149", "club-99"}) ASSERT_TRUE(w->add(room, "ann"));
  EXPECT_EQ(
      w->rooms_of("ann"), "a@1 club@1 club-0@1 club-149@1 club-99@1 club.1@1 m@1 orders@1 orders-0@1 orders.1@1 zoo@1");
  EXPECT_EQ(w->rooms_of("bob"), "a@1 club@1 club.1@1 m@1 orders@1 orders-0@1 orders.1@1 zoo@1");
  std::string all;
  RoomsRequest question{.user = UserId("ann"), .limit = 2};
  for (bool more = true; more;) {
    auto page = w->ask<RoomsPage>([&](Completion<RoomsPage> d) { w->directory().rooms_of(question, std::move(d)); });
    ASSERT_TRUE(page);
    for (const RoomRow& row : page->rooms) all += row.room.str() + " ";
    more = page->more;
    if (more) question.after = page->rooms.back().room;
  }
  EXPECT_EQ(all, "a club club-0 club-149 club-99 club.1 m orders orders-0 orders.1 zoo ");
}

TEST_P(RoomDirectoryContract, APrivateRoomHasNoMoreMembersThanItsLimit) {
  w->open({.room_members = 2});
  ASSERT_TRUE(w->create("private:den", "ann"));
  EXPECT_EQ(w->add("private:den", "bob"), true);
  EXPECT_EQ(code_of(w->add("private:den", "eve")), "ROOM_LIMIT");
}

TEST_P(RoomDirectoryContract, AUserCreatesNoMorePrivateRoomsThanItsLimit) {
  w->open({.rooms_per_user = {.private_rooms = 2}});
  ASSERT_TRUE(w->create("private:a", "ann"));
  ASSERT_TRUE(w->create("private:b", "ann"));
  EXPECT_EQ(code_of(w->create("private:c", "ann")), "ROOM_LIMIT");
  ASSERT_TRUE(w->create("private:d", "bob"));
  ASSERT_TRUE(w->remove("private:a", "ann"));
  EXPECT_TRUE(w->create("private:c", "ann")) << "a room that is gone does not count";
}

TEST_P(RoomDirectoryContract, ARoomForMembersIsInNobodysShare) {
  w->open({.room_members = 2, .rooms_per_user = {.private_rooms = 1}});
  const std::vector<UserId> both{UserId("ann"), UserId("bob")};
  for (const char* name : {"private:a", "private:b", "private:c"}) {
    const auto made = w->create_for(name, both);
    ASSERT_TRUE(made) << name;
    EXPECT_EQ(made->members, both);
    EXPECT_TRUE(made->creator.empty());
  }
  EXPECT_TRUE(w->create("private:d", "ann"));
  EXPECT_EQ(code_of(w->create_for("private:a", both)), "ROOM_EXISTS");
  EXPECT_EQ(code_of(w->create_for("tea", both)), "ROOM_NAME_INVALID");
  EXPECT_EQ(code_of(w->create_for("private:e", {UserId("ann"), UserId("bob"), UserId("eve")})), "ROOM_LIMIT");
  EXPECT_EQ(code_of(w->room("private:e")), "NOT_A_MEMBER") << "nothing of it was made";
}

TEST_P(RoomDirectoryContract, ARemovedRoomIsGoneWithAllThatBelongsToIt) {
  for (const char* name : {"tea", "user:ann"}) {
    ASSERT_TRUE(w->say(name, "ann", "hello"));
    const Epoch old = w->room(name)->epoch;
    EXPECT_EQ(w->remove_room(name), true) << name;
    EXPECT_EQ(w->remove_room(name), false) << name;
    EXPECT_EQ(w->page({.room = RoomName(name)}), "");
    EXPECT_NE(w->room(name)->epoch, old);
    EXPECT_EQ(w->say(name, "ann", "again")->offset, 1U);
  }
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->invite("private:den", "ann", "eve"));
  EXPECT_EQ(w->remove_room("private:den"), true);
  EXPECT_EQ(code_of(w->room("private:den")), "NOT_A_MEMBER");
  EXPECT_EQ(w->invitations("eve"), "");
  const std::string direct = w->direct("ann", "bob")->room.str();
  EXPECT_EQ(w->remove_room(direct), true);
  EXPECT_NE(w->direct("ann", "bob")->room.str(), direct);
  w->open({});
  EXPECT_EQ(code_of(w->room("private:den")), "NOT_A_MEMBER");
  EXPECT_EQ(w->page({.room = RoomName("tea"), .after = 0}), "1:again");
}

TEST_P(RoomDirectoryContract, AClearedRoomKeepsItsMembersAndInvitations) {
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->add("private:den", "bob"));
  ASSERT_TRUE(w->invite("private:den", "ann", "eve"));
  ASSERT_TRUE(w->say("private:den", "ann", "secret"));
  EXPECT_EQ(w->clear("private:den"), true);
  EXPECT_THAT(w->room("private:den")->members, testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(w->room("private:den")->creator, UserId("ann"));
  EXPECT_EQ(w->invitations("eve"), "private:den<ann");
  const std::string direct = w->direct("ann", "bob")->room.str();
  ASSERT_TRUE(w->say(direct, "ann", "secret"));
  EXPECT_EQ(w->clear(direct), true);
  EXPECT_EQ(w->direct("bob", "ann")->room.str(), direct) << "still the room of both";
  EXPECT_EQ(w->page({.room = RoomName(direct)}), "");
}

TEST_P(RoomDirectoryContract, TheRoomsOfAnAuthorAreThoseThatItWroteIn) {
  for (const char* room : {"tea", "milk", "user:ann", "gone"}) ASSERT_TRUE(w->say(room, "ann", "x"));
  ASSERT_TRUE(w->say("tea", "ann", "again"));
  ASSERT_TRUE(w->say("coffee", "bob", "x"));
  ASSERT_TRUE(w->remove_room("gone"));
  EXPECT_EQ(w->written_by("ann"), "milk tea user:ann");
  EXPECT_EQ(w->written_by("ann", "", 2), "milk tea +");
  EXPECT_EQ(w->written_by("ann", "tea", 2), "user:ann");
  EXPECT_EQ(w->written_by("nobody"), "");
}

TEST_P(RoomDirectoryContract, AllRoomsAreListedByName) {
  ASSERT_TRUE(w->say("tea", "ann", "x"));
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->say("Milk:1", "ann", "x"));
  ASSERT_TRUE(w->say("gone", "ann", "x"));
  ASSERT_TRUE(w->remove_room("gone"));
  EXPECT_EQ(w->all_rooms(), "Milk:1@1 private:den@0 tea@1");
  EXPECT_EQ(w->all_rooms("", 2), "Milk:1@1 private:den@0 +");
  EXPECT_EQ(w->all_rooms("private:den", 2), "tea@1");
}

TEST_P(RoomDirectoryContract, TheDirectRoomOfTwoUsersIsTheSameForBoth) {
  auto first = w->direct("bob", "ann");
  ASSERT_TRUE(first);
  EXPECT_EQ(kind_of(first->room.view()).value(), RoomKind::direct);
  EXPECT_EQ(first->room.str().find("ann"), std::string::npos) << "opaque";
  EXPECT_THAT(first->members, testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(w->direct("ann", "bob")->room, first->room);
  EXPECT_NE(w->direct("ann", "eve")->room, first->room);
  w->open({});
  EXPECT_EQ(w->direct("ann", "bob")->room, first->room);
  EXPECT_EQ(code_of(w->direct("ann", "ann")), "BAD_MESSAGE");
  EXPECT_EQ(code_of(w->room("direct:unknown")), "NOT_A_MEMBER");
}

TEST_P(RoomDirectoryContract, TheRoomsOfAUserAreItsOwnThoseItBelongsToAndThePublicOnes) {
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->create("private:other", "eve"));
  ASSERT_TRUE(w->room("user:ann"));
  ASSERT_TRUE(w->room("user:eve"));
  w->clock().advance(Millis{10});
  ASSERT_TRUE(w->say("tea", "eve", "hello"));
  w->clock().advance(Millis{10});
  ASSERT_TRUE(w->say("user:ann", "ann", "note"));
  w->clock().advance(Millis{10});
  ASSERT_TRUE(w->say("private:den", "ann", "psst"));
  EXPECT_EQ(w->rooms_of("ann"), "private:den@1 user:ann@1 tea@1");
  EXPECT_EQ(w->rooms_of("ann", 2), "private:den@1 user:ann@1 +");
  EXPECT_EQ(w->rooms_of("bob"), "tea@1");
}

TEST_P(RoomDirectoryContract, TheRoomsOfAUserComeInPagesAndThoseCloseToItComeFirst) {
  for (const char* room : {"apple", "berry", "cherry", "date"}) ASSERT_TRUE(w->room(room));
  for (const char* room : {"private:a", "private:b"}) ASSERT_TRUE(w->create(room, "ann"));
  ASSERT_TRUE(w->create("private:other", "eve"));
  const std::string direct = w->direct("ann", "bob")->room.str();
  ASSERT_TRUE(w->room("user:ann"));
  const std::vector<RoomName> joined{RoomName("date"), RoomName("berry")};
  EXPECT_EQ(w->rooms_of("ann", 50, "", joined),
      "berry@0 date@0 " + direct + "@0 private:a@0 private:b@0 user:ann@0 apple@0 cherry@0");
  std::string all, after;
  for (int pages = 0; pages < 20; ++pages) {
    const std::string page = w->rooms_of("ann", 1, after, joined);
    after = page.substr(0, page.find('@'));
    all += after + " ";
    if (!page.ends_with("+")) break;
  }
  EXPECT_EQ(all, "berry date " + direct + " private:a private:b user:ann apple cherry ")
      << "one at a time, without duplicates or gaps";
  EXPECT_EQ(w->rooms_of("ann", 8, "", joined).back(), '0') << "there is no more";
  EXPECT_EQ(w->rooms_of("ann", 50, "user:ann", joined), "apple@0 cherry@0");
  EXPECT_EQ(w->rooms_of("ann", 50, "not a name", joined), "private:a@0 private:b@0 user:ann@0 apple@0 cherry@0");
  EXPECT_EQ(w->rooms_of("ann", 50, "zebra", joined), "");
}

TEST_P(RoomDirectoryContract, AQuestionAboutARoomMakesNone) {
  EXPECT_EQ(code_of(w->open_as("ann", "tea")), "NOT_FOUND");
  EXPECT_EQ(code_of(w->open_as("ann", "user:ann")), "NOT_FOUND");
  EXPECT_EQ(w->rooms_of("ann"), "");
  EXPECT_TRUE(w->open_as("ann", "tea", true)->made);
  EXPECT_FALSE(w->open_as("bob", "tea", true)->made);
  EXPECT_EQ(w->rooms_of("ann"), "tea@0");
}

TEST_P(RoomDirectoryContract, ARoomWithMembersIsOpenedForThemAlone) {
  ASSERT_TRUE(w->create("private:den", "ann"));
  const std::string direct = w->direct("ann", "bob")->room.str();
  EXPECT_TRUE(w->open_as("ann", "private:den"));
  EXPECT_EQ(code_of(w->open_as("eve", "private:den", true)), "NOT_A_MEMBER");
  EXPECT_EQ(code_of(w->open_as("eve", "private:none", true)), "NOT_A_MEMBER");
  EXPECT_EQ(w->open_as("bob", direct)->members.size(), 2U);
  EXPECT_EQ(code_of(w->open_as("eve", direct)), "NOT_A_MEMBER");
}

TEST_P(RoomDirectoryContract, AUserMakesNoMorePublicAndDirectRoomsThanItsLimits) {
  w->open({.rooms_per_user = {.direct_rooms = 1, .public_rooms = 2}});
  ASSERT_TRUE(w->open_as("ann", "apple", true));
  ASSERT_TRUE(w->say("berry", "ann", "made by its first message"));
  EXPECT_EQ(code_of(w->open_as("ann", "cherry", true)), "ROOM_LIMIT");
  EXPECT_TRUE(w->open_as("ann", "apple", true)) << "it exists";
  EXPECT_TRUE(w->open_as("ann", "user:ann", true)) << "one's own does not count";
  EXPECT_TRUE(w->open_as("bob", "cherry", true));
  EXPECT_TRUE(w->forget_empty("apple").value());
  EXPECT_TRUE(w->open_as("ann", "damson", true)) << "a room that is gone does not count";
  ASSERT_TRUE(w->ask_for_direct("ann", "bob")->room.made);
  EXPECT_EQ(code_of(w->direct("ann", "eve")), "ROOM_LIMIT");
  EXPECT_FALSE(w->ask_for_direct("ann", "bob")->room.made);
  EXPECT_TRUE(w->direct("bob", "eve")) << "nor does a room requested by another user";
}

TEST_P(RoomDirectoryContract, ARoomInWhichNothingWasEverSaidLeavesNoRow) {
  const Epoch old = w->open_as("ann", "tea", true)->epoch;
  ASSERT_TRUE(w->say("milk", "ann", "hello"));
  ASSERT_TRUE(w->create("private:den", "ann"));
  EXPECT_EQ(w->forget_empty("tea"), true);
  EXPECT_EQ(w->forget_empty("tea"), false);
  EXPECT_EQ(w->forget_empty("milk"), false);
  EXPECT_EQ(w->forget_empty("private:den"), false);
  EXPECT_EQ(w->rooms_of("ann"), "private:den@0 milk@1");
  EXPECT_NE(w->open_as("ann", "tea", true)->epoch, old);
  ASSERT_TRUE(w->open_as("ann", "user:ann", true));
  w->open({});
  EXPECT_EQ(w->rooms_of("ann"), w->alone() ? "private:den@0 milk@1" : "private:den@0 user:ann@0 milk@1 tea@0")
      << "also without waiting for its end, if nobody else can be using it";
}

// --- the log of the same database ---

TEST_P(RoomDirectoryContract, ARowShowsWhereTheLogStands) {
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  const RoomRow row = *w->room("tea"), stands = *w->stands("tea");
  EXPECT_EQ(row.epoch, stands.epoch);
  EXPECT_EQ(row.offset, stands.offset);
  EXPECT_EQ(row.change, stands.change);
  EXPECT_EQ(row.time, stands.time);
  ASSERT_TRUE(w->doubt("tea", row.epoch, 1));
  EXPECT_EQ(w->room("tea")->doubted, 1U);
}

TEST_P(RoomDirectoryContract, ARoomMustBeCreatedBeforeAnyoneWritesIntoIt) {
  EXPECT_EQ(code_of(w->say("private:none", "ann", "x")), "NOT_A_MEMBER");
  EXPECT_EQ(code_of(w->stands("private:none", {Epoch("e"), 1})), "NOT_A_MEMBER");
}

TEST_P(RoomDirectoryContract, TheEndOfAnAccountTakesItOutOfItsRooms) {
  ASSERT_TRUE(w->say("user:ann", "ann", "diary"));
  ASSERT_TRUE(w->create("private:den", "ann"));
  ASSERT_TRUE(w->create("private:shared", "ann"));
  ASSERT_TRUE(w->add("private:shared", "bob"));
  const std::string direct = w->direct("ann", "bob")->room.str();
  const auto detached = w->detached("ann");
  ASSERT_TRUE(detached);
  EXPECT_THAT(rooms_in(*detached), testing::UnorderedElementsAre("private:shared@0", direct + "@0"));
  EXPECT_EQ(code_of(w->room("private:den")), "NOT_A_MEMBER");
  EXPECT_THAT(w->room("private:shared")->members, testing::ElementsAre(UserId("bob")));
  EXPECT_THAT(w->room(direct)->members, testing::ElementsAre(UserId("bob")));
  EXPECT_EQ(w->room("user:ann")->offset, 0U);
}

} // namespace foyer::engine
