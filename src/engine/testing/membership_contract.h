// The contract of room_directory_contract.h, continued: invitations, requests for direct rooms and people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/testing/room_directory_contract.h"

namespace foyer::engine {
class MembershipContract : public RoomDirectoryContract {
 protected:
  std::vector<UserId> members(const std::string& room) {
    auto row = w->room(room);
    return row ? row->members : std::vector<UserId>{};
  }
  void den() { ASSERT_TRUE(w->create("private:den", "ann")); }
};

TEST_P(MembershipContract, AnInvitedUserBelongsToTheRoomOnlyAfterAccepting) {
  den();
  auto invited = w->invite("private:den", "ann", "bob");
  ASSERT_TRUE(invited);
  EXPECT_TRUE(invited->is_new);
  EXPECT_EQ(invited->expires, w->clock().wall() + kInvitationLife);
  EXPECT_THAT(members("private:den"), testing::ElementsAre(UserId("ann")));
  EXPECT_EQ(w->invitations("bob"), "private:den<ann");
  EXPECT_EQ(w->rooms_of("bob"), "");
  EXPECT_EQ(w->accept("private:den", "bob"), true);
  EXPECT_EQ(w->accept("private:den", "bob"), false) << "again is no error";
  EXPECT_THAT(members("private:den"), testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_TRUE(w->invite("private:den", "ann", "bob")->member);
}

TEST_P(MembershipContract, WithoutAnInvitationNobodyEntersAndNoRoomIsRevealed) {
  den();
  for (const char* room : {"private:den", "private:none", "direct:none", "tea"}) {
    EXPECT_EQ(code_of(w->accept(room, "eve")), "NO_INVITATION") << room;
    EXPECT_EQ(code_of(w->decline(room, "eve")), "NO_INVITATION") << room;
  }
  EXPECT_EQ(code_of(w->invite("private:none", "ann", "bob")), "NOT_A_MEMBER");
}

TEST_P(MembershipContract, ADeclinedInvitationLooksPendingToItsSenderAndIsNotRepeated) {
  den();
  ASSERT_TRUE(w->add("private:den", "carol"));
  ASSERT_TRUE(w->invite("private:den", "ann", "bob"));
  EXPECT_EQ(w->decline("private:den", "bob"), true);
  EXPECT_EQ(w->invitations("bob"), "");
  auto again = w->invite("private:den", "ann", "bob");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_FALSE(again->member);
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_TRUE(w->invite("private:den", "carol", "bob")->is_new) << "another member may still invite";
  EXPECT_EQ(w->invitations("bob"), "private:den<carol");
}

TEST_P(MembershipContract, ADeclinedInvitationCanStillBeAccepted) {
  den();
  ASSERT_TRUE(w->invite("private:den", "ann", "bob"));
  ASSERT_TRUE(w->decline("private:den", "bob"));
  EXPECT_EQ(w->accept("private:den", "bob"), true);
}

TEST_P(MembershipContract, AnInvitationLapsesAfterFourteenDaysAndMayBeSentAgain) {
  den();
  ASSERT_TRUE(w->invite("private:den", "ann", "bob"));
  w->clock().advance(kInvitationLife);
  EXPECT_EQ(w->invitations("bob"), "private:den<ann");
  w->clock().advance(Millis{1});
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_EQ(code_of(w->accept("private:den", "bob")), "NO_INVITATION");
  EXPECT_EQ(code_of(w->decline("private:den", "bob")), "NO_INVITATION");
  EXPECT_TRUE(w->invite("private:den", "ann", "bob")->is_new);
}

TEST_P(MembershipContract, AClockThatWasWrongTakesNoInvitationAway) {
  den();
  ASSERT_TRUE(w->invite("private:den", "ann", "bob"));
  w->clock().advance(std::chrono::days{60});
  ASSERT_TRUE(w->create("private:ahead", "ann"));
  ASSERT_TRUE(w->invite("private:ahead", "ann", "bob"));
  EXPECT_EQ(w->invitations("bob"), "private:ahead<ann");
  w->clock().advance(-std::chrono::days{60});
  EXPECT_EQ(w->invitations("bob"), "private:ahead<ann private:den<ann");
  auto page = w->ask<InvitationPage>(
      [&](Completion<InvitationPage> d) { w->directory().invitations(UserId("bob"), std::move(d)); });
  for (const auto& each : page->invitations)
    EXPECT_LE(each.expires, w->clock().wall() + kInvitationLife) << each.room.view();
  EXPECT_EQ(w->accept("private:den", "bob"), true);
  EXPECT_EQ(w->accept("private:ahead", "bob"), true);
}

TEST_P(MembershipContract, OneSenderCannotFillOneUsersListNorEveryones) {
  w->open({.invitations_sent = 6, .invitations_to_one = 2, .invitations_received = 3});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(w->create("private:a" + std::to_string(i), "ann"));
    ASSERT_TRUE(w->create("private:e" + std::to_string(i), "eve"));
  }
  int taken = 0;
  for (int i = 0; i < 10; ++i) taken += w->invite("private:a" + std::to_string(i), "ann", "bob") ? 1 : 0;
  EXPECT_EQ(taken, 2);
  EXPECT_EQ(code_of(w->invite("private:a9", "ann", "bob")), "INVITATION_LIMIT");
  ASSERT_TRUE(w->invite("private:e0", "eve", "bob")) << "others still reach bob";
  EXPECT_EQ(code_of(w->invite("private:e1", "eve", "bob")), "INVITATION_LIMIT") << "three invitations wait for bob";
  taken = 0;
  for (int i = 0; i < 10; ++i) taken += w->invite("private:a0", "ann", "person" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, 4) << "ann has six unanswered ones";
  EXPECT_EQ(w->accept("private:a0", "bob"), true);
  EXPECT_TRUE(w->invite("private:a0", "ann", "person9")) << "an answer makes room";
}

TEST_P(MembershipContract, RowsThatLapsedAreKeptByNumberAndNotForEver) {
  w->open({.invitations_sent = 2});
  den();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(w->invite("private:den", "ann", "person" + std::to_string(i)));
    w->clock().advance(kInvitationLife);
  }
  w->clock().advance(-40 * kInvitationLife);
  int left = 0;
  for (int i = 0; i < 40; ++i) left += w->invitations("person" + std::to_string(i)).empty() ? 0 : 1;
  EXPECT_GE(left, 2);
  EXPECT_LE(left, 5);
}

TEST_P(MembershipContract, InvitationsEndWithTheRoomAndWithTheMembershipOfTheirSender) {
  den();
  ASSERT_TRUE(w->add("private:den", "carol"));
  ASSERT_TRUE(w->invite("private:den", "carol", "bob"));
  ASSERT_TRUE(w->invite("private:den", "ann", "dave"));
  ASSERT_TRUE(w->remove("private:den", "carol"));
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_EQ(w->invitations("dave"), "private:den<ann");
  ASSERT_TRUE(w->remove("private:den", "ann"));
  EXPECT_EQ(w->invitations("dave"), "");
  EXPECT_EQ(code_of(w->accept("private:den", "dave")), "NO_INVITATION");
  ASSERT_TRUE(w->create("private:den", "eve")) << "the name is free again, without the old invitations";
  EXPECT_EQ(code_of(w->accept("private:den", "dave")), "NO_INVITATION");
}

TEST_P(MembershipContract, InvitationsEndWithAnAccount) {
  den();
  ASSERT_TRUE(w->add("private:den", "carol"));
  ASSERT_TRUE(w->invite("private:den", "carol", "bob"));
  ASSERT_TRUE(w->invite("private:den", "ann", "dave"));
  ASSERT_TRUE(w->detach("carol"));
  ASSERT_TRUE(w->detach("dave"));
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_EQ(w->invitations("dave"), "");
}

TEST_P(MembershipContract, ADirectRoomIsThereAtOnceAndARequestToTheOther) {
  auto made = w->ask_for_direct("ann", "bob");
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->requested);
  EXPECT_FALSE(made->entered);
  const std::string room = made->room.room.str();
  EXPECT_THAT(made->room.members, testing::ElementsAre(UserId("ann")));
  EXPECT_TRUE(w->say(room, "ann", "are you there?"));
  EXPECT_EQ(w->rooms_of("bob"), "");
  EXPECT_EQ(w->invitations("bob"), room + "<ann");
  EXPECT_FALSE(w->ask_for_direct("ann", "bob")->requested) << "a repeated request notifies nobody twice";
  EXPECT_EQ(w->accept(room, "bob"), true);
  EXPECT_THAT(members(room), testing::ElementsAre(UserId("ann"), UserId("bob")));
  EXPECT_EQ(w->ask_for_direct("bob", "ann")->room.room.str(), room);
}

TEST_P(MembershipContract, ARequestForTheSameDirectRoomAcceptsTheFirst) {
  const std::string room = w->ask_for_direct("ann", "bob")->room.room.str();
  auto back = w->ask_for_direct("bob", "ann");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->room.room.str(), room);
  EXPECT_TRUE(back->entered);
  EXPECT_FALSE(back->requested);
  EXPECT_EQ(w->invitations("bob"), "");
  EXPECT_THAT(members(room), testing::ElementsAre(UserId("ann"), UserId("bob")));
}

TEST_P(MembershipContract, ADeclinedRequestStaysDeclinedAndALapsedOneIsRenewed) {
  const std::string room = w->ask_for_direct("ann", "bob")->room.room.str();
  ASSERT_TRUE(w->decline(room, "bob"));
  auto again = w->ask_for_direct("ann", "bob");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->room.room.str(), room);
  EXPECT_FALSE(again->requested);
  EXPECT_EQ(w->invitations("bob"), "");
  w->clock().advance(kInvitationLife + Millis{1});
  EXPECT_TRUE(w->ask_for_direct("ann", "bob")->requested);
  EXPECT_EQ(w->invitations("bob"), room + "<ann");
}

TEST_P(MembershipContract, DirectRequestsAreLimitedAsInvitationsAreAndARefusedOneLeavesNoRoom) {
  w->open({.invitations_sent = 2});
  ASSERT_TRUE(w->ask_for_direct("ann", "bob"));
  ASSERT_TRUE(w->ask_for_direct("ann", "carol"));
  EXPECT_EQ(code_of(w->ask_for_direct("ann", "dave")), "INVITATION_LIMIT");
  EXPECT_EQ(w->invitations("dave"), "");
  EXPECT_TRUE(w->ask_for_direct("ann", "bob")) << "an existing room is found again";
  EXPECT_TRUE(w->ask_for_direct("dave", "ann")->requested);
}

TEST_P(MembershipContract, TheCreatorOfAPrivateRoomIsKnownAlsoAfterARestart) {
  den();
  EXPECT_EQ(w->room("private:den")->creator, UserId("ann"));
  w->open({});
  EXPECT_EQ(w->room("private:den")->creator, UserId("ann"));
  EXPECT_EQ(w->room("tea")->creator, UserId());
}

TEST_P(MembershipContract, PeopleOfOtherIssuersAreFoundByIdAndByAUniqueName) {
  const auto remember = [&](const char* id, const char* name) {
    return w->ask<bool>([&](Completion<bool> d) { w->directory().remember_person({UserId(id), name}, std::move(d)); });
  };
  const auto by_id = [&](const char* id) {
    auto found = w->ask<std::optional<Author>>(
        [&](Completion<std::optional<Author>> d) { w->directory().find_person(UserId(id), std::move(d)); });
    return found && *found ? (*found)->name : "nobody";
  };
  const auto by_name = [&](const char* name) {
    auto found = w->ask<std::optional<Author>>(
        [&](Completion<std::optional<Author>> d) { w->directory().find_person_by_name(name, std::move(d)); });
    return found && *found ? (*found)->id.str() : "nobody";
  };
  EXPECT_EQ(by_id("idp|1"), "nobody");
  ASSERT_TRUE(remember("idp|1", "Zoë"));
  ASSERT_TRUE(remember("idp|2", "Max"));
  ASSERT_TRUE(remember("idp|3", "Max"));
  EXPECT_EQ(by_id("idp|1"), "Zoë");
  EXPECT_EQ(by_name("Zoë"), "idp|1");
  EXPECT_EQ(by_name("Max"), "nobody") << "two have that name";
  ASSERT_TRUE(remember("idp|3", "Moritz"));
  EXPECT_EQ(by_name("Max"), "idp|2");
  ASSERT_TRUE(w->detach("idp|1"));
  EXPECT_EQ(by_id("idp|1"), "nobody");
}

} // namespace foyer::engine
