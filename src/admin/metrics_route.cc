#include "admin/api_key.h"
#include "admin/routes.h"
#include "wire/problem.h"

namespace foyer::admin {

Route metrics_route(const ApiDeps& deps, bool with_key) {
  return {"GET", "/metrics",
      [&metrics = deps.metrics, key = ApiKey(deps.api_key), with_key, development = deps.development,
          on_refusal = deps.on_refusal](const Request& request, Reply reply) {
    if (with_key) {
      if (auto refusal = key.check(request)) {
        if (on_refusal) on_refusal(request, *refusal);
        return reply(wire::problem(*refusal, request.ref, development));
      }
    }
    reply({200, Headers{{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}},
        metrics.text()});
  }};
}

} // namespace foyer::admin
