// Forwards /auth/*, /oauth2/* and /.well-known/* from a gateway to the auth service: the
// request is passed on unchanged (method, path, query, body), signed by the gateway
// for the user, and the answer is returned unchanged. No retry and no
// breaker: only the client can know whether to repeat.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "auth/contract/signature.h"
#include "auth/transport.h"
#include "base/http.h"

namespace foyer::auth {

struct ForwardPolicy {
  Millis connect_timeout{1'000};
  Millis deadline{5'000};      // well below refresh_repeat: a client that lost the answer to a refresh can repeat it
  std::size_t in_flight = 256; // more: BUSY
  std::size_t body_bytes = 1024 * 1024; // more: BODY_TOO_LARGE
  bool reveal = false;                  // development: clients see the operator's text of our own refusals
};

class Forwarder {
 public:
  // `on_refusal` is called with every refusal of a forwarded request, also with those by the auth service; on the
  // plane's thread.
  Forwarder(Context around, const ServiceIdentity& identity, ForwardPolicy policy, OnRefusal on_refusal = {});
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // On the plane's thread; valid as long as the Forwarder is.
  [[nodiscard]] Handler handler();
  // The handler for every path of the auth service, for a gateway's router.
  [[nodiscard]] std::vector<Route> routes();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::auth
