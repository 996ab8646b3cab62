// The breaker's state changes over time.
#include "auth/breaker.h"

#include <gtest/gtest.h>

namespace foyer::auth {
namespace {

using Pass = CircuitBreaker::Pass;
using State = CircuitBreaker::State;

class Breaker : public ::testing::Test {
 protected:
  Moment now() const { return moment_of(clock); }
  void fault(Cause cause = Cause::AUTH_SERVICE_TIMEOUT) {
    const Pass pass = breaker.admit(now());
    ASSERT_NE(pass, Pass::none);
    breaker.faulted(pass, {.cause = cause}, now());
  }
  void success() {
    ASSERT_NE(breaker.admit(now()), Pass::none);
    breaker.answered(now());
  }
  void open_it() {
    for (int i = 0; i < 5; ++i) fault();
    ASSERT_EQ(breaker.state(), State::open);
  }

  ManualClock clock;
  CircuitBreaker breaker;
};

TEST_F(Breaker, FiveFaultsInARowOpenIt) {
  for (int i = 0; i < 4; ++i) fault();
  success();
  for (int i = 0; i < 4; ++i) fault();
  EXPECT_EQ(breaker.state(), State::closed);
  fault(Cause::AUTH_SERVICE_CONNECTION_ERROR);
  EXPECT_EQ(breaker.state(), State::open);
  clock.advance(Millis{1'000});
  EXPECT_EQ(breaker.admit(now()), Pass::none);
  const Refusal refusal = breaker.refusal(now());
  EXPECT_EQ(refusal.cause, Cause::AUTH_CIRCUIT_BREAKER_OPEN);
  EXPECT_EQ(refusal.retry_after, Millis{4'000});
  EXPECT_EQ(refusal.evidence,
      "stopped calling at 2023-11-14T22:13:20.000Z after 5 failures in a row; next try at 2023-11-14T22:13:25.000Z");
  ASSERT_EQ(refusal.attempts.size(), 5U);
  EXPECT_EQ(refusal.attempts.back().cause, Cause::AUTH_SERVICE_CONNECTION_ERROR);
}

TEST_F(Breaker, HalfOfTwentyWithinTenSecondsOpensIt) {
  for (int i = 0; i < 9; ++i) {
    success();
    fault();
  }
  success();
  EXPECT_EQ(breaker.state(), State::closed); // 9 of 19
  fault();
  EXPECT_EQ(breaker.state(), State::open);
  EXPECT_NE(breaker.refusal(now()).evidence.find("half of the attempts"), std::string::npos);
}

TEST_F(Breaker, WhatIsTenSecondsAgoDoesNotCount) {
  for (int i = 0; i < 9; ++i) {
    success();
    fault();
  }
  clock.advance(Millis{10'000});
  success();
  fault();
  EXPECT_EQ(breaker.state(), State::closed);
}

TEST_F(Breaker, ItTriesWithOneRequestAndOneSuccessCloses) {
  open_it();
  clock.advance(Millis{4'999});
  EXPECT_EQ(breaker.admit(now()), Pass::none);
  clock.advance(Millis{1});
  EXPECT_EQ(breaker.admit(now()), Pass::trial);
  EXPECT_EQ(breaker.state(), State::trying);
  EXPECT_EQ(breaker.admit(now()), Pass::none);
  EXPECT_NE(breaker.refusal(now()).evidence.find("one request is trying it now"), std::string::npos);
  EXPECT_EQ(breaker.refusal(now()).attempts.size(), 5U);
  breaker.answered(now());
  EXPECT_EQ(breaker.state(), State::closed);
  EXPECT_TRUE(breaker.status().faults.empty());
  for (int i = 0; i < 4; ++i) fault();
  EXPECT_EQ(breaker.state(), State::closed);
}

TEST_F(Breaker, ThePauseDoublesToAMinuteAndStaysThere) {
  open_it();
  const WallTime since = breaker.status().since;
  for (const int seconds : {5, 10, 20, 40, 60, 60}) {
    EXPECT_EQ(breaker.until_next_try(now()), Millis{seconds * 1'000});
    clock.advance(Millis{seconds * 1'000});
    fault();
    EXPECT_EQ(breaker.state(), State::open);
    EXPECT_EQ(breaker.status().since, since);
  }
  clock.advance(Millis{60'000});
  success();
  open_it();
  EXPECT_EQ(breaker.until_next_try(now()), Millis{5'000});
}

TEST_F(Breaker, ATryWithoutAnOutcomeIsFollowedByAnother) {
  open_it();
  clock.advance(Millis{5'000});
  EXPECT_EQ(breaker.admit(now()), Pass::trial);
  clock.advance(Millis{2'000});
  EXPECT_EQ(breaker.admit(now()), Pass::trial);
}

TEST_F(Breaker, AttemptsOfBeforeOpenNothingFurtherButTheirSuccessCloses) {
  const Pass early = breaker.admit(now());
  open_it();
  breaker.faulted(early, {.cause = Cause::AUTH_SERVICE_TIMEOUT}, now());
  EXPECT_EQ(breaker.until_next_try(now()), Millis{5'000});
  breaker.answered(now());
  EXPECT_EQ(breaker.state(), State::closed);
}

} // namespace
} // namespace foyer::auth
