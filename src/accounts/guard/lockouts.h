// What is known of failed guesses, of passwords and of second factors: by this process alone, or by all auth services
// on one database (sql/lockouts.h). The rules are those of lockout.h.
//
// Completions run on the control plane. Every function may also return the store's causes; then nobody is let in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "accounts/guard/lockout.h"
#include "base/clock.h"
#include "base/completion.h"

namespace foyer::accounts {

enum class GuessKind : std::uint8_t {
  login,  // by name and address
  factor, // by user, from all addresses together
};
struct GuessKey {
  GuessKind kind = GuessKind::login;
  std::string name = {};
  std::string address = {}; // of a login
};
enum class GuessEnd : std::uint8_t {
  wrong,
  right,   // forgets the failures
  neither, // a failure of ours; or right, while another factor is still missing
};

struct LockoutPolicies {
  LockoutPolicy login = {};
  LockoutPolicy factor = {};
  [[nodiscard]] const LockoutPolicy& of(GuessKind kind) const { return kind == GuessKind::login ? login : factor; }
};

class Lockouts {
 public:
  virtual ~Lockouts() = default;

  // Before the guess is compared: LOGIN_LOCKED. After a true result exactly one end() follows.
  virtual void begin(GuessKey key, Completion<bool> done) = 0;
  // Completes when it counts. A wrong guess is answered afterwards: one that is not counted tells nothing.
  virtual void end(GuessKey key, GuessEnd how, Completion<bool> done = [](Result<bool>) {}) = 0;
  // All required factors were right: forgets the failures. Ends no attempt.
  virtual void forgive(GuessKey key) = 0;

  [[nodiscard]] virtual std::size_t size(GuessKind kind) const = 0; // as far as this process knows
};

// Of one process. On the control plane's thread; answers before a call returns.
class MemoryLockouts final : public Lockouts {
 public:
  MemoryLockouts(const Clock& clock, const LockoutPolicies& policies)
      : clock_(clock),
        login_(policies.login),
        factor_(policies.factor) {}
  void begin(GuessKey key, Completion<bool> done) override;
  void end(GuessKey key, GuessEnd how, Completion<bool> done) override;
  void forgive(GuessKey key) override { of(key.kind).forgive(key.name, key.address); }
  [[nodiscard]] std::size_t size(GuessKind kind) const override {
    return kind == GuessKind::login ? login_.size() : factor_.size();
  }

 private:
  Lockout& of(GuessKind kind) { return kind == GuessKind::login ? login_ : factor_; }
  const Clock& clock_;
  Lockout login_, factor_;
};

} // namespace foyer::accounts
