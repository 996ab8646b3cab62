#include "accounts/session/refresh.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace foyer::accounts {
namespace {

using std::chrono::days;
using std::chrono::seconds;

const WallTime kStart = from_unix_seconds(1'700'000'000);

struct Case {
  RefreshRow token{.hash = "h", .session = SessionId{"s"}, .created = kStart, .used = {}};
  SessionRow session{.id = SessionId{"s"}, .user = UserId{"u"}, .created = kStart, .last_seen = kStart};

  RefreshDecision at(Millis later) const { return decide_refresh(token, session, {}, {}, kStart + later); }
};

TEST(Refresh, TheSuccessorIsComputedFromThePresentedTokenAndAKey) {
  const std::string key(32, 'k');
  const std::string next = refresh_successor(key, "token");
  EXPECT_EQ(next, base64url_encode(hmac_sha256(key, "token")));
  EXPECT_EQ(next.size(), 43u);
  EXPECT_EQ(refresh_successor(key, "token"), next);
  EXPECT_NE(refresh_successor(key, next), next);
  EXPECT_NE(refresh_successor(std::string(32, 'l'), "token"), next);
}

TEST(Refresh, AnUnusedTokenRotatesUntilItWasIdleForTwoWeeks) {
  const Case c;
  EXPECT_EQ(c.at(seconds{0}).step, RefreshStep::rotate);
  EXPECT_EQ(c.at(days{14} - Millis{1}).step, RefreshStep::rotate);
  const auto late = c.at(days{14});
  EXPECT_EQ(late.step, RefreshStep::refuse);
  EXPECT_EQ(late.refusal.cause, Cause::REFRESH_EXPIRED);
}

TEST(Refresh, AClientThatLostTheAnswerGetsTheSameSuccessorForADay) {
  Case c;
  c.token.used = kStart + seconds{100};
  EXPECT_EQ(c.at(seconds{100}).step, RefreshStep::repeat);
  const auto later = c.at(seconds{112});
  EXPECT_EQ(later.step, RefreshStep::repeat);
  EXPECT_EQ(later.detail, "same successor repeated 12 s after the exchange");
  EXPECT_EQ(c.at(seconds{100} + days{1}).step, RefreshStep::repeat);
}

TEST(Refresh, AfterThatDayItIsRefusedAndAClockThatWasAheadEndsNoSession) {
  Case c;
  c.token.used = kStart + seconds{100};
  for (const Millis ahead : {Millis{days{1} + Millis{1}}, Millis{days{60}}}) {
    const auto late = c.at(seconds{100} + ahead);
    EXPECT_EQ(late.step, RefreshStep::refuse);
    EXPECT_EQ(late.refusal.cause, Cause::REFRESH_EXPIRED);
  }
  EXPECT_EQ(c.at(seconds{101}).step, RefreshStep::repeat) << "the clock is right again";
}

TEST(Refresh, AUsedTokenKillsTheFamilyOnceItsSuccessorWasUsed) {
  Case c;
  c.token.used = kStart + seconds{100};
  c.token.successor_used = true;
  const auto reuse = c.at(seconds{101});
  EXPECT_EQ(reuse.step, RefreshStep::kill);
  EXPECT_EQ(reuse.refusal.cause, Cause::REFRESH_REUSED);
  EXPECT_NE(reuse.refusal.evidence.find("its successor had been used"), std::string::npos);
}

TEST(Refresh, AClockThatWasSetBackBetweenTwoTabsEndsNoSession) {
  Case c;
  c.token.used = kStart + seconds{100};
  EXPECT_EQ(c.at(seconds{40}).step, RefreshStep::repeat);
  EXPECT_EQ(c.at(seconds{40}).detail, "same successor repeated 0 s after the exchange");
}

TEST(Refresh, ARepeatedAnswerDoesNotOutliveTheSession) {
  Case c;
  c.token.used = kStart + days{90} - seconds{1};
  EXPECT_EQ(c.at(days{90} - Millis{1}).step, RefreshStep::repeat);
  EXPECT_EQ(c.at(days{90}).refusal.cause, Cause::REFRESH_EXPIRED);
}

TEST(Refresh, ASessionThatIsOverRefusesWithoutAnotherKill) {
  Case c;
  c.session.end = SessionEnd::reuse;
  EXPECT_EQ(c.at(seconds{1}).step, RefreshStep::refuse);
  EXPECT_EQ(c.at(seconds{1}).refusal.cause, Cause::REFRESH_REUSED);
  c.session.end = SessionEnd::logout;
  EXPECT_EQ(c.at(seconds{1}).step, RefreshStep::refuse);
  EXPECT_EQ(c.at(seconds{1}).refusal.cause, Cause::REFRESH_UNKNOWN);
}

TEST(Refresh, ASessionEndsAtNinetyDaysHoweverBusyItWas) {
  Case c;
  c.token.created = kStart + days{89};
  EXPECT_EQ(c.at(days{90} - Millis{1}).step, RefreshStep::rotate);
  EXPECT_EQ(c.at(days{90}).refusal.cause, Cause::REFRESH_EXPIRED);
}

TEST(Sessions, ASessionIsIdleForTwoWeeksAtMost) {
  Case c;
  EXPECT_TRUE(check_session(c.session, {}, kStart + days{14} - Millis{1}));
  EXPECT_EQ(check_session(c.session, {}, kStart + days{14}).error().cause, Cause::SESSION_EXPIRED);
  c.session.end = SessionEnd::ended;
  EXPECT_EQ(check_session(c.session, {}, kStart).error().cause, Cause::SESSION_REVOKED);
}

TEST(Sessions, TheCookieIsForThisHostAndNotForScripts) {
  EXPECT_EQ(set_cookie(true, "v", seconds{60}),
      "__Host-foyer_session=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict");
  EXPECT_EQ(set_cookie(false, "v", seconds{60}), "foyer_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
  EXPECT_EQ(set_cookie({true, "/chat"}, "v", seconds{60}),
      "__Secure-foyer_session=v; Path=/chat/; Max-Age=60; HttpOnly; Secure; SameSite=Strict");
  EXPECT_EQ(set_cookie({false, "/chat"}, "v", seconds{60}),
      "foyer_session=v; Path=/chat/; Max-Age=60; HttpOnly; SameSite=Strict");
  EXPECT_EQ(expire_cookie(true), "__Host-foyer_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
}

} // namespace
} // namespace foyer::accounts
