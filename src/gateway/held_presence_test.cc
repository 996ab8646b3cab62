#include "gateway/held_presence.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

HeldPresence joined(const char* user) {
  return *HeldPresence::of({.body = rooms::MemberJoined{{UserId(user), user}}}, nullptr);
}
HeldPresence left(const char* user) {
  return *HeldPresence::of({.body = rooms::MemberLeft{{UserId(user), user}}}, nullptr);
}
ListedMembers listing(std::vector<rooms::Member> members, std::size_t count) {
  rooms::Joined answer;
  answer.members = std::move(members);
  answer.member_count = count;
  return HeldPresence::listed(answer);
}

TEST(HeldPresence, WhatTheAnswerContainsIsNotToldAgain) {
  ListedMembers listed = listing({{UserId("ann"), "Ann"}}, 1);
  EXPECT_FALSE(joined("ann").changes(listed)) << "came before the list was made";
  EXPECT_FALSE(left("bob").changes(listed)) << "left before";
  EXPECT_TRUE(joined("bob").changes(listed));
  EXPECT_TRUE(left("ann").changes(listed));
  EXPECT_FALSE(left("ann").changes(listed));
  EXPECT_TRUE(joined("ann").changes(listed));
}

TEST(HeldPresence, OfAListInPartEveryLeaveIsTold) {
  ListedMembers listed = listing({{UserId("ann"), "Ann"}}, 2);
  EXPECT_TRUE(left("bob").changes(listed));
}

TEST(HeldPresence, OnlyPresenceIsHeld) {
  EXPECT_FALSE(HeldPresence::of({.body = rooms::TypingChanged{}}, nullptr));
  ListedMembers listed;
  EXPECT_TRUE(HeldPresence::of({.body = rooms::MembersChanged{3}}, nullptr)->changes(listed));
}

} // namespace
} // namespace foyer::gateway
