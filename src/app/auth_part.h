// The auth part of a server: the auth service in this process, the client of one in another process, or none.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/contract/auth_service.h"
#include "auth/local_verifier.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/http.h"
#include "observe/health.h"
#include "store/age_gate.h"

namespace foyer::app {

class AuthPart {
 public:
  virtual ~AuthPart() = default;

  // Call once. Completes on the control plane when clients may connect; a refusal: the server must not serve.
  virtual void start(Completion<bool> ready) = 0;
  [[nodiscard]] virtual auth::AuthService& service() = 0;
  // Verifies the tokens of its accounts; null: there are no accounts.
  [[nodiscard]] virtual const auth::LocalVerifier* verifier() = 0;
  // Asks whether there are newer keys for those tokens. Empty: the keys are this process's own, or a shared secret.
  [[nodiscard]] virtual std::function<void(Completion<bool>)> refresh_keys() { return {}; }
  // Whether a service that holds a valid token may still call `target`; API_KEY_REJECTED. On the control plane. Where
  // the services are in another process, it is known for as long as the token lives.
  [[nodiscard]] virtual Result<void> check_service(std::string_view, std::string_view) const { return {}; }
  // All that the accounts have of a user, without secrets, as lines of JSON; none where there is no such account, or
  // the accounts are in another process. Any thread.
  virtual void account_lines(UserId, Completion<std::string> done) { done(std::string{}); }
  [[nodiscard]] virtual std::vector<Route> routes(const OnRefusal&) { return {}; }
  [[nodiscard]] virtual std::vector<observe::HealthCheck> ready() { return {}; }

  // Waits for the first key set, if it has to be fetched. False: it did not arrive in time. Not on the control plane.
  [[nodiscard]] virtual bool wait_for_keys(Millis) { return true; }
  virtual bool reload() { return false; } // fetches the key set now; false: there is none to fetch
  [[nodiscard]] virtual std::optional<store::UpkeepState> upkeep_state() const { return {}; } // of its store
  virtual void upkeep_now() {}
  // Answers pending long polls, so that no connection delays the shutdown.
  virtual void drain() {}
};

} // namespace foyer::app
