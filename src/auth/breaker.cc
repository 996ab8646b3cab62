#include "auth/breaker.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::auth {
namespace {

Millis rounded_up(MonoTime::duration time) { return std::max(Millis{0}, std::chrono::ceil<Millis>(time)); }

} // namespace

CircuitBreaker::Pass CircuitBreaker::admit(Moment now) {
  if (status_.state == State::closed) return Pass::usual;
  if (now.mono < next_try_) return Pass::none;
  // Also for a trial whose outcome never came.
  status_.state = State::trying;
  next_try_ = now.mono + policy_.trial_limit;
  status_.next_try = now.wall + policy_.trial_limit;
  return Pass::trial;
}

void CircuitBreaker::answered(Moment now) {
  in_a_row_ = 0;
  if (status_.state == State::closed) {
    ++slice(now.mono).attempts;
    status_.faults.clear();
    return;
  }
  status_ = {};
  slices_ = {};
  ++slice(now.mono).attempts;
  pause_ = Millis{0};
}

void CircuitBreaker::faulted(Pass pass, const Refusal& fault, Moment now) {
  status_.faults.push_back(fault);
  if (status_.faults.size() > policy_.faults_kept) status_.faults.erase(status_.faults.begin());
  if (pass == Pass::trial && status_.state == State::trying)
    return open(now, std::min(policy_.longest_pause, pause_ * 2));
  if (status_.state != State::closed) return; // an earlier attempt: no new information
  Slice& current = slice(now.mono);
  ++current.attempts;
  ++current.faults;
  ++in_a_row_;
  if (in_a_row_ >= policy_.faults_in_a_row)
    why_ = fmt::format("{} failures in a row", in_a_row_);
  else if (half_failed(now.mono))
    why_ = "half of the attempts within 10 s failed";
  else
    return;
  status_.since = now.wall;
  open(now, policy_.first_pause);
}

void CircuitBreaker::open(Moment now, Millis pause) {
  status_.state = State::open;
  pause_ = pause;
  next_try_ = now.mono + pause;
  status_.next_try = now.wall + pause;
}

CircuitBreaker::Slice& CircuitBreaker::slice(MonoTime now) {
  const std::int64_t number = now.time_since_epoch() / kSlice;
  Slice& slice = slices_[static_cast<std::size_t>(number) % kSlices];
  if (slice.number != number) slice = {.number = number};
  return slice;
}

bool CircuitBreaker::half_failed(MonoTime now) const {
  const std::int64_t number = now.time_since_epoch() / kSlice;
  std::uint32_t attempts = 0;
  std::uint32_t faults = 0;
  for (const Slice& slice : slices_) {
    if (slice.number <= number - static_cast<std::int64_t>(kSlices)) continue;
    attempts += slice.attempts;
    faults += slice.faults;
  }
  return attempts >= policy_.window_attempts && 2 * faults >= attempts;
}

Millis CircuitBreaker::until_next_try(Moment now) const {
  return status_.state == State::closed ? Millis{0} : rounded_up(next_try_ - now.mono);
}

Refusal CircuitBreaker::refusal(Moment now) const {
  const std::string next =
      status_.state == State::trying ? "one request is trying it now, with a result by " : "next try at ";
  return {.cause = Cause::AUTH_CIRCUIT_BREAKER_OPEN,
      .evidence = fmt::format(
          "stopped calling at {} after {}; {}{}", rfc3339(status_.since), why_, next, rfc3339(status_.next_try)),
      .retry_after = std::max(Millis{1}, until_next_try(now)),
      .attempts = status_.faults};
}

} // namespace foyer::auth
