#include "asking/inquiry.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::asking {
namespace {

Millis millis(MonoTime::duration time) { return std::chrono::floor<Millis>(time); }

} // namespace

bool Inquiry::time_for_an_attempt(MonoTime now) const {
  return now + policy_.least_attempt <= asked_ + policy_.deadline;
}

Inquiry::Step Inquiry::begin(auth::Moment now) {
  budget_.question(now.mono);
  return attempt(now);
}

Inquiry::Step Inquiry::waited(auth::Moment now) { return attempt(now); }

Inquiry::Step Inquiry::attempt(auth::Moment now) {
  if (!time_for_an_attempt(now.mono)) {
    if (!causes_.empty()) return end(now, "no time for another");
    return End{{.cause = Cause::APP_TIMEOUT,
        .evidence = fmt::format("not sent: {} of {} ms had passed in this process before its turn",
            millis(now.mono - asked_).count(), policy_.deadline.count()),
        .retry_after = Millis{1'000}}};
  }
  pass_ = breaker_.admit(now);
  if (pass_ == auth::CircuitBreaker::Pass::none) {
    if (!causes_.empty()) return end(now, "the breaker has opened");
    Refusal open = breaker_.refusal(now);
    open.cause = Cause::APP_UNAVAILABLE;
    return End{std::move(open)};
  }
  ++attempts_;
  return Attempt{.timeout = millis(asked_ + policy_.deadline - now.mono)};
}

void Inquiry::answered(auth::Moment now) { breaker_.answered(now); }

Inquiry::Step Inquiry::faulted(Fault fault, auth::Moment now) {
  // An answer of the application itself, even one that makes no sense, shows that it is there: what one client sends
  // must not close the others out.
  if (fault.counts)
    breaker_.faulted(pass_, fault.refusal, now);
  else
    breaker_.answered(now);
  const bool again = fault.transient && (repeatable_ || fault.unhandled);
  const bool sent = !fault.unhandled;
  causes_.push_back(std::move(fault.refusal));
  if (breaker_.state() != auth::CircuitBreaker::State::closed) return end(now, "the breaker opened");
  if (!again) return end(now, sent && !repeatable_ ? "it may have been acted upon" : "a retry would not help");
  if (attempts_ >= policy_.attempts) return end(now, "no more attempts are allowed");
  const Millis wait = auth::backoff(policy_, attempts_ + 1, entropy_);
  if (!time_for_an_attempt(now.mono + wait)) return end(now, "no time for another");
  if (!budget_.take(now.mono)) return end(now, "the retry budget is used up");
  return Wait{wait};
}

// The cause of the last attempt; the others are kept beside it.
Inquiry::End Inquiry::end(auth::Moment now, std::string_view why) {
  Refusal last = std::move(causes_.back());
  causes_.pop_back();
  last.evidence += fmt::format("; attempt {} of {}, {} ms after the question: {}", attempts_, policy_.attempts,
      millis(now.mono - asked_).count(), why);
  if (breaker_.state() != auth::CircuitBreaker::State::closed) {
    last.retry_after = std::max(Millis{1}, breaker_.until_next_try(now));
    last.evidence += fmt::format(", the next try is at {}", rfc3339(breaker_.status().next_try));
  }
  last.attempts = std::move(causes_);
  return {std::move(last)};
}

} // namespace foyer::asking
