// The circuit breaker: after repeated faults nobody waits for an auth service that
// will not answer. It counts attempts, not calls, and only faults: no
// answer, or one in another format. Any answer of the auth service itself, also
// "no" and "busy", is a success here: bad credentials do not open the breaker.
//
//   closed ── 5 faults in a row, or half of at least 20 in 10 s ──▶ open
//   open   ── after 5 s, one request ──▶ trying
//   trying ── a fault ──▶ open, for twice as long, at most 60 s
//   any    ── one success ──▶ closed
//
// No state is permanent: `open` has its next try, `trying` its limit. A state machine: time
// is passed in, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/refusal.h"

namespace foyer::auth {

// Both clocks, read together: one to calculate with, one to show.
struct Moment {
  MonoTime mono;
  WallTime wall;
};
[[nodiscard]] inline Moment moment_of(const Clock& clock) { return {clock.mono(), clock.wall()}; }

struct BreakerPolicy {
  std::uint32_t faults_in_a_row = 5;
  std::uint32_t window_attempts = 20; // half of at least so many, within 10 s
  Millis first_pause{5'000};
  Millis longest_pause{60'000};
  Millis trial_limit{2'000};   // a trial that has not ended by then gives way to the next one
  std::size_t faults_kept = 5; // for diagnostics
};

struct BreakerStatus {
  enum class State : std::uint8_t {
    closed, // calls are made
    open,   // no calls until next_try
    trying, // one request is under way; the others wait for its outcome
  } state = State::closed;
  WallTime since{};                 // of the whole outage, not of this pause; meaningless while closed
  WallTime next_try{};              // likewise; while trying: the end of the trial
  std::vector<Refusal> faults = {}; // the last ones, oldest first; empty after a success
};

class CircuitBreaker {
 public:
  using State = BreakerStatus::State;
  // The permission for an attempt; it is handed back with the outcome.
  enum class Pass : std::uint8_t {
    none, // not allowed
    usual,
    trial, // the one request of `trying`
  };

  explicit CircuitBreaker(BreakerPolicy policy = {}) : policy_(policy) {}

  [[nodiscard]] Pass admit(Moment now);
  void answered(Moment now);
  void faulted(Pass pass, const Refusal& fault, Moment now);

  // AUTH_CIRCUIT_BREAKER_OPEN: since when, why, the next try; `attempts` are the last
  // faults, retry_after the time to the next try. Call it when admit() gave none.
  [[nodiscard]] Refusal refusal(Moment now) const;
  [[nodiscard]] Millis until_next_try(Moment now) const; // 0 when there is nothing to wait for
  [[nodiscard]] State state() const { return status_.state; }
  [[nodiscard]] const BreakerStatus& status() const { return status_; }
  [[nodiscard]] const std::string& why() const { return why_; } // "5 faults in a row"

 private:
  // 10 s, counted in slices, so that the cost does not depend on the load.
  static constexpr Millis kSlice{500};
  static constexpr std::size_t kSlices = 20;
  struct Slice {
    std::int64_t number = -1;
    std::uint32_t attempts = 0;
    std::uint32_t faults = 0;
  };
  Slice& slice(MonoTime now);
  [[nodiscard]] bool half_failed(MonoTime now) const;
  void open(Moment now, Millis pause);

  BreakerPolicy policy_;
  BreakerStatus status_;
  std::string why_;
  MonoTime next_try_{};
  Millis pause_{0};
  std::uint32_t in_a_row_ = 0;
  std::array<Slice, kSlices> slices_{};
};

} // namespace foyer::auth
