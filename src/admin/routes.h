// The operator's routes: health, metrics, recent refusals, the pages of
// the causes, and the web client's pages. Composition adds these routes to the
// router.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/metrics.h"
#include "base/operation.h"
#include "observe/build_info.h"
#include "observe/health.h"
#include "observe/info.h"

namespace foyer::admin {

// Deletion by age in one store, for an operator.
struct UpkeepRow {
  std::string store;       // "accounts", "chat"
  bool waits = false;      // until the clock is trusted
  std::string doubt = {};  // ahead, behind, jumped, server; empty: it does not wait
  std::int64_t off_s = 0;  // by how much the clock seems to be off
  std::int64_t left_s = 0; // until it will have been steady for long enough
};
struct Upkeep {
  std::function<std::vector<UpkeepRow>()> state = {};
  std::function<void()> now = {}; // the operator confirms the clock
};

// What other nodes answer to the same request.
struct Elsewhere {
  std::vector<std::string> bodies = {};  // JSON
  std::vector<std::string> missing = {}; // nodes that have not answered
};

// The references must outlive the routes.
struct ApiDeps {
  observe::BuildInfo build;
  const Clock& clock;
  const Metrics& metrics;
  const observe::GatewayInfo* gateway = nullptr; // null: the gateway role does not run here
  std::string api_key = {};                      // empty: /api/* and /metrics answer 404
  std::string node = {};                         // of this process; empty: there is one
  // Asks the other nodes for refusals; empty: there are none. `done` is called once, on the control plane.
  std::function<void(const observe::RefusalFilter&, std::move_only_function<void(Elsewhere)> done)> refusals_elsewhere =
      {};
  bool development = false;                     // refusals carry the operator's text
  std::vector<observe::HealthCheck> live = {};  // in addition to the loops
  std::vector<observe::HealthCheck> ready = {}; // in addition to `accepting`: stores, auth service, key set, …
  Upkeep upkeep = {};
  std::string identity = {};    // `external`: nobody logs in here; for the page
  std::string sign_in_url = {}; // where they sign in, if not here
  // Called when an API key is rejected; may be empty. Any thread.
  OnRefusal on_refusal = {};
};

// /health*, /metrics and /api/upkeep (with the API key), /causes*, and with a gateway /api/refusals.
[[nodiscard]] std::vector<Route> operator_routes(const ApiDeps& deps);
// /metrics and /health* without a credential, for a separate listener.
[[nodiscard]] std::vector<Route> metrics_listener_routes(const ApiDeps& deps);
// The pages of web/: "/" and what it loads.
[[nodiscard]] std::vector<Route> web_routes();

// The parts, for separate use.
[[nodiscard]] std::vector<Route> health_routes(const ApiDeps& deps);
[[nodiscard]] std::span<const Operation> health_operations();
[[nodiscard]] std::span<const NamedSchema> health_schemas();
[[nodiscard]] Route metrics_route(const ApiDeps& deps, bool with_key);
// GET: the state; POST: `{"now":true}` lets deletion by age continue at once, and returns the state before.
[[nodiscard]] std::vector<Route> upkeep_routes(const ApiDeps& deps);
// Of all nodes. A reference that this node knows is not asked elsewhere.
[[nodiscard]] Route refusals_route(const ApiDeps& deps);
// What one node asks another, and answers, about refusals.
[[nodiscard]] std::string refusals_question(const observe::RefusalFilter& filter);
[[nodiscard]] std::optional<observe::RefusalFilter> read_refusals_question(std::string_view question);
[[nodiscard]] std::string refusals_body(
    const observe::GatewayInfo& gateway, const observe::RefusalFilter& filter, std::string_view node);
[[nodiscard]] std::vector<Route> causes_routes(const ApiDeps& deps);

} // namespace foyer::admin
