// One call to the auth service, from its first attempt to its single outcome: this
// decides the next action; the driver (remote_auth_service.cc) sends and waits.
//
//   begin ─▶ Attempt ─▶ answered                        the outcome is the auth service's
//               │  ▲
//        faulted│  │waited
//               ▼  │
//              Wait …            or End: no time, no budget, no more attempts, breaker open
//
// One failed attempt ends with its own cause; two or more with AUTH_RETRY_EXHAUSTED and
// the cause of each. The same if the breaker opens meanwhile, even after
// one. A call that the open breaker did not admit is AUTH_CIRCUIT_BREAKER_OPEN.
#pragma once

#include <variant>
#include <vector>

#include "auth/answer.h"
#include "auth/breaker.h"
#include "auth/retry.h"

namespace foyer::auth {

class QuestionMachine {
 public:
  struct Attempt {
    std::uint32_t number = 1;
    Millis timeout{}; // of this attempt; kSlack before any enclosing deadline
  };
  struct Wait {
    Millis time{};
  };
  struct End {
    Refusal refusal;
  };
  using Step = std::variant<Attempt, Wait, End>;

  // How late a transport may report its deadline.
  static constexpr Millis kSlack{20};

  // `asked`: the time of the call; the deadline counts from there.
  QuestionMachine(
      const RetryPolicy& policy, CircuitBreaker& breaker, RetryBudget& budget, Entropy& entropy, MonoTime asked)
      : policy_(policy),
        breaker_(breaker),
        budget_(budget),
        entropy_(entropy),
        asked_(asked),
        deadline_(asked + policy.deadline) {}

  [[nodiscard]] Step begin(Moment now);
  [[nodiscard]] Step waited(Moment now);
  [[nodiscard]] Step faulted(Fault fault, Moment now); // Wait or End
  void answered(Moment now);                           // a definite answer, valid or refused
  [[nodiscard]] std::uint32_t attempts() const { return attempts_; }

 private:
  [[nodiscard]] Step attempt(Moment now);
  [[nodiscard]] bool time_for_an_attempt(MonoTime now) const;
  [[nodiscard]] End end(Moment now, std::string_view why);

  const RetryPolicy& policy_;
  CircuitBreaker& breaker_;
  RetryBudget& budget_;
  Entropy& entropy_;
  MonoTime asked_;
  MonoTime deadline_;
  std::uint32_t attempts_ = 0;
  CircuitBreaker::Pass pass_ = CircuitBreaker::Pass::none;
  std::vector<Refusal> causes_; // of the attempts that failed
};

} // namespace foyer::auth
