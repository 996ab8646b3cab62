#include "app/server.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "access/endings.h"
#include "access/idempotent_calls.h"
#include "access/key_ring.h"
#include "accounts/http/operations.h"
#include "admin/openapi.h"
#include "admin/routes.h"
#include "api/openapi.h"
#include "api/server_api.h"
#include "app/api_keys.h"
#include "app/asked_application.h"
#include "app/auth_role.h"
#include "app/elsewhere.h"
#include "app/limits.h"
#include "app/no_accounts.h"
#include "app/policies.h"
#include "app/remote_auth.h"
#include "app/service_tokens.h"
#include "app/trusted_issuers.h"
#include "app/user_ids.h"
#include "app/webhooks.h"
#include "auth/revocation_table.h"
#include "base/limit_metrics.h"
#include "gateway/gateway.h"
#include "gateway/no_rooms.h"
#include "http/server.h"
#include "observe/refusals.h"

namespace foyer::app {
namespace {

constexpr Millis kReportPeriod{10'000};

} // namespace

struct Server::Parts {
  Parts(config::Config c, Environment e) : config(std::move(c)), around(std::move(e)) {}

  const config::Config config;
  Environment around;
  std::unique_ptr<engine::ChatStore> chat = std::move(around.chat); // with the gateway role
  std::unique_ptr<Webhooks> webhooks;                               // likewise
  std::unique_ptr<asking::Application> application;                 // null: none is asked
  const asking::Asker* asker = nullptr;                             // it, for [[ask]]
  std::unique_ptr<AuthPart> auth;
  std::unique_ptr<TrustedIssuers> issuers; // of all tokens; before `auth` ends
  auth::RevocationTable revocations{revocation_policy(config), revocation_sources(config)};
  std::unique_ptr<access::Endings> endings; // with the gateway role
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, around.metrics, around.log, around.clock};
  Limits limits{config, around.entropy, around.metrics};
  const admission::DoorPolicy router_door = door_policy(config); // used by the routers
  const http::Policy policy = http_policy(config);
  // The operator's API is built before the server and the gateway that it reads.
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
    [[nodiscard]] bool draining() const override { return parts.server->draining(); }
    [[nodiscard]] bool loops_turn() const override { return parts.server->loops_turn(); }
  } info{*this};
  std::unique_ptr<access::KeyRing> key_ring; // these five with the gateway role
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
  [[nodiscard]] std::unique_ptr<protocol::ClientCodec> codec() const; // that clients speak
  [[nodiscard]] http::RouterPolicy router_policy();
  [[nodiscard]] std::vector<admin::Described> described();
  [[nodiscard]] std::vector<Route> routes();
  [[nodiscard]] std::vector<http::UpgradeHandler*> upgrades(const http::Deps& deps);
  [[nodiscard]] gateway::GatewayDeps gateway_deps();
  [[nodiscard]] std::function<void(std::string, Completion<bool>)> refresh_keys();
  [[nodiscard]] http::Deps http_deps(
      const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts);
  [[nodiscard]] admin::ApiDeps api_deps();
  [[nodiscard]] admin::Upkeep upkeep();
  [[nodiscard]] api::ApiDeps server_api_deps();
};

void Server::Parts::refused(const Request& request, const Refusal& refusal) {
  limits.addresses.refused(request.address, refusal.cause, around.clock.mono());
  reporter.report(request, refusal);
}

std::unique_ptr<protocol::ClientCodec> Server::Parts::codec() const {
  if (around.codec) return around.codec();
  return std::make_unique<protocol::FoyerV1>(welcome_constants(config, around.build));
}

Result<void> Server::Parts::make_auth() {
  if (around.auth) {
    auth = std::move(around.auth);
  } else if (config.identity == config::IdentityMode::external) {
    auth = std::make_unique<NoAccounts>(config, around);
  } else if (config.role_auth) {
    TRY(role, AuthRole::make(config, around));
    auth = std::move(role);
  } else {
    TRY(remote, RemoteAuth::make(config, around));
    auth = std::move(remote);
  }
  TRY(made, TrustedIssuers::make(config, around, auth->verifier()));
  issuers = std::move(made);
  return {};
}

Result<void> Server::Parts::make_application() {
  application = std::move(around.application);
  if (application) return {};
  TRY(made, make_asker(config, around));
  asker = made.get();
  application = std::move(made);
  return {};
}

http::Deps Server::Parts::http_deps(
    const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts) {
  return {.clock = around.clock,
      .entropy = around.entropy,
      .log = around.log,
      .metrics = around.metrics,
      .router = r,
      .reporter = reporter,
      .addresses = by_address,
      .plain_gets = limits.plain_gets,
      .limits = counts,
      .control = around.control};
}

gateway::GatewayDeps Server::Parts::gateway_deps() {
  return {.clock = around.clock,
      .entropy = around.entropy,
      .log = around.log,
      .metrics = around.metrics,
      .room_log = chat.get(),
      .directory = chat.get(),
      .auth_service = auth->service(),
      .verifier = issuers->issuers(),
      .revocations = revocations,
      .router = *router,
      .reporter = reporter,
      .addresses = limits.addresses,
      .users = limits.users,
      .gauges = limits.connections,
      .control = around.control,
      .codec = [this] { return codec(); },
      .refresh_keys = refresh_keys(),
      .application = application.get()};
}

// By the issuer that the token names. Empty: the keys are this process's own.
std::function<void(std::string, Completion<bool>)> Server::Parts::refresh_keys() {
  auto own = auth->refresh_keys();
  if (config.issuers.empty() && !own) return {};
  return [own = std::move(own), trusted = issuers->refresh()](const std::string& token, Completion<bool> done) {
    if (trusted(token, done)) return;
    if (own) return own(std::move(done));
    done(false);
  };
}

admin::ApiDeps Server::Parts::api_deps() {
  std::vector<observe::HealthCheck> ready;
  if (chat)
    ready.push_back(
        {.name = "chat_store", .needed = true, .read = [this] { return observe::state_of(chat->probe()); }});
  std::ranges::move(auth->ready(), std::back_inserter(ready));
  std::ranges::move(issuers->ready(), std::back_inserter(ready));
  std::ranges::move(ask_checks(asker, config), std::back_inserter(ready));
  if (config.role_gateway)
    ready.push_back({.name = "revocations", .needed = true, .read = [this] {
      return revocations.current(around.clock.mono())
          ? observe::HealthState::ok()
          : observe::HealthState::unknown(std::string(code_of(Cause::REVOCATION_UNCHECKED)));
    }});
  std::ranges::copy(around.ready, std::back_inserter(ready));
  return {.build = around.build,
      .clock = around.clock,
      .metrics = around.metrics,
      .gateway = &info,
      .api_key = config.api_key,
      .development = config.gateway.door.reveal,
      .live = {},
      .ready = std::move(ready),
      .upkeep = upkeep(),
      .identity = config.identity == config::IdentityMode::external ? "external" : "",
      .sign_in_url = config.sign_in_url,
      .on_refusal = on_refusal()};
}

admin::Upkeep Server::Parts::upkeep() {
  const auto state = [this] {
    std::vector<admin::UpkeepRow> rows;
    for (const auto& s : {auth->upkeep_state(), chat ? chat->upkeep_state() : std::nullopt}) {
      if (!s) continue;
      const bool waits = s->doubt != store::ClockDoubt::none;
      rows.push_back({.store = s->store,
          .waits = waits,
          .doubt = waits ? std::string(to_string(s->doubt)) : std::string{},
          .off_s = std::chrono::floor<std::chrono::seconds>(s->off).count(),
          .left_s = std::chrono::ceil<std::chrono::seconds>(s->left).count()});
    }
    return rows;
  };
  const auto now = [this] {
    auth->upkeep_now();
    if (chat) chat->upkeep_now();
  };
  return {.state = state, .now = now};
}

api::ApiDeps Server::Parts::server_api_deps() {
  return {.context = {.rooms = gateway->rooms(),
              .clients = gateway->clients(),
              .directory = *chat,
              .clock = around.clock,
              .build = around.build,
              .info = info,
              .node = around.entropy.short_id(),
              .text_bytes = config.gateway.text_bytes,
              .users = user_ids(config),
              .calls = *calls,
              .endings = *endings,
              .account_lines =
                  [this](UserId user, Completion<std::string> done) {
    auth->account_lines(std::move(user), std::move(done));
  }},
      .keys = *api_keys,
      .metrics = around.metrics,
      .log = around.log,
      .requests_per_s = config.api_requests_per_s,
      .requests_burst = config.api_requests_burst,
      .development = config.gateway.door.reveal,
      .on_refusal = on_refusal(),
      .on_error = [this](const Request& request, const Refusal& refusal) { reporter.report(request, refusal); }};
}

void Server::Parts::report_limits() {
  Metrics& metrics = around.metrics;
  if (chat)
    report_limit(metrics, "store_queue", static_cast<double>(config.store.queue_limit),
        [&queue =
                metrics.gauge("foyer_store_queue", "Jobs waiting for the writer of a database.", {{"store", "chat"}})] {
      return static_cast<double>(queue.value()); // the writer's own instrument
    });
  report_limit(metrics, "revocation_table", static_cast<double>(auth::RevocationPolicy{}.table_size),
      [this] { return static_cast<double>(revocations.size()); });
  report_limit(
      metrics, "refusal_ring", observe::RefusalRing::kInAll, [this] { return static_cast<double>(ring.size()); });
}

http::RouterPolicy Server::Parts::router_policy() {
  return {.door = &router_door,
      .version = around.build.version,
      .build = around.build.build,
      .strict_transport = config.environment == config::Environment::production,
      .on_refusal = on_refusal()};
}

// The accounts are described wherever they answer, here or through the gateway.
std::vector<admin::Described> Server::Parts::described() {
  std::vector<admin::Described> out{{.operations = admin::health_operations(), .schemas = admin::health_schemas()}};
  if (config.identity != config::IdentityMode::external)
    out.push_back({.operations = accounts::operations(), .schemas = accounts::schemas()});
  if (config.role_gateway)
    out.push_back({.paths = api::described_paths(user_ids(config)), .components = api::described_components()});
  return out;
}

std::vector<Route> Server::Parts::routes() {
  std::vector<Route> all = admin::operator_routes(api_deps());
  const auto add = [&all](std::vector<Route> more) { std::ranges::move(more, std::back_inserter(all)); };
  add(own_accounts_only(config, auth->routes(on_refusal()), on_refusal()));
  all.push_back(admin::openapi_route(admin::openapi(
      described(), {.version = around.build.version, .server = config.base_path.empty() ? "/" : config.base_path})));
  if (config.role_gateway) {
    all.push_back({"GET", "/rooms/{room}/messages/{offset}",
        [this](Request request, Reply reply) { gateway->message(std::move(request), std::move(reply)); }});
    add(api::routes([this]() -> const api::ServerApi& { return *api; }));
  }
  auto pages = admin::web_routes();
  // Without the gateway there is no page but those of the causes.
  if (!config.role_gateway)
    std::erase_if(pages, [](const Route& route) { return route.path != "/style.css" && route.path != "/icon.svg"; });
  add(std::move(pages));
  return all;
}

void Server::Parts::make_gateway() {
  gateway::GatewayDeps deps = gateway_deps();
  if (webhooks) webhooks->hear(deps);
  const rooms::RoomPolicy& rooms = config.gateway.rooms;
  gateway =
      std::make_unique<gateway::Gateway>(around.loops, gateway_policy(config, around.loops.size()), std::move(deps));
  key_ring = std::make_unique<access::KeyRing>(
      chat->api_keys(), access::KeyRingPolicy{}, around.control, around.clock, around.metrics, around.log);
  calls = std::make_unique<access::IdempotentCalls>(chat->calls(), around.control, around.clock, around.metrics);
  service_tokens = std::make_unique<ServiceTokens>(*auth, revocations, around.clock, around.control);
  api_keys = std::make_unique<ApiKeys>(config.api_key, *key_ring, *service_tokens);
  api = std::make_unique<api::ServerApi>(server_api_deps());
  report_limit(around.metrics, "rooms_loaded", static_cast<double>(rooms.rooms_loaded),
      [this] { return static_cast<double>(gateway->rooms_loaded()); });
  report_limit(around.metrics, "memory_bytes", static_cast<double>(rooms.memory_bytes),
      [this] { return static_cast<double>(gateway->memory_bytes()); });
}

void Server::Parts::make_endings() {
  access::EndingsDeps deps{.store = chat->endings(),
      .table = revocations,
      .control = around.control,
      .clock = around.clock,
      .changed = [this] {
    if (gateway) gateway->revocations_changed();
  }};
  if (webhooks) webhooks->hear(deps);
  endings = std::make_unique<access::Endings>(std::move(deps));
}

std::vector<http::UpgradeHandler*> Server::Parts::upgrades(const http::Deps& deps) {
  if (gateway) return gateway->upgrades();
  std::vector<http::UpgradeHandler*> out;
  for (io::Loop* loop : around.loops)
    out.push_back(no_rooms.emplace_back(std::make_unique<gateway::NoRooms>(*loop, policy, deps, codec())).get());
  return out;
}

void Server::Parts::make_server() {
  router = std::make_unique<http::Router>(routes(), router_policy());
  if (config.role_gateway) {
    make_endings();
    make_gateway();
  }
  const http::Deps deps = http_deps(*router, limits.addresses, limits.connections);
  server = std::make_unique<http::Server>(around.loops, upgrades(deps), policy, deps);
}

void Server::Parts::make_metrics_server() {
  if (config.metrics_listen.empty()) return;
  metrics_router = std::make_unique<http::Router>(admin::metrics_listener_routes(api_deps()), router_policy());
  metrics_server = std::make_unique<http::Server>(around.loops, std::vector<http::UpgradeHandler*>{}, policy,
      http_deps(*metrics_router, limits.metrics_addresses, limits.metrics_connections));
}

void Server::Parts::make_webhooks() {
  if (!chat || !around.post) return;
  webhooks = std::make_unique<Webhooks>(*chat, around);
  webhooks->watch(limits.users);
}

Result<void> Server::Parts::build() {
  make_webhooks(); // first: the auth role takes the seal key
  TRY_VOID(make_application());
  TRY_VOID(make_auth());
  report_limits();
  make_server();
  make_metrics_server();
  return {};
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::build(config::Config config, Environment environment) {
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(std::move(config), std::move(environment))));
  TRY_VOID(server->parts_->build());
  return server;
}

void Server::start(Completion<bool> ready) {
  Parts& p = *parts_;
  p.around.control.every(kReportPeriod, [&p] { p.reporter.flush(); });
  p.issuers->start();
  p.auth->start([&p, ready = std::move(ready)](Result<bool> started) mutable {
    if (!started || !p.gateway) return ready(std::move(started));
    p.gateway->watch_store();
    p.gateway->watch_revocations();
    if (p.webhooks) p.webhooks->start();
    p.key_ring->start();
    p.endings->start([ready = std::move(ready)](const Result<bool>&) mutable { ready(true); });
  });
}

void Server::await_first_synchronisation(Millis at_most) {
  Parts& p = *parts_;
  if (!p.gateway) return;
  const MonoTime until = p.around.clock.mono() + at_most;
  const auto left = [&] {
    return std::max(Millis{0}, std::chrono::duration_cast<Millis>(until - p.around.clock.mono()));
  };
  const bool revocations_known = p.revocations.wait_for_first(left());
  const bool keys_known = p.auth->wait_for_keys(left());
  p.issuers->wait_for_keys(left());
  if (revocations_known && keys_known) return;
  p.around.log.warning("not_synchronised", "The auth service has not answered yet. Clients are refused until it does.",
      {{"revocations", revocations_known}, {"keys", keys_known},
          {"next", "Check the auth service; this process continues by itself when it answers."}});
}

io::AcceptFunction Server::accept_function(std::size_t loop) {
  return parts_->server->accept_function(static_cast<std::uint8_t>(loop));
}

io::AcceptFunction Server::metrics_accept_function(std::size_t loop) {
  return parts_->metrics_server->accept_function(static_cast<std::uint8_t>(loop));
}

Ref Server::refused(const Refusal& refusal, std::string_view peer) {
  Ref ref{parts_->around.entropy.short_id()};
  parts_->limits.addresses.refused(peer, refusal.cause, parts_->around.clock.mono());
  parts_->reporter.report(ref, refusal, peer);
  return ref;
}

bool Server::trusts(std::string_view peer) const { return parts_->policy.trusted_proxies.covers(peer); }

std::uint64_t Server::sockets() const { return parts_->info.connections(); }

const admission::ConnectionLimits& Server::connections() const { return parts_->limits.connections; }

gateway::Clients* Server::clients() { return parts_->gateway ? &parts_->gateway->clients() : nullptr; }
rooms::RoomService* Server::rooms() { return parts_->gateway ? &parts_->gateway->rooms() : nullptr; }

bool Server::reload() {
  const bool own = parts_->auth->reload();
  return parts_->issuers->reload() || own;
}

void Server::drain(std::function<void()> done) {
  parts_->auth->drain();
  if (!parts_->gateway) return parts_->server->drain(std::move(done));
  const auto left = std::make_shared<std::atomic<int>>(2);
  const auto one_empty = [left, done = std::move(done)] {
    if (left->fetch_sub(1) == 1) done();
  };
  parts_->server->drain(one_empty);
  parts_->gateway->drain(one_empty);
}

void Server::when_empty(std::function<void()> done) {
  parts_->server->when_empty([gateway = parts_->gateway.get(), done = std::move(done)] {
    if (!gateway) return done();
    gateway->when_empty(done);
  });
}

void Server::stop() {
  Parts& p = *parts_;
  if (!p.server) return;
  p.application.reset();
  if (p.chat) p.chat->close();
  p.reporter.flush();
  p.metrics_server.reset();
  p.server.reset();
  p.gateway.reset();
  p.api.reset();
  p.no_rooms.clear();
  p.issuers.reset();
  p.auth.reset();
}

} // namespace foyer::app
