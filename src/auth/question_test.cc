// The timing of one call: retries, budget, deadline, and its outcome.
#include "auth/question.h"

#include <gtest/gtest.h>

namespace foyer::auth {
namespace {

using Attempt = QuestionMachine::Attempt;
using Wait = QuestionMachine::Wait;
using End = QuestionMachine::End;

class Questions : public ::testing::Test {
 protected:
  Moment now() const { return moment_of(clock); }
  QuestionMachine machine() { return {policy, breaker, budget, entropy, clock.mono()}; }
  static Fault timeout() {
    return {
        .refusal = {.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = "waiting"}, .transient = true, .counts = true};
  }
  static Fault refused() {
    return {.refusal = {.cause = Cause::AUTH_SERVICE_CONNECTION_ERROR, .evidence = "refused"},
        .transient = true,
        .counts = true};
  }

  ManualClock clock;
  FixedEntropy entropy;
  RetryPolicy policy;
  CircuitBreaker breaker;
  RetryBudget budget;
};

TEST_F(Questions, ThreeFailedAttemptsAreExhaustedRetriesWithTheirCauses) {
  auto question = machine();
  auto step = question.begin(now());
  const Fault faults[] = {timeout(), refused(), timeout()};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto* attempt = std::get_if<Attempt>(&step);
    ASSERT_NE(attempt, nullptr);
    EXPECT_EQ(attempt->number, i + 1);
    EXPECT_LE(attempt->timeout, Millis{600});
    clock.advance(i == 1 ? Millis{1} : attempt->timeout);
    step = question.faulted(faults[i], now());
    if (i == 2) break;
    const auto* wait = std::get_if<Wait>(&step);
    ASSERT_NE(wait, nullptr);
    EXPECT_LE(wait->time, Millis{i == 0 ? 50 : 100});
    clock.advance(wait->time);
    step = question.waited(now());
  }
  const Refusal& end = std::get<End>(step).refusal;
  EXPECT_EQ(end.cause, Cause::AUTH_RETRY_EXHAUSTED);
  ASSERT_EQ(end.attempts.size(), 3U);
  EXPECT_EQ(end.attempts[0].cause, Cause::AUTH_SERVICE_TIMEOUT);
  EXPECT_EQ(end.attempts[1].cause, Cause::AUTH_SERVICE_CONNECTION_ERROR);
  EXPECT_EQ(end.attempts[2].evidence, "waiting");
}

TEST_F(Questions, OneFailedAttemptWithoutTimeForAnotherEndsWithItsOwnCause) {
  policy.attempt_timeout = Millis{1'950};
  auto question = machine();
  const auto step = question.begin(now());
  clock.advance(std::get<Attempt>(step).timeout);
  const auto end = question.faulted(timeout(), now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_SERVICE_TIMEOUT);
  EXPECT_NE(std::get<End>(end).refusal.evidence.find("no time for another"), std::string::npos);
}

TEST_F(Questions, WithoutBudgetThereIsNoRetry) {
  while (budget.take(clock.mono())) {}
  auto question = machine();
  (void)question.begin(now());
  const auto end = question.faulted(refused(), now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_SERVICE_CONNECTION_ERROR);
  EXPECT_NE(std::get<End>(end).refusal.evidence.find("budget"), std::string::npos);
}

TEST_F(Questions, TheBudgetIsAReserveThatComesBackAndAFifthOfTheQuestions) {
  int retries = 0;
  while (budget.take(clock.mono())) ++retries;
  EXPECT_EQ(retries, 10);
  for (int i = 0; i < 4; ++i) budget.question(clock.mono());
  EXPECT_FALSE(budget.take(clock.mono()));
  budget.question(clock.mono());
  EXPECT_TRUE(budget.take(clock.mono()));
  clock.advance(Millis{999});
  EXPECT_FALSE(budget.take(clock.mono()));
  clock.advance(Millis{1});
  EXPECT_TRUE(budget.take(clock.mono()));
  clock.advance(Millis{3'600'000});
  for (retries = 0; budget.take(clock.mono());) ++retries;
  EXPECT_EQ(retries, 10);
}

TEST_F(Questions, WhatTheAuthServiceSaysIsNotRetriedAndNotCounted) {
  for (int i = 0; i < 10; ++i) {
    auto question = machine();
    (void)question.begin(now());
    const auto end = question.faulted({.refusal = {.cause = Cause::BUSY, .retry_after = Millis{7'000}}}, now());
    EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::BUSY);
    EXPECT_EQ(std::get<End>(end).refusal.retry_after, Millis{7'000});
  }
  EXPECT_EQ(breaker.state(), CircuitBreaker::State::closed);
}

TEST_F(Questions, AServerErrorThatIsNotPassingIsCountedButNotAskedAgain) {
  auto question = machine();
  (void)question.begin(now());
  const auto end = question.faulted(
      {.refusal = {.cause = Cause::AUTH_SERVICE_NOT_AVAILABLE}, .transient = false, .counts = true}, now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_SERVICE_NOT_AVAILABLE);
  EXPECT_EQ(breaker.status().faults.size(), 1U);
}

TEST_F(Questions, WhenTheBreakerOpensMeanwhileItEndsExhaustedAndTheNextGetsTheReason) {
  auto first = machine();
  (void)first.begin(now());
  (void)first.faulted(refused(), now());
  (void)first.waited(now());
  (void)first.faulted(refused(), now());
  (void)first.waited(now());
  (void)first.faulted(refused(), now());
  auto second = machine();
  (void)second.begin(now());
  ASSERT_TRUE(std::holds_alternative<Wait>(second.faulted(refused(), now())));
  (void)second.waited(now());
  const auto end = second.faulted(refused(), now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_RETRY_EXHAUSTED);
  EXPECT_EQ(std::get<End>(end).refusal.attempts.size(), 2U);
  EXPECT_EQ(std::get<End>(end).refusal.retry_after, Millis{5'000});
  auto third = machine();
  const auto step = third.begin(now());
  EXPECT_EQ(std::get<End>(step).refusal.cause, Cause::AUTH_CIRCUIT_BREAKER_OPEN);
  EXPECT_EQ(std::get<End>(step).refusal.attempts.size(), 5U);
}

TEST_F(Questions, AQuestionThatWaitedWhileAnotherOpenedTheBreakerEndsWithWhatItSaw) {
  auto waiting = machine();
  (void)waiting.begin(now());
  (void)waiting.faulted(timeout(), now());
  for (int i = 0; i < 4; ++i)
    breaker.faulted(CircuitBreaker::Pass::usual, {.cause = Cause::AUTH_SERVICE_TIMEOUT}, now());
  const auto end = waiting.waited(now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_RETRY_EXHAUSTED);
  EXPECT_EQ(std::get<End>(end).refusal.attempts.size(), 1U);
}

TEST_F(Questions, WhoseTimeWasUsedUpInThisProcessIsNotAskedAtAll) {
  auto question = machine();
  clock.advance(Millis{1'950});
  const auto end = question.begin(now());
  EXPECT_EQ(std::get<End>(end).refusal.cause, Cause::AUTH_SERVICE_TIMEOUT);
  EXPECT_EQ(breaker.state(), CircuitBreaker::State::closed);
  EXPECT_EQ(question.attempts(), 0U);
}

} // namespace
} // namespace foyer::auth
