// Limits guessing per pair of (name, address), so that nobody can lock out
// others: five failures, then a lock of one minute that doubles with each further
// failure up to fifteen. Names that do not exist count as well, with the same answers.
//
// Attempts in progress count as failures: a hundred guesses sent at once
// get no more tries than a hundred in a row. Pure; takes `now`; bounded.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::accounts {

struct LockoutPolicy {
  int free_failures = 5;
  Millis first_lock = std::chrono::minutes{1};
  Millis longest_lock = std::chrono::minutes{15};
  Millis forget_after = std::chrono::hours{1}; // without a failure
  std::size_t max_pairs = 65'536;              // beyond: the one that was unused longest is forgotten
};

// What is remembered of one pair. Times of one clock, since its beginning.
struct GuessRecord {
  int failures = 0;
  int under_way = 0;
  Millis locked_until{0};
  Millis last_failure{0};
};
// One more attempt is in progress; LOGIN_LOCKED.
[[nodiscard]] Result<void> begin_guess(GuessRecord& record, const LockoutPolicy& policy, Millis now);
// One attempt less is in progress,
void end_guess(GuessRecord& record);
// and it was wrong.
void end_wrong_guess(GuessRecord& record, const LockoutPolicy& policy, Millis now);

class Lockout {
 public:
  explicit Lockout(LockoutPolicy policy = {}) : policy_(policy) {}

  // Before the password is checked. LOGIN_LOCKED with retry_after while the pair is
  // locked, or while as many attempts as it has left are in progress.
  // After a true result exactly one of failed(), succeeded(), abandoned() follows.
  [[nodiscard]] Result<bool> begin(std::string_view name_key, std::string_view address, MonoTime now);
  void failed(std::string_view name_key, std::string_view address, MonoTime now);
  void succeeded(std::string_view name_key, std::string_view address);
  // All required factors were right: forgets the failures. Ends no attempt.
  void forgive(std::string_view name_key, std::string_view address);
  void abandoned(
      std::string_view name_key, std::string_view address); // neither right nor wrong: BUSY, a store's failure

  [[nodiscard]] std::size_t size() const { return pairs_.size(); }

 private:
  struct Pair {
    GuessRecord record;
    std::list<std::string>::iterator age;
  };
  using Pairs = std::unordered_map<std::string, Pair, TransparentStringHash, std::equal_to<>>;
  Pairs::iterator touch(std::string key);
  void settle(Pairs::iterator at);

  LockoutPolicy policy_;
  Pairs pairs_;
  std::list<std::string> by_age_; // front: least recently used
};

} // namespace foyer::accounts
