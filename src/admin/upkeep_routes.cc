#include "admin/api_key.h"
#include "admin/routes.h"
#include "base/json.h"
#include "wire/problem.h"

namespace foyer::admin {
namespace {

json::Object to_json(const std::vector<UpkeepRow>& rows) {
  json::Array stores;
  for (const auto& row : rows) {
    json::Object one{{"store", row.store}, {"waits", row.waits}};
    if (row.waits) {
      one["doubt"] = row.doubt;
      one["off_s"] = row.off_s;
      one["left_s"] = row.left_s;
    }
    stores.push_back(std::move(one));
  }
  return json::Object{{"stores", std::move(stores)}};
}

Result<void> read_now(const Request& request) {
  const auto body = json::parse(request.body);
  const json::Object* object = body && body->is_object() ? &body->as_object() : nullptr;
  const json::Value* now = object == nullptr ? nullptr : object->if_contains("now");
  if (now == nullptr || object->size() != 1 || !now->is_bool() || !now->as_bool())
    return refuse_field(Cause::BAD_REQUEST, "now", "the body is not {\"now\":true}");
  return {};
}

} // namespace

std::vector<Route> upkeep_routes(const ApiDeps& deps) {
  const auto answer = [upkeep = deps.upkeep, key = ApiKey(deps.api_key), development = deps.development,
                          on_refusal = deps.on_refusal](const Request& request, bool changes) {
    if (auto refusal = key.check(request)) {
      if (on_refusal) on_refusal(request, *refusal);
      return wire::problem(*refusal, request.ref, development);
    }
    if (changes)
      if (const auto read = read_now(request); !read) return wire::problem(read.error(), request.ref, development);
    const json::Object body = to_json(upkeep.state ? upkeep.state() : std::vector<UpkeepRow>{});
    if (changes && upkeep.now) upkeep.now();
    return json_response(200, json::write(body));
  };
  return {{"GET", "/api/upkeep", [answer](const Request& request, Reply reply) { reply(answer(request, false)); }},
      {"POST", "/api/upkeep", [answer](const Request& request, Reply reply) { reply(answer(request, true)); }}};
}

} // namespace foyer::admin
