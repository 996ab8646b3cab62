// The operator's side over HTTP: health, metrics, recent refusals, the pages of
// the causes, and the pages for people. Composition hands these routes to the
// router.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/build_info.h"
#include "api/health.h"
#include "base/http.h"
#include "base/metrics.h"
#include "gateway/info.h"

namespace foyer::api {

// The references must outlive the routes.
struct ApiDeps {
  BuildInfo build;
  const Clock& clock;
  const Metrics& metrics;
  const gateway::GatewayInfo* gateway = nullptr; // null: the gateway role does not run here
  std::string api_key = {};                      // empty: /api/* and /metrics answer 404
  bool development = false;                      // refusals carry the operator's text
  std::vector<HealthCheck> live = {};            // beside the loops
  std::vector<HealthCheck> ready = {};           // beside `accepting`: stores, auth service, key set, …
  // Told of a rejected API key; may be empty. Any thread.
  std::function<void(const Request&, const Refusal&)> on_refusal = {};
};

// /health*, /metrics (with the API key), /causes*, and with a gateway /api/refusals.
[[nodiscard]] std::vector<Route> operator_routes(const ApiDeps& deps);
// /metrics and /health* without a credential, for a listener of their own.
[[nodiscard]] std::vector<Route> metrics_listener_routes(const ApiDeps& deps);
// The pages of web/: "/" and what it loads.
[[nodiscard]] std::vector<Route> web_routes();

// The parts, each for itself.
[[nodiscard]] std::vector<Route> health_routes(const ApiDeps& deps);
[[nodiscard]] Route metrics_route(const ApiDeps& deps, bool with_key);
[[nodiscard]] Route refusals_route(const ApiDeps& deps);
[[nodiscard]] std::vector<Route> causes_routes(const ApiDeps& deps);

} // namespace foyer::api
