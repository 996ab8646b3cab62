#include "cli/node.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "admin/routes.h"
#include "app/auth_role.h"
#include "app/policies.h"
#include "app/remote_auth.h"
#include "app/stores.h"
#include "base/json.h"
#include "base/limit_metrics.h"
#include "base/metrics.h"
#include "cli/build_id.h"
#include "cli/process_limits.h"
#include "cli/process_metrics.h"
#include "cli/tls_port.h"
#include "exec/control.h"
#include "gateway/gateway.h"
#include "gateway/no_rooms.h"
#include "http/server.h"
#include "io/proxy_protocol.h"
#include "io/server.h"
#include "rooms/model/audience.h"
#include "wire/url.h"

namespace foyer::cli {
namespace {

constexpr std::size_t kControlSecondsPerFlush = 10;
// A start waits so long for what the first clients are judged by, then lets them in to be refused.
constexpr Millis kFirstSynchronisation{2'000};

} // namespace

struct Node::Parts {
  Parts(config::Config c, store::DataDir& d, Log& l) : as_given(c), config(std::move(c)), data(d), log(l) {}

  const config::Config as_given; // before addresses are resolved, as preflight judged it
  config::Config config;
  store::DataDir& data;
  Log& log;
  Metrics metrics;
  const Clock& clock = system_clock();
  Entropy& entropy = system_entropy();
  observe::BuildInfo build;
  WallTime started = clock.wall();
  NodeAddress address;
  std::shared_ptr<io::Listener> listener,
      metrics_listener; // until the loops have them: then they close with the last of these

  std::unique_ptr<TlsPort> tls; // null: the port speaks no TLS
  std::unique_ptr<io::LoopGroup> loops;
  std::unique_ptr<exec::ControlPlane> control;
  std::unique_ptr<app::Runtime> runtime;
  std::unique_ptr<engine::ChatStore> chat;  // with the gateway role
  std::unique_ptr<app::AuthRole> auth_role; // one of the two
  std::unique_ptr<app::RemoteAuth> remote_auth;
  std::unique_ptr<auth::LocalVerifier> own_verifier;
  std::unique_ptr<auth::RevocationTable> revocations;

  observe::RefusalRing ring;
  std::unique_ptr<observe::RefusalReporter> reporter;
  std::unique_ptr<admission::AddressLimits> addresses, plain_gets, metrics_addresses;
  std::unique_ptr<admission::UserConnections> users;
  std::unique_ptr<admission::ConnectionLimits> gauges, metrics_gauges;
  admission::DoorPolicy router_door; // what the routers look at
  // The operator's API is made before the server and the gateway that it asks.
  struct Info final : observe::GatewayInfo {
    explicit Info(const Parts& p) : parts(p) {}
    const Parts& parts;
    [[nodiscard]] std::vector<observe::RefusalRecord> refusals(const observe::RefusalFilter& f) const override {
      return parts.ring.find(f);
    }
    [[nodiscard]] std::uint64_t connections() const override {
      return parts.gateway ? parts.gateway->connections() : 0;
    }
    [[nodiscard]] bool draining() const override { return parts.server->draining(); }
    [[nodiscard]] bool loops_turn() const override { return parts.server->loops_turn(); }
  } info{*this};
  std::unique_ptr<http::Router> router, metrics_router;
  std::unique_ptr<gateway::Gateway> gateway;               // with the gateway role
  std::vector<std::unique_ptr<gateway::NoRooms>> no_rooms; // without it: of each loop
  std::unique_ptr<http::Server> server, metrics_server;
  std::unique_ptr<io::ProxyProtocol> proxy_protocol; // null: off
  std::atomic<bool> stopped{false};

  Result<void> build_all(std::string fingerprint);
  void await_first_synchronisation();
  Result<void> bind();
  Result<void> open_tls();
  Result<void> open_chat();
  Result<void> open_auth();
  void make_limits();
  void make_gateway(const std::vector<io::Loop*>& on);
  void make_server();
  void refused(const Request& request, const Refusal& refusal);
  Ref refused_socket(const Refusal& refusal, std::string_view peer);
  [[nodiscard]] std::unique_ptr<protocol::ClientCodec> codec() const { // that clients speak
    return std::make_unique<protocol::FoyerV1>(app::welcome_constants(config, build));
  }
  [[nodiscard]] gateway::GatewayDeps gateway_deps();
  [[nodiscard]] http::Deps http_deps(
      const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts);
  [[nodiscard]] admin::ApiDeps api_deps();
  [[nodiscard]] admin::Upkeep upkeep();
};

Result<void> Node::Parts::bind() {
  TRY(bound, io::Listener::open({config.listen.host, config.listen.port}, static_cast<int>(config.accept_backlog)));
  listener = std::move(bound);
  if (!config.metrics_listen.empty()) {
    TRY(other, io::Listener::open({config.metrics_listen.host, config.metrics_listen.port}));
    metrics_listener = std::move(other);
  }
  config::resolve_addresses(config, listener->port());
  address.host = listener->host();
  address.port = listener->port();
  const bool v6 = address.host.find(':') != std::string::npos;
  const std::string authority = (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
  const bool secure = !config.tls_cert_file.empty();
  address.url = (secure ? "https://" : "http://") + authority;
  address.ws_url = (secure ? "wss://" : "ws://") + authority + "/ws/chat";
  return {};
}

Result<void> Node::Parts::open_tls() {
  if (config.tls_cert_file.empty()) return {};
  const auto report = [this](const Refusal& refusal, std::string_view peer) { return refused_socket(refusal, peer); };
  TRY(opened,
      TlsPort::open({.config = as_given, .clock = clock, .entropy = entropy, .log = log, .metrics = metrics}, report));
  tls = std::move(opened);
  return {};
}

Result<void> Node::Parts::open_chat() {
  if (!config.role_gateway) return {};
  TRY(opened,
      app::open_chat(config,
          {.clock = clock, .entropy = entropy, .metrics = metrics, .log = log, .environment = build.environment}));
  chat = std::move(opened);
  return {};
}

Result<void> Node::Parts::open_auth() {
  if (config.role_auth) {
    TRY(role, app::AuthRole::open(*runtime, data));
    auth_role = std::move(role);
    own_verifier = std::make_unique<auth::LocalVerifier>(
        jose::Verifier(auth_role->keys(), app::verifier_policy(config)), true, metrics);
  } else {
    TRY(remote, app::RemoteAuth::make(*runtime, [this](const Request& request, const Refusal& refusal) {
      refused(request, refusal);
    }));
    remote_auth = std::move(remote);
  }
  revocations = std::make_unique<auth::RevocationTable>(app::revocation_policy(config));
  return {};
}

// Before anything of HTTP was read.
Ref Node::Parts::refused_socket(const Refusal& refusal, std::string_view peer) {
  Ref ref{entropy.short_id()};
  addresses->refused(peer, refusal.cause, clock.mono());
  reporter->report(ref, refusal, peer);
  return ref;
}

void Node::Parts::refused(const Request& request, const Refusal& refusal) {
  addresses->refused(request.address, refusal.cause, clock.mono());
  reporter->report(request, refusal);
}

http::Deps Node::Parts::http_deps(
    const http::Router& r, admission::AddressLimits& by_address, admission::ConnectionLimits& counts) {
  return {.clock = clock,
      .entropy = entropy,
      .log = log,
      .metrics = metrics,
      .router = r,
      .reporter = *reporter,
      .addresses = by_address,
      .plain_gets = *plain_gets,
      .limits = counts,
      .control = *control};
}

gateway::GatewayDeps Node::Parts::gateway_deps() {
  auto& service = auth_role ? static_cast<auth::AuthService&>(auth_role->service()) : remote_auth->service();
  gateway::GatewayDeps out{.clock = clock,
      .entropy = entropy,
      .log = log,
      .metrics = metrics,
      .room_log = chat.get(),
      .directory = chat.get(),
      .auth_service = service,
      .verifier = own_verifier ? *own_verifier : remote_auth->verifier(),
      .revocations = *revocations,
      .router = *router,
      .reporter = *reporter,
      .addresses = *addresses,
      .users = *users,
      .gauges = *gauges,
      .codec = [this] { return codec(); }};
  if (remote_auth) out.refresh_keys = remote_auth->refresh_keys();
  return out;
}

admin::ApiDeps Node::Parts::api_deps() {
  std::vector<observe::HealthCheck> ready;
  if (chat)
    ready.push_back(
        {.name = "chat_store", .needed = true, .read = [this] { return observe::state_of(chat->probe()); }});
  for (auto& check : auth_role ? auth_role->ready() : remote_auth->ready()) ready.push_back(std::move(check));
  if (config.role_gateway)
    ready.push_back({.name = "revocations", .needed = true, .read = [this] {
      return revocations->current(clock.mono())
          ? observe::HealthState::ok()
          : observe::HealthState::unknown(std::string(code_of(Cause::REVOCATION_UNCHECKED)));
    }});
  if (tls) ready.push_back(tls->health());
  return {.build = build,
      .clock = clock,
      .metrics = metrics,
      .gateway = &info,
      .api_key = config.api_key,
      .development = config.gateway.door.reveal,
      .live = {},
      .ready = std::move(ready),
      .upkeep = upkeep(),
      .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }};
}

admin::Upkeep Node::Parts::upkeep() {
  const auto state = [this] {
    std::vector<admin::UpkeepRow> rows;
    const auto add = [&rows](const store::UpkeepState& s) {
      const bool waits = s.doubt != store::ClockDoubt::none;
      rows.push_back({.store = s.store,
          .waits = waits,
          .doubt = waits ? std::string(to_string(s.doubt)) : std::string{},
          .off_s = std::chrono::floor<std::chrono::seconds>(s.off).count(),
          .left_s = std::chrono::ceil<std::chrono::seconds>(s.left).count()});
    };
    if (auth_role) add(auth_role->store().upkeep_state());
    if (chat)
      if (const auto s = chat->upkeep_state()) add(*s);
    return rows;
  };
  const auto now = [this] {
    if (auth_role) auth_role->store().upkeep_now();
    if (chat) chat->upkeep_now();
  };
  return {.state = state, .now = now};
}

void Node::Parts::make_limits() {
  const auto address_rules = app::address_policy(config, entropy);
  addresses = std::make_unique<admission::AddressLimits>(address_rules);
  addresses->report_to(metrics, "address_table");
  plain_gets = std::make_unique<admission::AddressLimits>(app::plain_get_policy(address_rules));
  plain_gets->report_handshakes_to(metrics);
  users = std::make_unique<admission::UserConnections>(config.connections.per_user);
  users->report_to(metrics);
  gauges = std::make_unique<admission::ConnectionLimits>(config.connections);
  gauges->report_to(metrics);
  // What watches this process is not kept out by those who flood the other port.
  metrics_addresses = std::make_unique<admission::AddressLimits>(
      admission::AddressPolicy{.table_size = 1'024, .seed = address_rules.seed});
  metrics_gauges = std::make_unique<admission::ConnectionLimits>(
      admission::ConnectionPolicy{.connections = 256, .handshakes = 128, .refused_sockets = 16, .requests = 128});
  report_accept_queue(metrics, listener);
  report_open_files(metrics);
  if (chat) report_store_queue(metrics, config.store.queue_limit);
  report_limit(metrics, "revocation_table", static_cast<double>(auth::RevocationPolicy{}.table_size),
      [this] { return static_cast<double>(revocations->size()); });
  report_limit(
      metrics, "refusal_ring", observe::RefusalRing::kInAll, [this] { return static_cast<double>(ring.size()); });
}

void Node::Parts::make_gateway(const std::vector<io::Loop*>& on) {
  gateway = std::make_unique<gateway::Gateway>(on, app::gateway_policy(config, on.size()), gateway_deps());
  report_limit(metrics, "rooms_loaded", static_cast<double>(config.gateway.rooms.rooms_loaded),
      [this] { return static_cast<double>(gateway->rooms_loaded()); });
  report_limit(metrics, "memory_bytes", static_cast<double>(config.gateway.rooms.memory_bytes),
      [this] { return static_cast<double>(gateway->memory_bytes()); });
}

void Node::Parts::make_server() {
  reporter = std::make_unique<observe::RefusalReporter>(ring, metrics, log, clock);
  make_limits();
  router_door = app::door_policy(config);
  const http::Policy http = app::http_policy(config);
  const http::RouterPolicy router_policy{.door = &router_door,
      .version = build.version,
      .build = build.build,
      .strict_transport = config.environment == config::Environment::production,
      .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }};
  std::vector<Route> routes = admin::operator_routes(api_deps());
  const auto add = [&routes](std::vector<Route> more) { std::ranges::move(more, std::back_inserter(routes)); };
  if (auth_role)
    add(auth_role->routes([this](const Request& request, const Refusal& refusal) { refused(request, refusal); }));
  else
    add(remote_auth->routes());
  if (config.role_gateway)
    routes.push_back({"GET", "/rooms/{room}/messages/{offset}",
        [this](Request request, Reply reply) { gateway->message(std::move(request), std::move(reply)); }});
  auto pages = admin::web_routes();
  // Without the gateway there is no page but those of the causes.
  if (!config.role_gateway)
    std::erase_if(pages, [](const Route& route) { return route.path != "/style.css" && route.path != "/icon.svg"; });
  add(std::move(pages));
  router = std::make_unique<http::Router>(std::move(routes), router_policy);
  std::vector<io::Loop*> all;
  for (std::size_t i = 0; i < loops->size(); ++i) all.push_back(&loops->loop(i));
  if (config.role_gateway) make_gateway(all);
  const http::Deps deps = http_deps(*router, *addresses, *gauges);
  std::vector<http::UpgradeHandler*> upgrades;
  if (gateway)
    upgrades = gateway->upgrades();
  else
    for (io::Loop* loop : all)
      upgrades.push_back(no_rooms.emplace_back(std::make_unique<gateway::NoRooms>(*loop, http, deps, codec())).get());
  server = std::make_unique<http::Server>(all, upgrades, http, deps);
  if (config.proxy_protocol != config::ProxyHeaders::off) {
    const bool required = config.proxy_protocol == config::ProxyHeaders::required;
    proxy_protocol = std::make_unique<io::ProxyProtocol>(required,
        [trusted = http.trusted_proxies](std::string_view peer) { return trusted.covers(peer); },
        [this](const Refusal& refusal, std::string_view peer) { return refused_socket(refusal, peer); });
  }
  loops->listen(std::exchange(listener, nullptr), [this](io::EventLoop& loop) {
    auto accept = server->accept_function(loop.index());
    if (tls) accept = tls->server().secured(loop, std::move(accept));
    return proxy_protocol ? proxy_protocol->announced(std::move(accept)) : accept;
  });
  if (!metrics_listener) return;
  metrics_router = std::make_unique<http::Router>(admin::metrics_listener_routes(api_deps()), router_policy);
  metrics_server = std::make_unique<http::Server>(
      all, std::vector<http::UpgradeHandler*>{}, http, http_deps(*metrics_router, *metrics_addresses, *metrics_gauges));
  loops->listen(std::exchange(metrics_listener, nullptr),
      [this](io::EventLoop& loop) { return metrics_server->accept_function(loop.index()); });
}

Result<void> Node::Parts::build_all(std::string fingerprint) {
  const MonoTime began = clock.mono();
  TRY_VOID(bind());
  build = {.version = FOYER_VERSION,
      .build = build_id(),
      .environment = std::string(config::to_string(config.environment)),
      .config = std::move(fingerprint),
      .started = clock.mono()};
  loops = std::make_unique<io::LoopGroup>(
      std::min<std::size_t>(
          rooms::kMaxLoops, config.loops > 0 ? config.loops : std::max(1U, std::thread::hardware_concurrency())),
      clock, log);
  loops->report_to(metrics);
  report_process(metrics, started);
  report_build(metrics, build);
  control = std::make_unique<exec::ControlPlane>();
  runtime = std::make_unique<app::Runtime>(app::Runtime{.config = config,
      .clock = clock,
      .entropy = entropy,
      .log = log,
      .metrics = metrics,
      .build = build,
      .control = *control,
      .began = began});
  TRY_VOID(open_tls());
  TRY_VOID(open_chat());
  TRY_VOID(open_auth());
  make_server();
  if (auth_role) {
    TRY_VOID(auth_role->start());
    auth_role->watch_keys(
        [this](std::shared_ptr<const jose::KeySet> keys) { own_verifier->replace_keys(std::move(keys)); });
  } else {
    remote_auth->start();
  }
  if (chat) gateway->watch_store();
  if (config.role_gateway) gateway->watch_revocations();
  control->every(std::chrono::seconds{kControlSecondsPerFlush}, [this] { reporter->flush(); });
  if (tls) tls->watch(*control);
  await_first_synchronisation();
  loops->start();
  return {};
}

// Clients that connect meanwhile wait in the listener's queue.
void Node::Parts::await_first_synchronisation() {
  if (!config.role_gateway) return;
  const MonoTime until = clock.mono() + kFirstSynchronisation;
  const auto left = [&] { return std::max(Millis{0}, std::chrono::duration_cast<Millis>(until - clock.mono())); };
  const bool revocations_known = revocations->wait_for_first(left());
  const bool keys_known = !remote_auth || remote_auth->wait_for_keys(left());
  if (revocations_known && keys_known) return;
  log.warning("not_synchronised", "The auth service has not answered yet. Clients are refused until it does.",
      {{"revocations", revocations_known}, {"keys", keys_known},
          {"next", "Check the auth service; this process continues by itself when it answers."}});
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() { stop(); }

Result<std::unique_ptr<Node>> Node::start(
    config::Config config, store::DataDir& data, std::string config_fingerprint, Log& log) {
  std::unique_ptr<Node> node(new Node(std::make_unique<Parts>(std::move(config), data, log)));
  TRY_VOID(node->parts_->build_all(std::move(config_fingerprint)));
  return node;
}

const NodeAddress& Node::address() const { return parts_->address; }

std::string Node::status_json() const {
  const auto& p = *parts_;
  json::Array roles;
  if (p.config.role_auth) roles.emplace_back("auth");
  if (p.config.role_gateway) roles.emplace_back("gateway");
  return json::write(json::Object{{"pid", getpid()}, {"roles", std::move(roles)}, {"url", p.address.url},
             {"ws_url", p.address.ws_url}, {"public_url", p.config.public_url},
             {"registration", config::to_string(p.config.accounts.registration)}, {"host", p.address.host},
             {"port", p.address.port}, {"started", rfc3339(p.started)}, {"version", p.build.version},
             {"build", p.build.build}}) +
      "\n";
}

std::vector<std::string_view> Node::reload() {
  std::vector<std::string_view> read;
  if (parts_->tls) {
    parts_->tls->reload();
    read.emplace_back("the TLS files");
  }
  if (parts_->remote_auth && parts_->remote_auth->reload()) read.emplace_back("the key set");
  return read;
}

void Node::drain(std::function<void()> done) {
  auto once = std::make_shared<std::atomic<bool>>(false);
  const auto finish = [once, done = std::move(done)] {
    if (!once->exchange(true)) done();
  };
  parts_->control->after(parts_->config.http.drain_timeout, finish);
  if (parts_->auth_role) parts_->auth_role->drain();
  // Whoever connects meanwhile is answered, too: the listener closes, then the last of them are answered.
  const auto gateway_empty = [parts = parts_.get(), finish] {
    if (!parts->gateway) return finish();
    if (!parts->stopped) parts->gateway->when_empty(finish);
  };
  const auto server_empty = [parts = parts_.get(), gateway_empty] {
    parts->loops->stop_listening([parts, gateway_empty] {
      if (!parts->stopped) parts->server->when_empty(gateway_empty);
    });
  };
  const auto left = std::make_shared<std::atomic<int>>(parts_->gateway ? 2 : 1);
  const auto one_empty = [left, server_empty] {
    if (left->fetch_sub(1) == 1) server_empty();
  };
  parts_->server->drain(one_empty);
  if (parts_->gateway) parts_->gateway->drain(one_empty);
}

void Node::stop() {
  auto& p = *parts_;
  if (p.stopped.exchange(true)) return;
  if (p.loops) p.loops->stop(), p.loops->join();
  if (p.auth_role) p.auth_role->stop_hashing();
  if (p.control) p.control->stop();
  if (p.tls) p.tls->stop_watching();
  if (p.chat) p.chat->close();
  if (p.reporter) p.reporter->flush();
  p.metrics_server.reset();
  p.server.reset();
  p.gateway.reset();
  p.auth_role.reset();
  p.remote_auth.reset();
}

} // namespace foyer::cli
