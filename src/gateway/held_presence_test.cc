#include "gateway/held_presence.h"

#include <gtest/gtest.h>

namespace foyer::gateway {
namespace {

PresenceNews joined(const char* user) { return *PresenceNews::of({.body = rooms::MemberJoined{{UserId(user), user}}}); }
PresenceNews left(const char* user) { return *PresenceNews::of({.body = rooms::MemberLeft{{UserId(user), user}}}); }
ListedMembers listing(std::vector<rooms::Member> members, std::size_t count) {
  rooms::Joined answer;
  answer.members = std::move(members);
  answer.member_count = count;
  return ListedMembers(answer);
}

TEST(PresenceNews, WhatTheAnswerContainsIsNotToldAgain) {
  ListedMembers listed = listing({{UserId("ann"), "Ann"}}, 1);
  EXPECT_FALSE(joined("ann").changes(listed)) << "came before the list was made";
  EXPECT_FALSE(left("bob").changes(listed)) << "left before";
  EXPECT_TRUE(joined("bob").changes(listed));
  EXPECT_TRUE(left("ann").changes(listed));
  EXPECT_FALSE(left("ann").changes(listed));
  EXPECT_TRUE(joined("ann").changes(listed));
}

TEST(PresenceNews, OfAListInPartEveryLeaveIsTold) {
  ListedMembers listed = listing({{UserId("ann"), "Ann"}}, 2);
  EXPECT_TRUE(left("bob").changes(listed));
}

TEST(PresenceNews, AfterANumberEverythingIsTold) {
  ListedMembers listed = listing({{UserId("ann"), "Ann"}}, 1);
  EXPECT_TRUE(PresenceNews::of({.body = rooms::MembersChanged{300}})->changes(listed));
  EXPECT_TRUE(left("bob").changes(listed));
  EXPECT_TRUE(joined("ann").changes(listed));
}

TEST(PresenceNews, IsAboutPresenceOnly) {
  EXPECT_FALSE(PresenceNews::of({.body = rooms::TypingChanged{}}));
  ListedMembers listed;
  EXPECT_TRUE(PresenceNews::of({.body = rooms::MembersChanged{3}})->changes(listed));
}

} // namespace
} // namespace foyer::gateway
