// The calls of gateways over HTTP: /internal/verify, /internal/challenge and
// /internal/revocations, in the form of auth/contract/messages.h.
//
// The caller authenticates with a signature (services.h), or with a service token for this
// service, `Authorization: Bearer`, which is accepted only here. A
// challenge is answered only for a signed request.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/http/routes.h"
#include "accounts/session/revocation_polls.h"
#include "accounts/session/tokens.h"
#include "auth/contract/messages.h"
#include "base/http.h"

namespace foyer::accounts {

// This process's side of a challenge.
struct AuthFacts {
  std::string version = {};
  std::string build = {};
  std::string environment = {};
  std::string issuer = {}; // of access tokens
  std::string audience = {};
  std::vector<auth::SecretVariant> jwt_fingerprints = {}; // of a strong JWT_SECRET_KEY; otherwise empty
  std::function<std::string()> signing_kid = {};          // empty for a shared secret
};

struct InternalDeps {
  AccountService& service;
  AccountStore& store;
  ServiceRegistry& services;
  RevocationPolls& polls;
  ServiceTokens tokens;
  AuthFacts facts;
  const Clock& clock;
  Log& log;
  OnRefusal on_refusal = {};
};

// The handlers may be called from any thread; replies come on the control plane's.
[[nodiscard]] std::vector<Route> internal_routes(InternalDeps deps);

} // namespace foyer::accounts
