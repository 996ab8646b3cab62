#include "app/server_parts.h"

#include <algorithm>
#include <utility>

#include "accounts/http/operations.h"
#include "admission/mirror.h"
#include "api/openapi.h"
#include "app/auth_role.h"
#include "app/elsewhere.h"
#include "app/no_accounts.h"
#include "app/remote_auth.h"
#include "app/user_ids.h"
#include "base/limit_metrics.h"

namespace foyer::app {

void Server::Parts::refused(const Request& request, const Refusal& refusal) {
  limits.addresses.refused(request.address, refusal.cause, environment.clock.mono());
  reporter.report(request, refusal);
}

std::unique_ptr<protocol::ClientCodec> Server::Parts::codec() const {
  if (environment.codec) return environment.codec();
  return std::make_unique<protocol::FoyerV1>(welcome_constants(config, environment.build));
}

Result<void> Server::Parts::make_auth() {
  if (environment.auth) {
    auth = std::move(environment.auth);
  } else if (config.identity == config::IdentityMode::external) {
    auth = std::make_unique<NoAccounts>(config, environment);
  } else if (config.role_auth) {
    TRY(role, AuthRole::make(config, environment));
    auth = std::move(role);
  } else {
    TRY(remote, RemoteAuth::make(config, environment));
    auth = std::move(remote);
  }
  TRY(made, TrustedIssuers::make(config, environment, auth->verifier()));
  issuers = std::move(made);
  return {};
}

Result<void> Server::Parts::make_application() {
  application = std::move(environment.application);
  if (application) return {};
  TRY(made, make_asker(config, environment));
  asker = made.get();
  application = std::move(made);
  return {};
}

http::Deps Server::Parts::http_deps(
    const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts) {
  return {.clock = environment.clock,
      .entropy = environment.entropy,
      .log = environment.log,
      .metrics = environment.metrics,
      .router = r,
      .reporter = reporter,
      .addresses = by_address,
      .plain_gets = limits.plain_gets,
      .limits = counts,
      .control = environment.control};
}

gateway::GatewayDeps Server::Parts::gateway_deps() {
  return {.clock = environment.clock,
      .entropy = environment.entropy,
      .log = environment.log,
      .metrics = environment.metrics,
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
      .control = environment.control,
      .codec = [this] { return codec(); },
      .refresh_keys = refresh_keys(),
      .application = application.get(),
      .build = environment.build};
}

// Asks the issuer that the token names. Empty: all keys are this process's own.
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
      return revocations.current(environment.clock.mono())
          ? observe::HealthState::ok()
          : observe::HealthState::unknown(std::string(code_of(Cause::REVOCATION_UNCHECKED)));
    }});
  std::ranges::copy(environment.ready, std::back_inserter(ready));
  std::ranges::copy(environment.between.ready, std::back_inserter(ready));
  return {.build = environment.build,
      .clock = environment.clock,
      .metrics = environment.metrics,
      .gateway = &info,
      .api_key = config.api_key,
      .node = node_name(),
      .refusals_elsewhere = refusals_elsewhere(),
      .development = config.gateway.door.reveal,
      .live = {},
      .ready = std::move(ready),
      .upkeep = upkeep(),
      .identity = config.identity == config::IdentityMode::external ? "external" : "",
      .sign_in_url = config.sign_in_url,
      .on_refusal = on_refusal()};
}

std::string Server::Parts::node_name() const {
  const auto& questions = environment.between.questions;
  return questions ? questions->node().str() : std::string();
}

std::function<void(const observe::RefusalFilter&, std::move_only_function<void(admin::Elsewhere)>)> Server::Parts::
    refusals_elsewhere() const {
  if (!environment.between.questions) return {};
  return [questions = environment.between.questions](
             const observe::RefusalFilter& filter, std::move_only_function<void(admin::Elsewhere)> done) {
    questions->ask(engine::Question::refusals, {}, admin::refusals_question(filter),
        [done = std::move(done)](engine::NodeAnswers answers) mutable {
      admin::Elsewhere out;
      for (engine::NodeAnswer& answer : answers.given) out.bodies.push_back(std::move(answer.bytes));
      for (const engine::NodeId& node : answers.missing) out.missing.push_back(node.str());
      done(std::move(out));
    });
  };
}

void Server::Parts::answer_others() {
  environment.between.questions->answer(
      engine::Question::refusals, [this](std::string_view question, engine::NodeQuestions::Reply reply) {
    if (const auto filter = admin::read_refusals_question(question))
      reply(admin::refusals_body(info, *filter, node_name()));
  });
}

void Server::Parts::share_user_limit() {
  const auto nodes = [questions = environment.between.questions] {
    const auto others = questions->others();
    return others ? others->size() + 1 : std::size_t{1};
  };
  user_limit = std::make_shared<UserLimit>(
      UserLimit::Options{.limit = config.connections.per_user, .tick = config.cluster_tick, .nodes = nodes},
      limits.users, *environment.between.bus, environment.control, environment.clock);
  user_limit->start();
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
              .clients = gateway->all_clients(),
              .directory = *chat,
              .clock = environment.clock,
              .node = environment.entropy.short_id(),
              .text_bytes = config.gateway.text_bytes,
              .users = user_ids(config),
              .calls = *calls,
              .endings = *endings,
              .account_lines =
                  [this](UserId user, Completion<std::string> done) {
    auth->account_lines(std::move(user), std::move(done));
  }},
      .keys = *api_keys,
      .metrics = environment.metrics,
      .log = environment.log,
      .requests_per_s = config.api_requests_per_s,
      .requests_burst = config.api_requests_burst,
      .development = config.gateway.door.reveal,
      .on_refusal = on_refusal(),
      .on_error = [this](const Request& request, const Refusal& refusal) { reporter.report(request, refusal); }};
}

void Server::Parts::report_limits() {
  Metrics& metrics = environment.metrics;
  if (chat)
    report_limit(metrics, "store_queue", static_cast<double>(config.store.queue_limit),
        [&queue =
                metrics.gauge("foyer_store_queue", "Jobs waiting for the writer of a database.", {{"store", "chat"}})] {
      return static_cast<double>(queue.value()); // counted by the writer
    });
  report_limit(metrics, "revocation_table", static_cast<double>(auth::RevocationPolicy{}.table_size),
      [this] { return static_cast<double>(revocations.size()); });
  report_limit(
      metrics, "refusal_ring", observe::RefusalRing::kInAll, [this] { return static_cast<double>(ring.size()); });
}

http::RouterPolicy Server::Parts::router_policy() {
  return {.door = &router_door,
      .version = environment.build.version,
      .build = environment.build.build,
      .strict_transport = config.environment == config::Environment::production,
      .on_refusal = on_refusal(),
      .doctor = [this](std::string_view token) { return refusal_of_doctor(token); }};
}

std::optional<Refusal> Server::Parts::refusal_of_doctor(std::string_view token) {
  const auth::LocalVerifier* own = auth->verifier();
  if (own == nullptr) // identity = external
    return Refusal{.cause = Cause::NOT_AVAILABLE, .evidence = "a doctor's token is signed with a key of this server"};
  auto doctor = own->verify_service(token, admission::kDoctorTokenType, config.jwt_audience, environment.clock.wall());
  if (doctor) return std::nullopt;
  return std::move(doctor).error();
}

// The accounts are described in every process that answers for them, itself or by forwarding.
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
  all.push_back(admin::openapi_route(admin::openapi(described(),
      {.version = environment.build.version, .server = config.base_path.empty() ? "/" : config.base_path})));
  if (config.role_gateway) {
    all.push_back({"GET", "/rooms/{room}/messages/{offset}",
        [this](Request request, Reply reply) { gateway->message(std::move(request), std::move(reply)); }});
    add(api::routes([this]() -> const api::ServerApi& { return *api; }));
  }
  auto pages = admin::web_routes();
  // Without the gateway role the only pages are those of the causes.
  if (!config.role_gateway)
    std::erase_if(pages, [](const Route& route) { return route.path != "/style.css" && route.path != "/icon.svg"; });
  add(std::move(pages));
  return all;
}

void Server::Parts::make_gateway() {
  gateway::GatewayDeps deps = gateway_deps();
  if (webhooks) webhooks->watch(deps);
  const BetweenNodes& between = environment.between;
  if (between.fanout) deps.between = between.fanout;
  if (between.bus) deps.bus = between.bus;
  deps.node_name = node_name();
  deps.questions = between.questions;
  if (between.questions) {
    answer_others();
    share_user_limit();
  }
  deps.presence = between.presence;
  deps.shared_log = between.shared_log.get();
  deps.rights_current = [this](MonoTime at) { revocations.synchronised(at, auth::RevocationSource::record); };
  const rooms::RoomPolicy& rooms = config.gateway.rooms;
  gateway = std::make_unique<gateway::Gateway>(
      environment.loops, gateway_policy(config, environment.loops.size()), std::move(deps));
  if (between.watch)
    between.watch({.gap = [this](const RoomName& room) { gateway->may_have_missed(room); }, .back = [this] {
      gateway->shared_log_opened_again();
    }, .unheard = [this] { gateway->look_at_shared_log(); }, .deaf = [this](std::optional<Refusal> why) {
      gateway->node_deaf(std::move(why));
    }});
  key_ring = std::make_unique<access::KeyRing>(chat->api_keys(), access::KeyRingPolicy{}, environment.control,
      environment.clock, environment.metrics, environment.log);
  calls = std::make_unique<access::IdempotentCalls>(chat->calls(), environment.control, environment.clock,
      environment.metrics,
      config::with_others(config) ? access::IdempotentCalls::Nodes::many : access::IdempotentCalls::Nodes::one);
  service_tokens = std::make_unique<ServiceTokens>(*auth, revocations, environment.clock, environment.control);
  api_keys = std::make_unique<ApiKeys>(config.api_key, *key_ring, *service_tokens);
  api = std::make_unique<api::ServerApi>(server_api_deps());
  report_limit(environment.metrics, "rooms_loaded", static_cast<double>(rooms.rooms_loaded),
      [this] { return static_cast<double>(gateway->rooms_loaded()); });
  report_limit(environment.metrics, "memory_bytes", static_cast<double>(rooms.memory_bytes),
      [this] { return static_cast<double>(gateway->memory_bytes()); });
}

void Server::Parts::make_endings() {
  access::EndingsDeps deps{.store = chat->endings(),
      .table = revocations,
      .control = environment.control,
      .clock = environment.clock,
      .changed = [this] {
    if (gateway) gateway->revocations_changed();
  }};
  if (webhooks) webhooks->watch(deps);
  endings = std::make_unique<access::Endings>(std::move(deps));
}

std::vector<http::UpgradeHandler*> Server::Parts::upgrades(const http::Deps& deps) {
  if (gateway) return gateway->upgrades();
  std::vector<http::UpgradeHandler*> out;
  for (io::Loop* loop : environment.loops)
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
  server = std::make_unique<http::Server>(environment.loops, upgrades(deps), policy, deps);
}

void Server::Parts::make_metrics_server() {
  if (config.metrics_listen.empty()) return;
  metrics_router = std::make_unique<http::Router>(admin::metrics_listener_routes(api_deps()), router_policy());
  metrics_server = std::make_unique<http::Server>(environment.loops, std::vector<http::UpgradeHandler*>{}, policy,
      http_deps(*metrics_router, limits.metrics_addresses, limits.metrics_connections));
}

void Server::Parts::make_webhooks() {
  if (!chat || !environment.post) return;
  webhooks = std::make_unique<Webhooks>(*chat, environment);
  webhooks->watch(limits.users);
}

Result<void> Server::Parts::build() {
  make_webhooks(); // first, because the auth role takes the seal key away
  TRY_VOID(make_application());
  TRY_VOID(make_auth());
  report_limits();
  make_server();
  make_metrics_server();
  return {};
}

} // namespace foyer::app
