// OAuth 2.0 for services and for clients that support no other login:
//
//   POST /oauth2/token        client_credentials: a token for one service that the client may call (`audience`
//                             or `resource`), 5 minutes, never a refresh token. refresh_token: as /auth/refresh.
//   POST /oauth2/introspect   RFC 7662. Any registered service may introspect its own tokens and those for it; one
//                             that may call this service, all tokens. Anything else is {"active":false}.
//   POST /oauth2/revoke       RFC 7009. A user's token: any holder may revoke it. A service's token: that
//                             service, or one that may call this one. Unknown tokens: 200.
//   GET  /.well-known/oauth-authorization-server   RFC 8414, where the issuer is an https URL and PUBLIC_URL
//
// A client is a registered service and authenticates with HTTP Basic, with client_id and
// client_secret in the form, or with a signed request. A signature with a
// client's address is the gateway's for another client, and does not authenticate that client.
#pragma once

#include <vector>

#include "accounts/clients/services.h"
#include "accounts/http/routes.h"
#include "accounts/session/tokens.h"
#include "base/http.h"

namespace foyer::accounts {

struct OAuthDeps {
  AccountService& service;
  AccountStore& store;
  ServiceRegistry& services;
  ServiceTokens tokens;
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  OnRefusal on_refusal = {};
};

// The handlers may be called from any thread; replies come on the control plane's.
[[nodiscard]] std::vector<Route> oauth_routes(OAuthDeps deps);

} // namespace foyer::accounts
