#include "cli/node.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "accounts/routes.h"
#include "accounts/service.h"
#include "accounts/sqlite_store.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/metrics.h"
#include "cli/build_id.h"
#include "gateway/gateway.h"
#include "hub/audience.h"
#include "loop/server.h"
#include "net/control.h"
#include "net/work_queue.h"
#include "protocol/encode.h"
#include "rooms/sqlite_store.h"
#include "store/file.h"
#include "wire/url.h"

namespace foyer::cli {
namespace {

constexpr std::size_t kControlSecondsPerFlush = 10;

gateway::GatewayPolicy gateway_policy(const config::Config& c, const api::BuildInfo& build) {
  gateway::GatewayPolicy policy;
  auto& door = policy.door;
  if (c.role_gateway) {
    door.sockets.push_back({.path = "/ws/chat", .subprotocols = {"foyer.v1"}, .needs_token = true, .needs_chat_permission = true});
    if (c.echo != config::EchoAccess::off)
      door.sockets.push_back({.path = "/ws/echo", .subprotocols = {"foyer.v1"}, .needs_token = c.echo == config::EchoAccess::token, .needs_chat_permission = false});
  }
  door.allowed_origins = c.allowed_origins;
  door.allowed_hosts = c.allowed_hosts;
  door.first_message_auth = c.first_message_auth;
  door.token_in_url = c.token_in_url;
  door.refuse_with = c.refuse_with == config::RefuseWith::http ? door::RefuseWith::http : c.refuse_with == config::RefuseWith::close ? door::RefuseWith::close : door::RefuseWith::automatic;
  door.max_token_bytes = c.token_bytes;
  door.public_ws_base = "ws" + c.public_url.substr(4); // http → ws, https → wss
  door.reveal = c.environment == config::Environment::development;
  policy.reveal = door.reveal;
  for (const auto& cidr : c.trusted_proxies)
    if (auto network = gateway::Network::parse(cidr)) policy.trusted_proxies.push_back(*network);
  policy.http = {.request_line = std::max<std::size_t>(8 * 1024, c.token_bytes + 1024), .header_bytes = c.header_bytes, .header_count = 100, .body_bytes = c.body_bytes};
  policy.header_timeout = c.header_timeout;
  policy.body_timeout = c.body_timeout;
  policy.request_timeout = c.request_timeout;
  policy.keep_alive_timeout = c.keep_alive_timeout;
  policy.authenticate_timeout = c.authenticate_timeout;
  policy.heartbeat_interval = c.heartbeat_interval;
  policy.heartbeat_timeout = c.heartbeat_timeout;
  policy.leeway = c.jwt_leeway;
  policy.drain_timeout = c.drain_timeout;
  policy.message_bytes = static_cast<std::uint32_t>(c.message_bytes);
  policy.text_bytes = static_cast<std::uint32_t>(c.text_bytes);
  policy.rooms_per_connection = static_cast<std::uint32_t>(c.rooms_per_connection);
  policy.messages_per_s = static_cast<std::uint32_t>(c.messages_per_s);
  policy.messages_burst = static_cast<std::uint32_t>(c.messages_burst);
  policy.outbox_bytes = c.outbox_bytes;
  policy.rooms.presence_grace = c.presence_grace;
  policy.rooms.presence_events_limit = c.presence_events_limit;
  policy.rooms.durability = rooms::Durability{c.non_durable_rooms};
  policy.rooms.ephemeral.messages = c.memory_messages;
  policy.welcome_tail = protocol::WelcomeConstants{.heartbeat = c.heartbeat_interval, .message_bytes = c.message_bytes, .text_bytes = c.text_bytes, .rooms = c.rooms_per_connection,
                                                   .messages_per_s = c.messages_per_s, .name_bytes = policy.name_bytes, .version = build.version, .build = build.build,
                                                   .environment = build.environment, .config = build.config}.tail();
  return policy;
}

accounts::AccountsPolicy accounts_policy(const config::Config& c) {
  accounts::AccountsPolicy policy;
  policy.issuer = c.jwt_issuer;
  policy.audience = c.jwt_audience;
  policy.environment = std::string(config::to_string(c.environment));
  policy.require_environment_claim = c.require_environment_claim;
  policy.leeway = c.jwt_leeway;
  policy.token_types = c.token_types;
  policy.reveal = c.environment == config::Environment::development;
  policy.insecure_cookies = !config::is_strict(c.environment);
  policy.public_url = c.public_url;
  policy.allowed_origins = c.allowed_origins;
  policy.registration = c.registration == config::Registration::open     ? accounts::Registration::open
                        : c.registration == config::Registration::invite ? accounts::Registration::invite
                                                                         : accounts::Registration::closed;
  policy.min_password_characters = c.password_min_length;
  policy.hash_cost.memory_kib = static_cast<std::uint32_t>(c.argon2_memory / 1024);
  policy.hash_cost.passes = static_cast<std::uint32_t>(c.argon2_passes);
  policy.access_ttl = c.access_token_ttl;
  policy.refresh.idle = c.refresh_ttl;
  policy.refresh.grace = c.refresh_grace;
  policy.sessions.idle = c.session_idle;
  policy.sessions.absolute = c.session_absolute;
  policy.ticket_ttl = c.ticket_ttl;
  policy.rate = {.burst = static_cast<double>(c.address_auth_requests), .per_second = static_cast<double>(c.address_auth_requests) / 10};
  return policy;
}

// The key that signs, and the set that verifies.
Result<jose::Key> signing_key(const config::Config& c) {
  if (!c.jwt_secret_key.empty()) return jose::Key::from_secret(c.jwt_secret_key);
  TRY(text, store::read_file(c.jwt_private_key_file));
  return jose::Key::parse_any(text);
}

api::HealthState health_of(const Result<bool>& probe) {
  return probe ? api::HealthState::ok() : api::HealthState::failing(std::string(probe.error().code()));
}

} // namespace

struct Node::Parts {
  Parts(config::Config c, store::DataDir& d, Log& l) : config(std::move(c)), data(d), log(l) {}

  config::Config config;
  store::DataDir& data;
  Log& log;
  Metrics metrics;
  const Clock& clock = system_clock();
  Entropy& entropy = system_entropy();
  api::BuildInfo build;
  WallTime started = clock.wall();
  NodeAddress address;
  std::shared_ptr<loop::Listener> listener, metrics_listener; // until the loops have them: then they close with the last of these

  std::unique_ptr<loop::LoopGroup> loops;
  std::unique_ptr<net::ControlPlane> control;
  std::unique_ptr<net::WorkQueue> hashing;
  std::unique_ptr<rooms::ChatStore> chat;
  std::unique_ptr<accounts::AccountStore> account_store;
  std::unique_ptr<accounts::AccountService> accounts;
  std::unique_ptr<auth::LocalVerifier> verifier;
  std::unique_ptr<auth::RevocationTable> revocations;

  gateway::RefusalRing ring;
  std::unique_ptr<gateway::RefusalReporter> reporter;
  std::unique_ptr<gateway::AddressLimits> addresses, plain_gets;
  std::unique_ptr<gateway::UserConnections> users;
  std::unique_ptr<gateway::ConnectionGauges> gauges;
  door::DoorPolicy router_door; // what the routers look at
  // The operator's API is made before the gateway that it asks.
  struct Info final : gateway::GatewayInfo {
    std::unique_ptr<gateway::Gateway>* gateway = nullptr;
    [[nodiscard]] std::vector<gateway::RefusalRecord> refusals(const gateway::RefusalFilter& f) const override { return (*gateway)->refusals(f); }
    [[nodiscard]] std::uint64_t connections() const override { return (*gateway)->connections(); }
    [[nodiscard]] bool draining() const override { return (*gateway)->draining(); }
    [[nodiscard]] bool loops_turn() const override { return (*gateway)->loops_turn(); }
  } info;
  std::unique_ptr<gateway::Router> router, metrics_router;
  std::unique_ptr<gateway::Gateway> gateway, metrics_gateway;
  std::atomic<bool> stopped{false};

  Result<void> build_all(std::string fingerprint);
  Result<void> bind();
  Result<void> open_stores();
  Result<void> make_accounts();
  void make_gateway();
  void refused(const Request& request, const Refusal& refusal);
  [[nodiscard]] gateway::GatewayDeps deps(const gateway::Router& r);
  [[nodiscard]] api::ApiDeps api_deps();
};

Result<void> Node::Parts::bind() {
  TRY(bound, loop::Listener::open({config.listen.host, config.listen.port}));
  listener = std::move(bound);
  if (!config.metrics_listen.empty()) {
    TRY(other, loop::Listener::open({config.metrics_listen.host, config.metrics_listen.port}));
    metrics_listener = std::move(other);
  }
  config::resolve_addresses(config, listener->port());
  address.host = listener->host();
  address.port = listener->port();
  const bool v6 = address.host.find(':') != std::string::npos;
  const std::string authority = (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
  address.url = "http://" + authority;
  address.ws_url = "ws://" + authority + "/ws/chat";
  return {};
}

Result<void> Node::Parts::open_stores() {
  rooms::SqliteStoreOptions options{.survive_power_loss = config.store_sync == config::StoreSync::full,
                                    .queue_limit = config.store_queue,
                                    .history_days = static_cast<std::uint32_t>(config.history_days),
                                    .history_messages = config.history_messages,
                                    .rooms_per_user = static_cast<std::uint32_t>(config.rooms_per_user)};
  TRY(chat_store, rooms::open_sqlite_store(data.file("chat.sqlite"), options, clock, entropy, metrics, log));
  chat = std::move(chat_store);
  accounts::SqliteStoreOptions account_options;
  account_options.database.survive_power_loss = options.survive_power_loss;
  // A session is not forgotten before it has ended.
  account_options.keep_ended = std::max({account_options.keep_ended, config.session_idle * 2, config.refresh_ttl * 2});
  account_options.keep_revocations = std::max<Millis>(account_options.keep_revocations, config.access_token_ttl * 2);
  TRY(accounts_store, accounts::open_sqlite_store(data.file("accounts.sqlite"), account_options, clock, entropy, metrics, log));
  account_store = std::move(accounts_store);
  return {};
}

Result<void> Node::Parts::make_accounts() {
  TRY(key, signing_key(config));
  TRY(keys, jose::KeySet::of(key));
  TRY(signer, jose::Signer::make(key));
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  hashing = std::make_unique<net::WorkQueue>("hashing", config.hashing_threads > 0 ? static_cast<int>(config.hashing_threads) : std::max(1, cores - 1), config.hashing_queue, 10);
  hashing->report_to(metrics);
  accounts = std::make_unique<accounts::AccountService>(*account_store, std::move(signer), keys, accounts_policy(config), accounts::run_on(*control, *hashing), clock, entropy, log, metrics,
                                                        [this](UserId user) {
                                                          chat->detach_author(std::move(user), [this](Result<bool> detached) {
                                                            if (!detached) log.error("detach_failed", detached.error().operator_text(), {{"code", detached.error().code()}});
                                                          });
                                                        });
  jose::VerifierPolicy policy{.issuer = config.jwt_issuer, .audience = config.jwt_audience, .token_types = config.token_types, .environment = std::string(config::to_string(config.environment)),
                              .require_environment_claim = config.require_environment_claim, .leeway = config.jwt_leeway, .max_bytes = config.token_bytes};
  verifier = std::make_unique<auth::LocalVerifier>(jose::Verifier(keys, std::move(policy)), true, metrics);
  revocations = std::make_unique<auth::RevocationTable>(auth::RevocationPolicy{.max_age = config.revocation_max_age, .token_life = std::max<Millis>(config.access_token_ttl * 2, std::chrono::hours{24})});
  return {};
}

void Node::Parts::refused(const Request& request, const Refusal& refusal) {
  const auto* origin = request.headers.find("Origin");
  addresses->refused(request.address, refusal.cause, clock.mono());
  reporter->report({.ref = request.ref, .refusal = refusal, .time = clock.wall(), .user = {}, .address = request.address, .origin = origin == nullptr ? std::string{} : *origin, .path = request.path});
}

gateway::GatewayDeps Node::Parts::deps(const gateway::Router& r) {
  return {.clock = clock, .entropy = entropy, .log = log, .metrics = metrics, .store = chat.get(), .auth_service = *accounts, .verifier = *verifier, .revocations = *revocations, .router = r,
          .reporter = *reporter, .ring = ring, .addresses = *addresses, .plain_gets = *plain_gets, .users = *users, .gauges = *gauges,
          .run_control = [this](std::move_only_function<void()> task) { control->post(std::move(task)); }};
}

api::ApiDeps Node::Parts::api_deps() {
  return {.build = build, .clock = clock, .metrics = metrics, .gateway = &info, .api_key = config.api_key, .development = config.environment == config::Environment::development, .live = {},
          .ready = {{.name = "chat_store", .needed = true, .read = [this] { return health_of(chat->probe()); }},
                    {.name = "accounts_store", .needed = true, .read = [this] { return health_of(accounts->probe()); }},
                    {.name = "revocations", .needed = true, .read = [this] { return revocations->current(clock.mono()) ? api::HealthState::ok() : api::HealthState::unknown(std::string(code_of(Cause::REVOCATION_UNCHECKED))); }}},
          .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }};
}

void Node::Parts::make_gateway() {
  reporter = std::make_unique<gateway::RefusalReporter>(ring, metrics, log, clock);
  addresses = std::make_unique<gateway::AddressLimits>(gateway::AddressPolicy{.handshakes = static_cast<std::uint32_t>(config.address_handshakes), .refusals = static_cast<std::uint32_t>(config.address_refusals),
                                                                              .connections = static_cast<std::uint32_t>(config.address_connections)});
  plain_gets = std::make_unique<gateway::AddressLimits>(gateway::AddressPolicy{.handshakes = 100, .table_size = 16'384});
  users = std::make_unique<gateway::UserConnections>(static_cast<std::uint32_t>(config.user_connections));
  gauges = std::make_unique<gateway::ConnectionGauges>(gateway::ConnectionPolicy{.connections = static_cast<std::uint32_t>(config.connection_limit), .pending = static_cast<std::uint32_t>(config.pending_limit),
                                                                                 .refusal_upgrades = static_cast<std::uint32_t>(config.refusal_upgrades), .connects_per_s = static_cast<std::uint32_t>(config.connect_rate)});
  auto policy = gateway_policy(config, build);
  router_door = policy.door;
  info.gateway = &gateway;
  const gateway::RouterPolicy router_policy{.door = &router_door, .development = policy.reveal, .version = build.version, .build = build.build,
                                            .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }};
  std::vector<Route> routes = api::operator_routes(api_deps());
  const auto add = [&routes](std::vector<Route> more) { std::ranges::move(more, std::back_inserter(routes)); };
  add(accounts::routes(*accounts, [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }));
  if (config.role_gateway) add(api::web_routes());
  router = std::make_unique<gateway::Router>(std::move(routes), router_policy);
  std::vector<loop::Loop*> all;
  for (std::size_t i = 0; i < loops->size(); ++i) all.push_back(&loops->loop(i));
  gateway = std::make_unique<gateway::Gateway>(all, policy, deps(*router));
  loops->listen(std::exchange(listener, nullptr), [this](loop::EpollLoop& loop) { return gateway->accept_function(loop.index()); });
  if (!metrics_listener) return;
  metrics_router = std::make_unique<gateway::Router>(api::metrics_listener_routes(api_deps()), router_policy);
  policy.door.sockets.clear();
  metrics_gateway = std::make_unique<gateway::Gateway>(all, policy, deps(*metrics_router));
  loops->listen(std::exchange(metrics_listener, nullptr), [this](loop::EpollLoop& loop) { return metrics_gateway->accept_function(loop.index()); });
}

Result<void> Node::Parts::build_all(std::string fingerprint) {
  TRY_VOID(bind());
  build = {.version = FOYER_VERSION, .build = build_id(), .environment = std::string(config::to_string(config.environment)), .config = std::move(fingerprint), .started = clock.mono()};
  loops = std::make_unique<loop::LoopGroup>(std::min<std::size_t>(hub::kMaxLoops, config.loops > 0 ? config.loops : std::max(1U, std::thread::hardware_concurrency())), clock, log);
  loops->report_to(metrics);
  control = std::make_unique<net::ControlPlane>();
  TRY_VOID(open_stores());
  TRY_VOID(make_accounts());
  make_gateway();
  accounts->start();
  gateway->watch_revocations();
  control->every(std::chrono::seconds{kControlSecondsPerFlush}, [this] { reporter->flush(); });
  loops->start();
  return {};
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() { stop(); }

Result<std::unique_ptr<Node>> Node::start(config::Config config, store::DataDir& data, std::string config_fingerprint, Log& log) {
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
  return json::write(json::Object{{"pid", getpid()}, {"roles", std::move(roles)}, {"url", p.address.url}, {"ws_url", p.address.ws_url}, {"host", p.address.host}, {"port", p.address.port},
                                  {"started", rfc3339(p.started)}, {"version", p.build.version}, {"build", p.build.build}}) + "\n";
}

void Node::drain(std::function<void()> done) {
  auto once = std::make_shared<std::atomic<bool>>(false);
  const auto finish = [once, done = std::move(done)] {
    if (!once->exchange(true)) done();
  };
  parts_->control->after(parts_->config.drain_timeout, finish);
  // Whoever knocks meanwhile is answered, too: the listener closes, then the last of them are heard.
  parts_->gateway->drain([parts = parts_.get(), finish] {
    parts->loops->stop_listening([parts, finish] {
      if (!parts->stopped) parts->gateway->when_empty(finish);
    });
  });
}

void Node::stop() {
  auto& p = *parts_;
  if (p.stopped.exchange(true)) return;
  if (p.loops) p.loops->stop(), p.loops->join();
  if (p.hashing) p.hashing->stop();
  if (p.control) p.control->stop();
  if (p.chat) p.chat->close();
  if (p.reporter) p.reporter->flush();
  p.metrics_gateway.reset();
  p.gateway.reset();
  p.accounts.reset();
  p.account_store.reset();
}

} // namespace foyer::cli
