// Revocations: whom an event affects, when the table may be relied upon, and the refusals of a full one.
#include "auth/revocation_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace foyer::auth {
namespace {

using Kind = RevocationEvent::Kind;
using Reason = RevocationEvent::Reason;

const WallTime kStart = from_unix_seconds(1'800'000'000);
const MonoTime kNow{std::chrono::seconds{1000}};

Identity alice() {
  Identity identity;
  identity.user = UserId{"alice"};
  identity.session = SessionId{"s1"};
  identity.token = TokenId{"j1"};
  identity.issued_at = kStart;
  identity.own_account = true;
  return identity;
}
WallTime at(int seconds) { return kStart + std::chrono::seconds{seconds}; }
RevocationEvent event(Kind kind, std::string id, int seconds = 1, Reason reason = Reason::none) {
  return {kind, std::move(id), at(seconds), reason};
}

std::string answer(const RevocationTable& table, const Identity& identity, MonoTime now = kNow) {
  const auto refusal = table.check(identity, now);
  return refusal ? std::string{refusal->code()} : "ok";
}

class Revocation : public ::testing::Test {
 protected:
  Revocation() { table.synchronised(kNow); }
  RevocationTable table{{}};
};

TEST(RevocationOfOthers, TheAuthServicesSilenceConcernsOnlyItsOwnUsers) {
  RevocationTable table{{}}; // never synchronised
  Identity other = alice();
  other.user = UserId{"shop|7"};
  other.own_account = false;
  other.foreign = true;
  EXPECT_EQ(answer(table, alice()), "REVOCATION_UNCHECKED");
  EXPECT_EQ(answer(table, other), "ok");
  table.apply({event(Kind::before, "shop|7")});
  EXPECT_EQ(answer(table, other), "TOKEN_REVOKED") << "what is known counts for everybody";
  other.issued_at = at(2);
  EXPECT_EQ(answer(table, other), "ok");
  other.issued_at = WallTime{}; // no iat: as if issued at the beginning
  EXPECT_EQ(answer(table, other), "TOKEN_REVOKED");
}

TEST_F(Revocation, AnEventConcernsWhatItNames) {
  EXPECT_EQ(answer(table, alice()), "ok");
  table.apply({event(Kind::token, "j2"), event(Kind::session, "s2"), event(Kind::before, "bob"),
      event(Kind::user, "bob", 1, Reason::disabled), event(Kind::session, "j1"), event(Kind::token, "s1")});
  EXPECT_EQ(answer(table, alice()), "ok");
  table.apply({event(Kind::token, "j1")});
  EXPECT_EQ(answer(table, alice()), "TOKEN_REVOKED");
  auto later = alice();
  later.token = TokenId{"j9"};
  EXPECT_EQ(answer(table, later), "ok");
  table.apply({event(Kind::session, "s1")});
  EXPECT_EQ(answer(table, later), "SESSION_REVOKED");
}

TEST_F(Revocation, AWatcherHearsOfWhatIsNew) {
  std::vector<std::string> heard;
  const auto watch = [&heard](const RevocationEvent& e) { heard.push_back(e.id); };
  table.apply({event(Kind::token, "j1"), event(Kind::session, "s1")}, watch);
  table.apply({event(Kind::session, "s1"), event(Kind::token, "j2"), event(Kind::token, "j1")}, watch);
  table.apply({event(Kind::user, "bob", 1, Reason::disabled), event(Kind::user, "bob", 2, Reason::enabled)}, watch);
  EXPECT_EQ(heard, (std::vector<std::string>{"j1", "s1", "j2", "bob"}));
}

TEST_F(Revocation, AllIssuedBeforeAMoment) {
  table.apply({event(Kind::before, "alice", 10), event(Kind::before, "alice", 5)});
  auto identity = alice();
  for (const auto& [seconds, expected] :
      {std::pair{0, "TOKEN_REVOKED"}, {9, "TOKEN_REVOKED"}, {10, "ok"}, {11, "ok"}}) {
    identity.issued_at = at(seconds);
    EXPECT_EQ(answer(table, identity), expected) << seconds;
  }
}

TEST_F(Revocation, WithinTheSecondOfTheEventTheSessionDecides) {
  // Seconds:  0 ····· 1 ···event at 1.4··· 2
  const RevocationEvent before{Kind::before, "alice", at(1) + Millis{400}};
  table.apply({before, event(Kind::session, "s1")}); // as the accounts write it: the current sessions end with it
  auto old = alice();
  old.issued_at = at(1);
  EXPECT_EQ(answer(table, old), "SESSION_REVOKED");
  auto login = old; // after the event, in the same second
  login.session = SessionId{"s2"};
  login.token = TokenId{"j2"};
  EXPECT_EQ(answer(table, login), "ok");
  login.issued_at = at(0);
  EXPECT_EQ(answer(table, login), "TOKEN_REVOKED");
  auto service = old; // without a session it is unknown: refused until renewed
  service.session = {};
  EXPECT_EQ(answer(table, service), "TOKEN_REVOKED");
  service.issued_at = at(2);
  EXPECT_EQ(answer(table, service), "ok");
  auto cookie = alice(); // of the session itself: exact to the millisecond
  cookie.session = SessionId{"s3"};
  cookie.issued_at = at(1) + Millis{399};
  EXPECT_EQ(answer(table, cookie), "TOKEN_REVOKED");
  cookie.issued_at = at(1) + Millis{400};
  EXPECT_EQ(answer(table, cookie), "ok");
}

TEST_F(Revocation, AUserIsDisabledEnabledAndDeleted) {
  table.apply({event(Kind::user, "alice", 1, Reason::disabled)});
  EXPECT_EQ(answer(table, alice()), "USER_DISABLED");
  table.apply({event(Kind::user, "alice", 2, Reason::enabled)});
  EXPECT_EQ(answer(table, alice()), "ok");
  table.apply({event(Kind::user, "alice", 3, Reason::disabled), event(Kind::user, "alice", 4, Reason::deleted)});
  EXPECT_EQ(answer(table, alice()), "USER_UNKNOWN");
}

TEST_F(Revocation, AUserOfAnotherIssuerIsNotOurs) {
  auto foreign = alice();
  foreign.own_account = false;
  table.apply({event(Kind::user, "alice", 1, Reason::deleted)});
  EXPECT_EQ(answer(table, foreign), "ok");
}

TEST_F(Revocation, ATokenWithoutIdOrSessionMatchesNoOther) {
  auto bare = alice();
  bare.token = {};
  bare.session = {};
  table.apply({event(Kind::token, ""), event(Kind::session, "")});
  EXPECT_EQ(answer(table, bare), "ok");
}

TEST(RevocationAge, BeforeTheFirstSynchronisationAndAfterSilenceNobodyCanSay) {
  RevocationTable table{{.max_age = Millis{300'000}}};
  EXPECT_EQ(answer(table, alice()), "REVOCATION_UNCHECKED");
  EXPECT_TRUE(table.check(alice(), kNow)->retry_after.has_value());
  table.synchronised(kNow);
  EXPECT_EQ(answer(table, alice(), kNow + Millis{300'000}), "ok");
  EXPECT_EQ(answer(table, alice(), kNow + Millis{300'001}), "REVOCATION_UNCHECKED");
  EXPECT_FALSE(table.current(kNow + Millis{300'001}));
  table.synchronised(kNow + Millis{300'001});
  EXPECT_EQ(answer(table, alice(), kNow + Millis{300'001}), "ok");
}

TEST(RevocationAge, WhatIsKnownToBeRevokedStaysSo) {
  RevocationTable table{{}};
  table.apply({event(Kind::token, "j1")});
  EXPECT_EQ(answer(table, alice()), "TOKEN_REVOKED");
}

TEST(RevocationRoom, AFullTableForgetsTheOldestAndSaysSo) {
  RevocationTable table{{.table_size = 3}};
  table.synchronised(kNow);
  for (int i = 0; i < 5; ++i) table.apply({event(Kind::token, "t" + std::to_string(i), 10 * i)});
  EXPECT_EQ(table.size(), 3U);
  auto identity = alice();
  identity.issued_at = at(10); // the event at 10 s was dropped, and may have affected this token
  EXPECT_EQ(answer(table, identity), "REVOCATION_UNCHECKED");
  identity.issued_at = at(11);
  EXPECT_EQ(answer(table, identity), "ok");
  identity.token = TokenId{"t4"};
  EXPECT_EQ(answer(table, identity), "TOKEN_REVOKED");
}

TEST(RevocationRoom, WhatIsOlderThanAnyTokenGoesWithoutATrace) {
  RevocationTable table{{.token_life = Millis{60'000}, .table_size = 1}};
  table.synchronised(kNow);
  table.apply({event(Kind::token, "t0", 0), event(Kind::token, "t1", 61)});
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(answer(table, alice()), "ok");
}

TEST(RevocationRoom, RepetitionsAndEndedStatesTakeNoRoom) {
  RevocationTable table{{.table_size = 4}};
  table.synchronised(kNow);
  for (int i = 0; i < 1000; ++i)
    table.apply({event(Kind::user, "bob", i, Reason::disabled), event(Kind::user, "bob", i, Reason::enabled),
        event(Kind::before, "carol", i), event(Kind::token, "t", 0)});
  EXPECT_LE(table.size(), 4U);
  table.apply({event(Kind::before, "carol", 2000)});
  auto carol = alice();
  carol.user = UserId{"carol"};
  carol.issued_at = at(1999);
  EXPECT_EQ(answer(table, carol), "TOKEN_REVOKED");
}

TEST(RevocationThreads, AStartWaitsForTheFirstSynchronisation) {
  RevocationTable table{{}};
  EXPECT_FALSE(table.wait_for_first(Millis{0}));
  std::jthread stream([&] { table.synchronised(kNow); });
  EXPECT_TRUE(table.wait_for_first(Millis{60'000}));
}

TEST(RevocationThreads, QuestionsAndEventsTogether) {
  RevocationTable table{{.table_size = 100}};
  table.synchronised(kNow);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::jthread reader([&] {
    auto identity = alice();
    identity.issued_at = at(1'000'000);
    while (!stop.load()) wrong += answer(table, identity) == "ok" ? 0 : 1;
  });
  for (int i = 0; i < 2000; ++i)
    table.apply({event(Kind::token, "t" + std::to_string(i), i), event(Kind::session, "x" + std::to_string(i), i)});
  stop.store(true);
  reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(table.size(), 100U);
}

TEST_F(Revocation, ABlockedUserIsRefusedWhoeverIssuedTheToken) {
  auto foreign = alice();
  foreign.own_account = false;
  table.block(UserId{"alice"}, at(5));
  EXPECT_EQ(answer(table, alice()), "USER_BLOCKED");
  EXPECT_EQ(answer(table, foreign), "USER_BLOCKED");
  EXPECT_EQ(table.check(foreign, kNow)->evidence, "blocked since " + rfc3339(at(5)));
  auto later = foreign;
  later.issued_at = at(100);
  EXPECT_EQ(answer(table, later), "USER_BLOCKED") << "a new token does not help";
  auto bob = foreign;
  bob.user = UserId{"bob"};
  EXPECT_EQ(answer(table, bob), "ok");
  table.block(UserId{"alice"}, std::nullopt);
  EXPECT_EQ(answer(table, foreign), "ok");
}

TEST_F(Revocation, ARevokedTokenOfABlockedUserIsCalledRevoked) {
  table.block(UserId{"alice"}, at(5));
  table.apply({event(Kind::token, "j1")});
  EXPECT_EQ(answer(table, alice()), "TOKEN_REVOKED");
}

TEST(RevocationSources, TheTableIsCompleteWhenEachOfItsSourcesIs) {
  RevocationTable table{{.max_age = Millis{1'000}}, {RevocationSource::accounts, RevocationSource::chat_store}};
  EXPECT_EQ(answer(table, alice()), "REVOCATION_UNCHECKED");
  table.synchronised(kNow);
  EXPECT_EQ(answer(table, alice()), "REVOCATION_UNCHECKED");
  EXPECT_FALSE(table.wait_for_first(Millis{0}));
  table.synchronised(kNow, RevocationSource::chat_store);
  EXPECT_EQ(answer(table, alice()), "ok");
  EXPECT_TRUE(table.wait_for_first(Millis{0}));
  table.synchronised(kNow + Millis{1'000});
  EXPECT_EQ(answer(table, alice(), kNow + Millis{1'001}), "REVOCATION_UNCHECKED") << "the chat store is silent";
  EXPECT_TRUE(table.current(kNow + Millis{1'001}, RevocationSource::accounts));
  EXPECT_FALSE(table.current(kNow + Millis{1'001}, RevocationSource::chat_store));
}

TEST(RevocationSources, OneThatIsNotNeededIsNotWaitedFor) {
  RevocationTable table{{}, {RevocationSource::chat_store}};
  table.synchronised(kNow, RevocationSource::chat_store);
  EXPECT_EQ(answer(table, alice()), "ok");
}

} // namespace
} // namespace foyer::auth
