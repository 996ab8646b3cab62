#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

json::Object to_json(const observe::RefusalRecord& record, std::string_view node) {
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
  if (!node.empty()) row["node"] = node;
  return row;
}

json::Array rows_of(const observe::GatewayInfo& gateway, const observe::RefusalFilter& filter, std::string_view node) {
  json::Array rows;
  for (const auto& record : gateway.refusals(filter)) rows.push_back(to_json(record, node));
  return rows;
}

json::Array newest_first(json::Array rows) {
  std::vector<std::pair<std::string, std::size_t>> order; // by time, RFC 3339 in UTC, then as they came
  for (const json::Value& row : rows)
    order.emplace_back(json::get_string(row.get_object(), "time").value_or(""), order.size());
  std::ranges::sort(
      order, [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  json::Array out;
  for (const auto& [time, index] : order) out.push_back(std::move(rows[index]));
  return out;
}

// All rows, the newest first, at most as many as were asked for.
json::Object of_all(json::Array rows, Elsewhere elsewhere, std::size_t limit) {
  for (const std::string& body : elsewhere.bodies) {
    auto read = json::parse(body);
    json::Value* more = read && read->is_object() ? read->as_object().if_contains("refusals") : nullptr;
    if (more == nullptr || !more->is_array()) continue;
    for (json::Value& row : more->as_array())
      if (row.is_object()) rows.push_back(std::move(row));
  }
  if (!elsewhere.bodies.empty()) rows = newest_first(std::move(rows));
  if (rows.size() > limit) rows.resize(limit);
  json::Object body;
  body["refusals"] = std::move(rows);
  json::Array missing;
  for (std::string& node : elsewhere.missing) missing.push_back(json::Value(std::move(node)));
  if (!missing.empty()) body["missing_nodes"] = std::move(missing);
  return body;
}

} // namespace

std::string refusals_question(const observe::RefusalFilter& filter) {
  json::Object question{{"limit", filter.limit}};
  if (filter.ref) question["ref"] = filter.ref->view();
  if (filter.cause) question["code"] = code_of(*filter.cause);
  return json::write(question);
}

std::optional<observe::RefusalFilter> read_refusals_question(std::string_view question) {
  const auto read = json::parse(question);
  if (!read || !read->is_object()) return std::nullopt;
  observe::RefusalFilter filter;
  if (const auto ref = json::get_string(read->get_object(), "ref")) filter.ref = Ref(std::string(*ref));
  if (const auto code = json::get_string(read->get_object(), "code")) {
    filter.cause = find_cause(*code);
    if (!filter.cause) return std::nullopt; // of a later release
  }
  const auto limit = json::get_int(read->get_object(), "limit");
  if (!limit || *limit < 1) return std::nullopt;
  filter.limit = static_cast<std::size_t>(*limit);
  return filter;
}

std::string refusals_body(
    const observe::GatewayInfo& gateway, const observe::RefusalFilter& filter, std::string_view node) {
  json::Object body;
  body["refusals"] = rows_of(gateway, filter, node);
  return json::write(body);
}

Route refusals_route(const ApiDeps& deps) {
  return {"GET", "/api/refusals",
      [gateway = deps.gateway, node = deps.node, elsewhere = deps.refusals_elsewhere, key = ApiKey(deps.api_key),
          development = deps.development, on_refusal = deps.on_refusal](const Request& request, Reply reply) {
    if (auto refusal = key.check(request)) {
      if (on_refusal) on_refusal(request, *refusal);
      return reply(wire::problem(*refusal, request.ref, development));
    }
    const auto filter = read_filter(request);
    if (!filter) return reply(wire::problem(filter.error(), request.ref, development));
    json::Array rows = rows_of(*gateway, *filter, node);
    if (!elsewhere || (filter->ref && !rows.empty()))
      return reply(json_response(200, json::write(of_all(std::move(rows), {}, filter->limit))));
    elsewhere(
        *filter, [rows = std::move(rows), limit = filter->limit, reply = std::move(reply)](Elsewhere said) mutable {
      reply(json_response(200, json::write(of_all(std::move(rows), std::move(said), limit))));
    });
  }};
}

} // namespace foyer::admin
