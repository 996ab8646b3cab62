#include <memory>
#include <span>

#include "admin/routes.h"

namespace foyer::admin {
namespace {

std::vector<observe::HealthCheck> live_checks(const ApiDeps& deps) {
  std::vector<observe::HealthCheck> checks = deps.live;
  if (const auto* gateway = deps.gateway)
    checks.push_back({"loops", true, [gateway] {
      return gateway->loops_turn() ? observe::HealthState::ok() : observe::HealthState::failing("NOT_READY");
    }});
  return checks;
}

std::vector<observe::HealthCheck> ready_checks(const ApiDeps& deps) {
  std::vector<observe::HealthCheck> checks = deps.ready;
  if (const auto* gateway = deps.gateway)
    checks.push_back({"accepting", true, [gateway] {
      return gateway->draining() ? observe::HealthState::failing("DRAINING") : observe::HealthState::ok();
    }});
  return checks;
}

// Shared by the three routes, which may outlive the ApiDeps they came from.
struct Boards {
  explicit Boards(const ApiDeps& deps)
      : live(live_checks(deps), deps.clock),
        ready(ready_checks(deps), deps.clock),
        build(deps.build),
        identity(deps.identity),
        sign_in_url(deps.sign_in_url),
        clock(deps.clock) {}
  observe::HealthBoard live;
  observe::HealthBoard ready;
  observe::BuildInfo build;
  std::string identity, sign_in_url;
  const Clock& clock;
};

Response answer(observe::HealthBoard::Status status, json::Object body) {
  Response response = json_response(status == observe::HealthBoard::Status::failing ? 503 : 200, json::write(body));
  response.headers.add("Cache-Control", "no-store");
  return response;
}

Response one(observe::HealthBoard& board) {
  observe::HealthBoard::Report report = board.read();
  json::Object body;
  body["status"] = to_string(report.status);
  body["checks"] = std::move(report.checks);
  return answer(report.status, std::move(body));
}

Response both(Boards& boards) {
  observe::HealthBoard::Report live = boards.live.read();
  observe::HealthBoard::Report ready = boards.ready.read();
  const auto status = std::max(live.status, ready.status);
  for (const auto& check : live.checks) ready.checks[check.key()] = check.value();
  json::Object body;
  body["status"] = to_string(status);
  body["checks"] = std::move(ready.checks);
  body["version"] = boards.build.version;
  body["build"] = boards.build.build;
  body["environment"] = boards.build.environment;
  body["uptime_s"] = std::chrono::floor<std::chrono::seconds>(boards.clock.mono() - boards.build.started).count();
  body["config"] = boards.build.config;
  if (!boards.identity.empty()) body["identity"] = boards.identity;
  if (!boards.sign_in_url.empty()) body["sign_in_url"] = boards.sign_in_url;
  return answer(status, std::move(body));
}

} // namespace

std::span<const Operation> health_operations() {
  static const std::vector<Operation> kOperations = [] {
    std::vector<Operation> out;
    const auto add = [&out](std::string_view path, std::string_view summary, std::string_view schema) {
      out.push_back({.method = "GET",
          .path = path,
          .tag = "health",
          .summary = summary,
          .answers = {{200, "It can; or degraded: something is wrong that it can do without.", schema},
              {503, "It cannot.", schema}}});
    };
    add("/health/live", "Do the event loops turn?", "Health");
    add("/health/ready", "Can this process serve?", "Health");
    add("/health", "Both, with version, build and uptime", "HealthReport");
    return out;
  }();
  return kOperations;
}

std::span<const NamedSchema> health_schemas() {
  static constexpr NamedSchema kSchemas[] = {
      {"Health", R"({"type":"object","required":["status","checks"],"properties":{
        "status":{"enum":["ok","degraded","failing"]},"checks":{"type":"object","additionalProperties":{
        "type":"object","required":["status","since"],"properties":{"status":{"enum":["unknown","ok","failing"]},
        "code":{"type":"string"},"detail":{"type":"string"},"since":{"type":"string","format":"date-time"}}}}}})"},
      {"HealthReport", R"({"allOf":[{"$ref":"#/components/schemas/Health"},{"type":"object",
        "required":["version","build","environment","uptime_s","config"],"properties":{"version":{"type":"string"},
        "build":{"type":"string"},"environment":{"type":"string"},"uptime_s":{"type":"integer"},
        "config":{"type":"string"},
        "identity":{"const":"external"},"sign_in_url":{"type":"string"}}}]})"},
  };
  return kSchemas;
}

std::vector<Route> health_routes(const ApiDeps& deps) {
  auto boards = std::make_shared<Boards>(deps);
  return {
      {"GET", "/health/live", [boards](const Request&, Reply reply) { reply(one(boards->live)); }},
      {"GET", "/health/ready", [boards](const Request&, Reply reply) { reply(one(boards->ready)); }},
      {"GET", "/health", [boards](const Request&, Reply reply) { reply(both(*boards)); }},
  };
}

} // namespace foyer::admin
