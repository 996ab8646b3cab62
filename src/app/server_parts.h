// What a server is made of, in the order in which it is built. server_parts.cc makes the parts; server.cc, the only
// other file that includes this, runs them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "access/endings.h"
#include "access/idempotent_calls.h"
#include "access/key_ring.h"
#include "admin/openapi.h"
#include "admin/routes.h"
#include "api/server_api.h"
#include "app/api_keys.h"
#include "app/asked_application.h"
#include "app/auth_part.h"
#include "app/environment.h"
#include "app/limits.h"
#include "app/policies.h"
#include "app/server.h"
#include "app/service_tokens.h"
#include "app/trusted_issuers.h"
#include "app/user_limit.h"
#include "app/webhooks.h"
#include "auth/revocation_table.h"
#include "gateway/gateway.h"
#include "gateway/no_rooms.h"
#include "http/server.h"
#include "observe/refusals.h"

namespace foyer::app {

struct Server::Parts {
  Parts(config::Config c, Environment e) : config(std::move(c)), environment(std::move(e)) {}

  const config::Config config;
  Environment environment;
  std::unique_ptr<engine::ChatStore> chat = std::move(environment.chat); // with the gateway role
  std::unique_ptr<Webhooks> webhooks;               // with the gateway role, if the environment can post
  std::unique_ptr<asking::Application> application; // null: no application is asked
  const asking::Asker* asker = nullptr;             // the same, if it was made from [[ask]]
  std::unique_ptr<AuthPart> auth;
  std::unique_ptr<TrustedIssuers> issuers; // destroyed before `auth`
  auth::RevocationTable revocations{revocation_policy(config), revocation_sources(config)};
  std::unique_ptr<access::Endings> endings; // with the gateway role
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, environment.metrics, environment.log, environment.clock};
  Limits limits{config, environment.entropy, environment.metrics};
  std::shared_ptr<UserLimit> user_limit;                         // over all nodes; null: there is one
  const admission::DoorPolicy router_door = door_policy(config); // for the routers
  const http::Policy policy = http_policy(config);
  // What the operator's API reads. The API is built before the server and the gateway.
  struct Info final : observe::GatewayInfo {
    explicit Info(const Parts& p) : parts(p) {}
    const Parts& parts;
    [[nodiscard]] std::vector<observe::RefusalRecord> refusals(const observe::RefusalFilter& f) const override {
      return parts.ring.find(f);
    }
    [[nodiscard]] std::uint64_t connections() const override {
      return parts.gateway ? parts.gateway->connections() : 0;
    }
    [[nodiscard]] std::uint64_t users() const override { return parts.limits.users.users(); }
    [[nodiscard]] bool draining() const override { return parts.leaving || parts.server->draining(); }
    [[nodiscard]] bool loops_turn() const override { return parts.server->loops_turn(); }
  } info{*this};
  std::atomic<bool> leaving{false};          // a drain is about to begin
  std::unique_ptr<access::KeyRing> key_ring; // these five: with the gateway role
  std::unique_ptr<ServiceTokens> service_tokens;
  std::unique_ptr<access::IdempotentCalls> calls;
  std::unique_ptr<ApiKeys> api_keys;
  std::unique_ptr<api::ServerApi> api;
  std::unique_ptr<http::Router> router, metrics_router;
  std::unique_ptr<gateway::Gateway> gateway;               // with the gateway role
  std::vector<std::unique_ptr<gateway::NoRooms>> no_rooms; // without it: one for each loop
  std::unique_ptr<http::Server> server, metrics_server;

  Result<void> build();
  Result<void> make_auth();
  Result<void> make_application();
  void make_endings();
  void make_gateway();
  void make_webhooks();
  void make_server();
  void make_metrics_server();
  void report_limits();
  void refused(const Request& request, const Refusal& refusal);
  [[nodiscard]] OnRefusal on_refusal() {
    return [this](const Request& request, const Refusal& refusal) { refused(request, refusal); };
  }
  [[nodiscard]] std::unique_ptr<protocol::ClientCodec> codec() const; // of the dialect that clients speak
  [[nodiscard]] http::RouterPolicy router_policy();
  [[nodiscard]] std::optional<Refusal> refusal_of_doctor(std::string_view token); // nullopt: it is one
  [[nodiscard]] std::vector<admin::Described> described();
  [[nodiscard]] std::vector<Route> routes();
  [[nodiscard]] std::vector<http::UpgradeHandler*> upgrades(const http::Deps& deps);
  [[nodiscard]] gateway::GatewayDeps gateway_deps();
  [[nodiscard]] std::function<void(std::string, Completion<bool>)> refresh_keys();
  [[nodiscard]] http::Deps http_deps(
      const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts);
  [[nodiscard]] admin::ApiDeps api_deps();
  [[nodiscard]] std::string node_name() const; // of several; empty: there is one
  [[nodiscard]] std::function<void(const observe::RefusalFilter&, std::move_only_function<void(admin::Elsewhere)>)>
  refusals_elsewhere() const;
  void answer_others(); // who ask about refusals
  void share_user_limit();
  [[nodiscard]] admin::Upkeep upkeep();
  [[nodiscard]] api::ApiDeps server_api_deps();
};

} // namespace foyer::app
