#include "app/asked_application.h"

#include "app/environment.h"
#include "client/outgoing.h"
#include "config/preflight_ask.h"

namespace foyer::app {

Result<std::unique_ptr<asking::Asker>> make_asker(const config::Config& config, const Environment& environment) {
  if (config.asks.empty() || !config.role_gateway) return nullptr;
  std::vector<asking::Server> servers;
  for (const asking::Table& table : config.asks) {
    TRY(key, config::ask_key(table, config::system_files()));
    TRY(server,
        client::outgoing(table.url, client::UrlSource::operator_,
            {.tls = {.ca_file = table.ca_file}, .connections = asking::kConnections, .waiting = asking::kQuestions}));
    server.pool.idle_timeout = asking::kIdleConnection;
    servers.push_back({.table = table,
        .target = std::move(server.target),
        .key = std::move(key),
        .transport = environment.connect(std::move(server.pool))});
  }
  return std::make_unique<asking::Asker>(asking::AskerDeps{.clock = environment.clock,
                                             .entropy = environment.entropy,
                                             .log = environment.log,
                                             .metrics = environment.metrics,
                                             .control = environment.control,
                                             .user_agent = "foyer/" + environment.build.version},
      std::move(servers));
}

std::vector<observe::HealthCheck> ask_checks(const asking::Asker* asker, const config::Config& config) {
  std::vector<observe::HealthCheck> out;
  if (asker == nullptr) return out;
  for (std::size_t i = 0; i < config.asks.size(); ++i)
    out.push_back({.name = "ask_" + config.asks[i].name, .needed = false, .read = [asker, i] {
      const auto status = asker->status().at(i);
      if (status.breaker.state == auth::BreakerStatus::State::closed) return observe::HealthState::ok();
      const auto& faults = status.breaker.faults;
      return observe::HealthState::failing(
          std::string(faults.empty() ? code_of(Cause::APP_UNAVAILABLE) : faults.back().code()));
    }});
  return out;
}

} // namespace foyer::app
