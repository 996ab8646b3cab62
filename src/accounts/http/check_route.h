// GET /auth/check, for proxies that ask before they let a request pass: caddy
// forward_auth, nginx auth_request, traefik forwardAuth.
//
//   204  it may pass; X-Foyer-User says for whom
//   401  nobody is logged in, or the credential is not valid
//   403  somebody is, and may not, or the page of another site asks
//
// Looked at, in this order: Authorization: Bearer, and of a WebSocket handshake
// also the subprotocol bearer.… and ?ticket= of the address that the proxy was asked
// for (X-Forwarded-Uri, X-Original-URI); two of them are none. Without one, the session
// cookie. A ticket is not used up here: the socket behind the proxy does that.
#pragma once

#include "accounts/http/exchange.h"

namespace foyer::accounts {

void check_for_proxy(const ExchangePtr& x);

} // namespace foyer::accounts
