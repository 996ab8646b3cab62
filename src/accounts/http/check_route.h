// GET /auth/check, for proxies that check each request before passing it on: caddy
// forward_auth, nginx auth_request, traefik forwardAuth.
//
//   204  the request may pass; X-Foyer-User names the user
//   401  nobody is logged in, or the credential is not valid
//   403  the user is not allowed, or a page of another site sent the request
//
// Checked in this order: Authorization: Bearer, and for a WebSocket handshake
// also the subprotocol bearer.… and ?ticket= in the address that the proxy received
// (X-Forwarded-Uri, X-Original-URI); two of them count as none. Without one, the session
// cookie. A ticket is not used up here: the socket behind the proxy uses it.
#pragma once

#include "accounts/http/exchange.h"

namespace foyer::accounts {

void check_for_proxy(const ExchangePtr& x);

} // namespace foyer::accounts
