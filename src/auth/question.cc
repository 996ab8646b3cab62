#include "auth/question.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::auth {
namespace {

Millis millis(MonoTime::duration time) { return std::chrono::floor<Millis>(time); }

} // namespace

bool QuestionMachine::time_for_an_attempt(MonoTime now) const {
  return now + policy_.least_attempt + kSlack <= deadline_;
}

QuestionMachine::Step QuestionMachine::begin(Moment now) {
  budget_.question(now.mono);
  return attempt(now);
}

QuestionMachine::Step QuestionMachine::waited(Moment now) { return attempt(now); }

QuestionMachine::Step QuestionMachine::attempt(Moment now) {
  if (!time_for_an_attempt(now.mono)) {
    if (!causes_.empty()) return end(now, "no time for another");
    return End{{.cause = Cause::AUTH_SERVICE_TIMEOUT,
        .evidence = fmt::format("not sent: {} ms of {} ms had passed in this process before its turn",
            millis(now.mono - asked_).count(), policy_.deadline.count())}};
  }
  pass_ = breaker_.admit(now);
  if (pass_ == CircuitBreaker::Pass::none) {
    if (causes_.empty()) return End{breaker_.refusal(now)};
    return end(now, "the breaker has opened");
  }
  ++attempts_;
  return Attempt{
      .number = attempts_, .timeout = std::min(policy_.attempt_timeout, millis(deadline_ - now.mono) - kSlack)};
}

void QuestionMachine::answered(Moment now) { breaker_.answered(now); }

QuestionMachine::Step QuestionMachine::faulted(Fault fault, Moment now) {
  if (!fault.counts) {
    // The auth service answered itself, so it is available, whatever the answer.
    breaker_.answered(now);
    return End{std::move(fault.refusal)};
  }
  breaker_.faulted(pass_, fault.refusal, now);
  causes_.push_back(std::move(fault.refusal));
  if (breaker_.state() != CircuitBreaker::State::closed) return end(now, "the breaker opened");
  if (!fault.transient) return end(now, "a retry would not help");
  if (attempts_ >= policy_.attempts) return end(now, "no more attempts are allowed");
  const Millis wait = backoff(policy_, attempts_ + 1, entropy_);
  if (!time_for_an_attempt(now.mono + wait)) return end(now, "no time for another");
  if (!budget_.take(now.mono)) return end(now, "the retry budget is used up");
  return Wait{wait};
}

QuestionMachine::End QuestionMachine::end(Moment now, std::string_view why) {
  const bool stopped = breaker_.state() != CircuitBreaker::State::closed;
  if (causes_.size() == 1 && !stopped) {
    Refusal only = std::move(causes_.front());
    only.evidence += fmt::format("; the one attempt ended after {} ms: {}", millis(now.mono - asked_).count(), why);
    return {std::move(only)};
  }
  Refusal all{.cause = Cause::AUTH_RETRY_EXHAUSTED,
      .evidence = fmt::format("{} of {} attempts within {} ms; {}", causes_.size(), policy_.attempts,
          millis(now.mono - asked_).count(), why),
      .attempts = std::move(causes_)};
  if (stopped) {
    all.retry_after = std::max(Millis{1}, breaker_.until_next_try(now));
    all.evidence += fmt::format(", the next try is at {}", rfc3339(breaker_.status().next_try));
  }
  return {std::move(all)};
}

} // namespace foyer::auth
