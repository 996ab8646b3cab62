// The client as its callers see it, in virtual time: every fault, and the incidents
// that led to this design.
#include <gtest/gtest.h>

#include <set>

#include "auth/testing/remote_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using State = BreakerStatus::State;

TEST(RemoteAuthService, EveryFaultInEveryPhaseEndsWithItsCausesInTime) {
  for (const WeatherRow& row : all_weathers()) {
    SCOPED_TRACE(row.name);
    RemoteWorld world;
    world.tickets["t"] = "";
    world.server.always = row.weather;
    const MonoTime asked = world.clock.mono();
    const auto answer = world.ask_ticket("t");
    world.wait_for(*answer);
    ASSERT_TRUE(answer->said);
    ASSERT_FALSE(*answer->said);
    const Refusal& refusal = answer->refusal();
    EXPECT_LE(answer->at - asked, Millis{2'000});
    if (row.transient) {
      EXPECT_EQ(refusal.cause, Cause::AUTH_RETRY_EXHAUSTED);
      ASSERT_EQ(refusal.attempts.size(), 3U);
      for (const Refusal& attempt : refusal.attempts) {
        EXPECT_EQ(attempt.code(), code_of(row.cause));
        EXPECT_NE(attempt.evidence.find(row.evidence), std::string::npos) << attempt.evidence;
      }
    } else {
      EXPECT_EQ(refusal.code(), code_of(row.cause));
      EXPECT_EQ(world.server.attempts, 1U);
    }
    if (row.cause == Cause::BUSY) {
      EXPECT_EQ(refusal.retry_after, Millis{3'000});
    }
    const std::size_t attempts = row.transient ? 3 : 1;
    EXPECT_TRUE(world.counted(
        "foyer_auth_attempts_total{cause=\"" + std::string(code_of(row.cause)) + "\"} " + std::to_string(attempts)))
        << world.metrics.text();
    EXPECT_TRUE(world.counted(R"(foyer_auth_requests_total{question="ticket",outcome="unanswered"} 1)"))
        << world.metrics.text();
    EXPECT_EQ(world.log.count("auth_question_failed"), 1U);
    EXPECT_EQ(world.service->status().faults.size(), row.counts ? attempts : 0U);

    // Calls succeed again once the fault ends: no fault has a lasting effect.
    world.server.always = Weather::fine;
    world.tickets["again"] = "";
    EXPECT_EQ(world.ticket_says("again"), "alice");
    EXPECT_EQ(world.service->status().state, State::closed);
    EXPECT_TRUE(world.service->status().faults.empty());
  }
}

TEST(RemoteAuthService, AForgedAnswerAdmitsNobody) {
  RemoteWorld world;
  world.tickets["t"] = "";
  world.cookies["c"] = "alice";
  world.server.sign_answers = false; // a third party answers for the auth service
  EXPECT_EQ(world.ticket_says("t"), "AUTH_ANSWER_UNSIGNED");
  const auto cookie = world.ask_cookie("c");
  world.wait_for(*cookie);
  EXPECT_EQ(cookie->code(), "AUTH_ANSWER_UNSIGNED");
  EXPECT_NE(cookie->refusal().evidence.find("is not signed"), std::string::npos);
  EXPECT_EQ(world.server.attempts, 2U) << "a retry would not help";
  world.server.sign_answers = true;
  const auto again = world.ask_cookie("c");
  world.wait_for(*again);
  EXPECT_EQ(again->code(), "alice") << "nothing was cached";
}

TEST(RemoteAuthService, EveryPassingFaultIsOvercomeByAskingAgain) {
  for (const WeatherRow& row : all_weathers()) {
    if (!row.transient) continue;
    SCOPED_TRACE(row.name);
    RemoteWorld world;
    world.tickets["t"] = "";
    world.server.next = {row.weather, row.weather};
    EXPECT_EQ(world.ticket_says("t"), "alice");
    EXPECT_EQ(world.server.attempts, 3U);
    EXPECT_TRUE(world.counted("foyer_auth_retries_total 2"));
  }
}

TEST(RemoteAuthService, ALostAnswerBurnsNoTicketAndEveryAttemptIsSignedAnew) {
  RemoteWorld world;
  world.tickets["t"] = "";
  world.server.next = {Weather::hang_waiting, Weather::truncated}; // both reached the auth service
  EXPECT_EQ(world.ticket_says("t"), "alice");
  ASSERT_EQ(world.server.seen.size(), 3U);
  std::set<std::string> nonces;
  for (const Request& request : world.server.seen) {
    EXPECT_EQ(request.body, world.server.seen[0].body);
    EXPECT_EQ(*request.headers.find(kClientRefHeader), "the-ref");
    EXPECT_EQ(*request.headers.find(kClientAddressHeader), "10.0.0.1");
    nonces.insert(*request.headers.find(kServiceNonceHeader));
  }
  EXPECT_EQ(nonces.size(), 3U);
  EXPECT_EQ(world.ticket_says("t"), "TICKET_USED");
}

TEST(RemoteAuthService, FiveBadTicketsAreFiveRefusalsAndTheBreakerStaysClosed) {
  RemoteWorld world;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.ticket_says("bad" + std::to_string(i)), "TICKET_UNKNOWN");
  EXPECT_EQ(world.service->status().state, State::closed);
  EXPECT_EQ(world.server.attempts, 5U);
  EXPECT_TRUE(world.counted(R"(foyer_auth_requests_total{question="ticket",outcome="refused"} 5)"));
  world.tickets["good"] = "";
  EXPECT_EQ(world.ticket_says("good"), "alice");
}

TEST(RemoteAuthService, FiveFaultsOpenTheBreakerTheNextGetsTheTimeAndOneSuccessCloses) {
  RemoteWorld world;
  world.server.always = Weather::refused;
  EXPECT_EQ(world.ticket_says("t1"), "AUTH_RETRY_EXHAUSTED");
  const auto opening = world.ask_ticket("t2");
  world.wait_for(*opening);
  EXPECT_EQ(opening->code(), "AUTH_RETRY_EXHAUSTED");
  EXPECT_EQ(opening->refusal().attempts.size(), 2U);
  EXPECT_EQ(world.service->status().state, State::open);
  EXPECT_TRUE(world.counted("foyer_auth_breaker_state 1"));
  EXPECT_EQ(world.log.count("auth_breaker_opened"), 1U);

  const std::uint64_t attempts = world.server.attempts;
  const auto again = world.ask_ticket("t3");
  world.settle();
  ASSERT_EQ(again->code(), "AUTH_CIRCUIT_BREAKER_OPEN");
  EXPECT_EQ(world.server.attempts, attempts);
  EXPECT_EQ(again->refusal().attempts.size(), 5U);
  ASSERT_TRUE(again->refusal().retry_after);
  EXPECT_NE(
      again->refusal().evidence.find("next try at " + rfc3339(world.service->status().next_try)), std::string::npos);

  world.server.always = Weather::fine;
  world.tickets["t4"] = "";
  world.pass(*again->refusal().retry_after);
  EXPECT_EQ(world.ticket_says("t4"), "alice");
  EXPECT_EQ(world.service->status().state, State::closed);
  EXPECT_EQ(world.log.count("auth_breaker_closed"), 1U);
  EXPECT_TRUE(world.counted("foyer_auth_breaker_state 0"));
}

TEST(RemoteAuthService, WhileOneRequestTriesTheOthersAreRefusedWithTheReason) {
  RemoteWorld world;
  world.server.always = Weather::refused;
  (void)world.ticket_says("t1");
  (void)world.ticket_says("t2");
  world.pass(Millis{5'000});
  world.server.always = Weather::hang_waiting;
  const auto trial = world.ask_ticket("t3");
  world.settle();
  EXPECT_EQ(world.service->status().state, State::trying);
  const auto other = world.ask_ticket("t4");
  world.settle();
  EXPECT_EQ(other->code(), "AUTH_CIRCUIT_BREAKER_OPEN");
  EXPECT_EQ(other->refusal().attempts.size(), 5U);
  world.wait_for(*trial);
  EXPECT_EQ(trial->code(), "AUTH_RETRY_EXHAUSTED");
  EXPECT_EQ(trial->refusal().attempts.size(), 1U);
  EXPECT_EQ(trial->refusal().retry_after, Millis{10'000});
  EXPECT_EQ(world.log.count("auth_breaker_still_open"), 1U);
}

TEST(RemoteAuthService, AThousandWithOneCookieCauseOneRequest) {
  RemoteWorld world;
  world.cookies["c"] = "alice";
  std::vector<std::shared_ptr<RemoteWorld::Answer>> answers;
  for (int i = 0; i < 1'000; ++i) answers.push_back(world.ask_cookie("c"));
  world.pass(Millis{100});
  EXPECT_EQ(world.server.attempts, 1U);
  for (const auto& answer : answers) ASSERT_EQ(answer->code(), "alice");
  EXPECT_TRUE(world.counted(R"(foyer_auth_cache_total{result="joined"} 999)"));
  EXPECT_TRUE(world.counted(R"(foyer_auth_requests_total{question="cookie",outcome="valid"} 1000)"));
  EXPECT_TRUE(world.counted(R"(foyer_limit_used{limit="cookie_answers"} 1)"));
  const auto kept = world.ask_cookie("c");
  world.settle();
  EXPECT_EQ(kept->code(), "alice");
  EXPECT_EQ(world.server.attempts, 1U);
  EXPECT_TRUE(world.counted(R"(foyer_auth_cache_total{result="hit"} 1)"));
}

TEST(RemoteAuthService, TheSameCookieFromAnotherAddressIsAskedForItself) {
  RemoteWorld world;
  world.cookies["c"] = "alice";
  const auto one = world.ask_cookie("c", "10.0.0.1");
  const auto other = world.ask_cookie("c", "10.0.0.2");
  world.pass(Millis{100});
  EXPECT_EQ(one->code(), "alice");
  EXPECT_EQ(other->code(), "alice");
  EXPECT_EQ(world.server.attempts, 2U);
}

TEST(RemoteAuthService, ASessionThatEndsIsAskedForAgainWhateverIsKeptOfIt) {
  RemoteWorld world;
  world.watch();
  world.cookies["c"] = "alice";
  (void)world.ask_cookie("c");
  world.pass(Millis{100});
  world.cookies.erase("c");
  world.revoke({.kind = RevocationEvent::Kind::session, .id = "s-alice", .at = world.clock.wall()});
  world.pass(Millis{100});
  EXPECT_EQ(world.events_received, 1U);
  const auto later = world.ask_cookie("c");
  world.pass(Millis{100});
  EXPECT_EQ(later->code(), "SESSION_UNKNOWN");
}

TEST(RemoteAuthService, AnAnswerThatCrossedTheEndOfItsSessionIsNotKept) {
  RemoteWorld world;
  world.watch();
  world.cookies["c"] = "alice";
  world.server.next = {Weather::slow};
  const auto crossing = world.ask_cookie("c");
  world.pass(Millis{200}); // its answer was made and is on its way
  world.cookies.erase("c");
  world.revoke({.kind = RevocationEvent::Kind::session, .id = "s-alice", .at = world.clock.wall()});
  world.pass(Millis{200});
  EXPECT_EQ(crossing->code(), "alice"); // the gateway then checks it against its own table of revocations
  const auto later = world.ask_cookie("c");
  world.pass(Millis{100});
  EXPECT_EQ(later->code(), "SESSION_UNKNOWN");
}

TEST(RemoteAuthService, FaultsOfTheRevocationStreamOpenNoBreaker) {
  RemoteWorld world;
  world.server.always = Weather::refused;
  world.watch();
  world.pass(Millis{60'000});
  EXPECT_EQ(world.service->status().state, State::closed);
  EXPECT_TRUE(world.service->status().faults.empty());
  EXPECT_GT(world.server.attempts, 10U);
}

TEST(RemoteAuthService, ATicketIsAskedForEachTimeAlsoWhenItIsTheSame) {
  RemoteWorld world;
  world.tickets["t"] = "";
  const auto one = world.ask_ticket("t");
  const auto other = world.ask_ticket("t");
  world.pass(Millis{100});
  EXPECT_EQ(world.server.attempts, 2U);
  EXPECT_EQ(one->code(), "alice");
  EXPECT_EQ(other->code(), "TICKET_USED");
}

TEST(RemoteAuthService, AJoinedFaultReachesEveryCallerWholeAndIsNotKept) {
  RemoteWorld world;
  world.server.always = Weather::status_503;
  const auto one = world.ask_cookie("c");
  const auto other = world.ask_cookie("c");
  world.wait_for(*other);
  for (const auto& answer : {one, other}) {
    EXPECT_EQ(answer->code(), "AUTH_RETRY_EXHAUSTED");
    EXPECT_EQ(answer->refusal().attempts.size(), 3U);
  }
  world.server.always = Weather::fine;
  world.cookies["c"] = "alice";
  const auto later = world.ask_cookie("c");
  world.pass(Millis{100});
  EXPECT_EQ(later->code(), "alice");
}

TEST(RemoteAuthService, FailedQuestionsAreLoggedOnceASecondAndTheRestCounted) {
  RemoteWorld world;
  world.server.always = Weather::busy;
  for (int i = 0; i < 50; ++i) (void)world.ask_ticket("t" + std::to_string(i));
  world.pass(Millis{500});
  EXPECT_EQ(world.log.count("auth_question_failed"), 1U);
  world.pass(Millis{1'000});
  (void)world.ticket_says("t");
  EXPECT_EQ(world.log.count("auth_question_failed"), 2U);
  EXPECT_NE(world.log.lines.back().find("\"not_logged\":49"), std::string::npos) << world.log.lines.back();
}

TEST(RemoteAuthService, TooManyAtOnceAreBusy) {
  RemoteWorld world({.questions = 2});
  world.server.always = Weather::slow;
  for (const char* ticket : {"a", "b"}) world.tickets[ticket] = "";
  const auto a = world.ask_ticket("a");
  const auto b = world.ask_ticket("b");
  const auto c = world.ask_ticket("c");
  world.settle();
  EXPECT_EQ(c->code(), "BUSY");
  EXPECT_TRUE(world.counted("foyer_limit_used{limit=\"auth_questions\"} 2"));
  EXPECT_TRUE(world.counted("foyer_limit_refused_total{limit=\"auth_questions\"} 1"));
  world.pass(Millis{400});
  EXPECT_EQ(a->code(), "alice");
  EXPECT_EQ(b->code(), "alice");
}

TEST(RemoteAuthService, WhatWasUnderWayWhenItEndsIsDropped) {
  RemoteWorld world;
  const auto answer = world.ask_ticket("t");
  world.settle();
  world.service.reset();
  world.pass(Millis{3'000});
  EXPECT_EQ(answer->code(), "nothing yet");
}

} // namespace
} // namespace foyer::auth
