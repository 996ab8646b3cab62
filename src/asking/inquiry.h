// One question from its first attempt to its single outcome: this decides what to do next; the driver (asker.cc) sends
// and waits. The deadline covers all attempts.
//
//   begin ─▶ Attempt ─▶ answered
//              │  ▲
//       faulted│  │waited
//              ▼  │
//             Wait …        or End: no time, no budget, no more attempts, breaker open, or it may have been acted upon
//
// A question that must not reach the application twice (publish) is repeated only if it was certainly not acted upon.
#pragma once

#include <variant>
#include <vector>

#include "asking/answer.h"
#include "auth/breaker.h"
#include "auth/retry.h"

namespace foyer::asking {

class Inquiry {
 public:
  struct Attempt {
    Millis timeout{};
  };
  struct Wait {
    Millis time{};
  };
  struct End {
    Refusal refusal;
  };
  using Step = std::variant<Attempt, Wait, End>;

  // `asked`: when the question came; the deadline counts from there. The references outlive it.
  Inquiry(const auth::RetryPolicy& policy, auth::CircuitBreaker& breaker, auth::RetryBudget& budget, Entropy& entropy,
      MonoTime asked, bool repeatable)
      : policy_(policy),
        breaker_(breaker),
        budget_(budget),
        entropy_(entropy),
        asked_(asked),
        repeatable_(repeatable) {}

  [[nodiscard]] Step begin(auth::Moment now);
  [[nodiscard]] Step waited(auth::Moment now);
  [[nodiscard]] Step faulted(Fault fault, auth::Moment now); // Wait or End
  void answered(auth::Moment now);

 private:
  [[nodiscard]] Step attempt(auth::Moment now);
  [[nodiscard]] bool time_for_an_attempt(MonoTime now) const;
  [[nodiscard]] End end(auth::Moment now, std::string_view why);

  const auth::RetryPolicy& policy_;
  auth::CircuitBreaker& breaker_;
  auth::RetryBudget& budget_;
  Entropy& entropy_;
  MonoTime asked_;
  bool repeatable_;
  std::uint32_t attempts_ = 0;
  auth::CircuitBreaker::Pass pass_ = auth::CircuitBreaker::Pass::none;
  std::vector<Refusal> causes_; // of the attempts that failed
};

} // namespace foyer::asking
