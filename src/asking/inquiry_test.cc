#include "asking/inquiry.h"

#include <gmock/gmock.h>

#include <string>

namespace foyer::asking {
namespace {

using testing::HasSubstr;

struct InquiryTest : testing::Test {
  [[nodiscard]] auth::Moment now() const { return auth::moment_of(clock); }
  Inquiry ask(bool repeatable = true) { return {policy, breaker, budget, entropy, clock.mono(), repeatable}; }
  static Fault fault(Cause cause, bool transient, bool unhandled, bool counts = true) {
    return {
        .refusal = {.cause = cause, .evidence = "x"}, .transient = transient, .unhandled = unhandled, .counts = counts};
  }
  // "attempt 1000", "wait", "APP_TIMEOUT: …"
  static std::string said(const Inquiry::Step& step) {
    if (const auto* attempt = std::get_if<Inquiry::Attempt>(&step))
      return "attempt " + std::to_string(attempt->timeout.count());
    if (std::holds_alternative<Inquiry::Wait>(step)) return "wait";
    const Refusal& refusal = std::get<Inquiry::End>(step).refusal;
    return std::string(refusal.code()) + ": " + refusal.evidence;
  }

  auth::RetryPolicy policy{.attempts = 3, .deadline = Millis{1'000}};
  ManualClock clock;
  FixedEntropy entropy;
  auth::CircuitBreaker breaker;
  auth::RetryBudget budget;
};

TEST_F(InquiryTest, AnAttemptHasAllTheTimeThatIsLeft) {
  Inquiry inquiry = ask();
  clock.advance(Millis{100});
  EXPECT_EQ(said(inquiry.begin(now())), "attempt 900");
  clock.advance(Millis{300});
  EXPECT_EQ(said(inquiry.faulted(fault(Cause::APP_UNAVAILABLE, true, true), now())), "wait");
  clock.advance(Millis{50});
  EXPECT_EQ(said(inquiry.waited(now())), "attempt 550");
}

TEST_F(InquiryTest, ThereAreThreeAttempts) {
  Inquiry inquiry = ask();
  (void)inquiry.begin(now());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(said(inquiry.faulted(fault(Cause::APP_UNAVAILABLE, true, true), now())), "wait");
    (void)inquiry.waited(now());
  }
  const auto end = inquiry.faulted(fault(Cause::APP_TIMEOUT, true, true), now());
  EXPECT_EQ(said(end), "APP_TIMEOUT: x; attempt 3 of 3, 0 ms after the question: no more attempts are allowed");
  EXPECT_EQ(std::get<Inquiry::End>(end).refusal.attempts.size(), 2U);
}

TEST_F(InquiryTest, AMessageIsSentAgainOnlyIfItCertainlyHadNoEffect) {
  Inquiry refused = ask(false);
  (void)refused.begin(now());
  EXPECT_EQ(said(refused.faulted(fault(Cause::APP_UNAVAILABLE, true, true), now())), "wait");
  Inquiry sent = ask(false);
  (void)sent.begin(now());
  EXPECT_THAT(
      said(sent.faulted(fault(Cause::APP_UNAVAILABLE, true, false), now())), HasSubstr("may have been acted upon"));
  Inquiry join = ask(true);
  (void)join.begin(now());
  EXPECT_EQ(said(join.faulted(fault(Cause::APP_UNAVAILABLE, true, false), now())), "wait");
}

TEST_F(InquiryTest, AWrongAnswerIsNotAskedForAgain) {
  Inquiry inquiry = ask();
  (void)inquiry.begin(now());
  EXPECT_THAT(said(inquiry.faulted(fault(Cause::APP_ANSWER_INVALID, false, false, false), now())),
      HasSubstr("APP_ANSWER_INVALID: x; attempt 1 of 3, 0 ms after the question: a retry would not help"));
}

TEST_F(InquiryTest, NothingIsSentWhenTheTimeIsUp) {
  Inquiry inquiry = ask();
  clock.advance(Millis{960});
  EXPECT_THAT(said(inquiry.begin(now())), HasSubstr("APP_TIMEOUT: not sent: 960 of 1000 ms had passed"));
}

TEST_F(InquiryTest, TheBreakerCountsWhoDoesNotAnswerAndNobodyElse) {
  for (int i = 0; i < 20; ++i) {
    Inquiry inquiry = ask();
    (void)inquiry.begin(now());
    (void)inquiry.faulted(fault(Cause::APP_ANSWER_INVALID, false, false, false), now());
  }
  EXPECT_EQ(breaker.state(), auth::CircuitBreaker::State::closed) << "one user's text that it cannot digest";
  for (int i = 0; i < 5; ++i) {
    Inquiry inquiry = ask(false);
    (void)inquiry.begin(now());
    (void)inquiry.faulted(fault(Cause::APP_TIMEOUT, true, false), now());
  }
  EXPECT_EQ(breaker.state(), auth::CircuitBreaker::State::open);
  Inquiry refused = ask();
  const auto step = refused.begin(now());
  EXPECT_THAT(said(step), HasSubstr("APP_UNAVAILABLE: stopped calling at"));
  EXPECT_GT(std::get<Inquiry::End>(step).refusal.retry_after, Millis{0});
  clock.advance(std::chrono::seconds{5});
  Inquiry trial = ask();
  EXPECT_EQ(said(trial.begin(now())), "attempt 1000");
  trial.answered(now());
  EXPECT_EQ(breaker.state(), auth::CircuitBreaker::State::closed);
}

} // namespace
} // namespace foyer::asking
