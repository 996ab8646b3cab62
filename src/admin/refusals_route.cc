#include <charconv>
#include <optional>

#include "admin/api_key.h"
#include "admin/routes.h"
#include "base/bytes.h"
#include "base/json.h"
#include "wire/problem.h"

namespace foyer::admin {
namespace {

constexpr std::size_t kMostAsked = 1000;

Result<observe::RefusalFilter> read_filter(const Request& request) {
  observe::RefusalFilter filter;
  if (auto ref = request.query_arg("ref"); ref && !ref->empty()) filter.ref = Ref(std::move(*ref));
  if (const auto code = request.query_arg("code"); code && !code->empty()) {
    filter.cause = find_cause(*code);
    if (!filter.cause) return refuse_field(Cause::BAD_REQUEST, "code", "no such code: " + printable(*code, 64));
  }
  if (const auto limit = request.query_arg("limit"); limit && !limit->empty()) {
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), filter.limit);
    if (error != std::errc{} || end != limit->data() + limit->size() || filter.limit == 0 || filter.limit > kMostAsked)
      return refuse_field(Cause::BAD_REQUEST, "limit", "not a number from 1 to 1000: " + printable(*limit, 64));
  }
  return filter;
}

json::Object to_json(const observe::RefusalRecord& record) {
  json::Object row;
  row["ref"] = record.ref.view();
  row["code"] = record.refusal.code();
  row["step"] = to_string(record.refusal.step());
  row["time"] = rfc3339(record.time);
  if (!record.user.empty()) row["user"] = printable(record.user);
  row["address"] = record.address;
  if (!record.origin.empty()) row["origin"] = printable(record.origin);
  row["path"] = printable(record.path);
  row["operator"] = record.refusal.operator_text();
  row["next"] = record.refusal.next_step();
  json::Array steps;
  for (std::size_t i = 0; i < kStepCount; ++i) {
    const auto spent = record.times.spent[i];
    if (spent.count() < 0) continue;
    steps.push_back(
        json::Object{{"step", to_string(static_cast<Step>(i))}, {"ms", static_cast<double>(spent.count()) / 1e6}});
  }
  row["steps"] = std::move(steps);
  row["count"] = record.count;
  return row;
}

} // namespace

Route refusals_route(const ApiDeps& deps) {
  return {"GET", "/api/refusals",
      [gateway = deps.gateway, key = ApiKey(deps.api_key), development = deps.development,
          on_refusal = deps.on_refusal](const Request& request, Reply reply) {
    if (auto refusal = key.check(request)) {
      if (on_refusal) on_refusal(request, *refusal);
      return reply(wire::problem(*refusal, request.ref, development));
    }
    const auto filter = read_filter(request);
    if (!filter) return reply(wire::problem(filter.error(), request.ref, development));
    json::Array rows;
    for (const auto& record : gateway->refusals(*filter)) rows.push_back(to_json(record));
    json::Object body;
    body["refusals"] = std::move(rows);
    reply(json_response(200, json::write(body)));
  }};
}

} // namespace foyer::admin
