// The tokens of registered services as credentials of the server API: `typ` service+jwt, `aud` foyer:api, of this
// server's own accounts. A token proves which service calls; what the service may do is with the API key that belongs
// to it.
#pragma once

#include <string>

#include "access/key_ring.h"
#include "app/auth_part.h"
#include "auth/revocation_table.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"

namespace foyer::app {

class ServiceTokens {
 public:
  // All outlive it.
  ServiceTokens(AuthPart& auth, const auth::RevocationTable& revocations, const Clock& clock, Executor& control)
      : auth_(auth),
        revocations_(revocations),
        clock_(clock),
        control_(control) {}

  // The id of the service that holds `token`. Any thread; the answer comes on the control plane, where signatures are
  // verified, so that no event loop waits for them. What LocalVerifier and RevocationTable refuse with;
  // API_KEY_REJECTED for a service that is not registered any more, is disabled, or may no longer call the API, and
  // where this server has no accounts.
  void find(std::string token, Completion<std::string> done);

 private:
  [[nodiscard]] Result<Identity> verify(const std::string& token) const;
  [[nodiscard]] Result<std::string> judge(Result<Identity> identity) const;

  AuthPart& auth_;
  const auth::RevocationTable& revocations_;
  const Clock& clock_;
  Executor& control_;
};

} // namespace foyer::app
