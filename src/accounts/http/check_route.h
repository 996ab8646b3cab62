// GET /auth/check, for proxies that ask before they let a request pass: caddy
// forward_auth, nginx auth_request, traefik forwardAuth.
//
//   204  the request may pass; X-Foyer-User names the user
//   401  nobody is logged in, or the credential is not valid
//   403  the user may not, or the page of another site sends the request
//
// Checked in this order: Authorization: Bearer, and for a WebSocket handshake
// also the subprotocol bearer.… and ?ticket= of the address that the proxy was asked
// for (X-Forwarded-Uri, X-Original-URI); two of them count as none. Without one, the session
// cookie. A ticket is not used up here: the socket behind the proxy does that.
#pragma once

#include "accounts/http/exchange.h"

namespace foyer::accounts {

void check_for_proxy(const ExchangePtr& x);

} // namespace foyer::accounts
