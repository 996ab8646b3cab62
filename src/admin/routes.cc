#include "admin/routes.h"

#include "admin/web_assets.h"

namespace foyer::admin {
namespace {

void append(std::vector<Route>& to, std::vector<Route> from) {
  for (Route& route : from) to.push_back(std::move(route));
}

bool is_template(const WebAsset& asset) { return asset.path == "/cause.html"; }

// The client library, which pages of any application may load. Where they may connect from is decided at the door.
bool is_client(const WebAsset& asset) { return asset.path == "/foyer-client.mjs" || asset.path.starts_with("/core/"); }

Route asset_route(const WebAsset& asset) {
  return {"GET", std::string(asset.path), [&asset](const Request& request, Reply reply) {
    Response response;
    response.headers.add("ETag", std::string(asset.etag));
    response.headers.add("Cache-Control", "no-cache"); // a page and its modules must be of one version
    if (is_client(asset)) response.headers.add("Access-Control-Allow-Origin", "*");
    const std::string* known = request.headers.find("If-None-Match");
    if (known != nullptr && known->find(asset.etag) != std::string::npos) {
      response.status = 304;
    } else {
      response.headers.add("Content-Type", std::string(asset.content_type));
      response.body = asset.bytes;
    }
    reply(std::move(response));
  }};
}

} // namespace

std::vector<Route> operator_routes(const ApiDeps& deps) {
  std::vector<Route> routes = health_routes(deps);
  routes.push_back(metrics_route(deps, true));
  append(routes, causes_routes(deps));
  append(routes, upkeep_routes(deps));
  if (deps.gateway != nullptr) routes.push_back(refusals_route(deps));
  return routes;
}

std::vector<Route> metrics_listener_routes(const ApiDeps& deps) {
  std::vector<Route> routes = health_routes(deps);
  routes.push_back(metrics_route(deps, false));
  return routes;
}

std::vector<Route> web_routes() {
  std::vector<Route> routes;
  for (const WebAsset& asset : web_assets())
    if (!is_template(asset)) routes.push_back(asset_route(asset));
  return routes;
}

} // namespace foyer::admin
