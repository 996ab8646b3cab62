#include "harness/node.h"

#include <fmt/format.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>

#include "accounts/http/routes.h"
#include "accounts/service.h"
#include "accounts/sql/sqlite_store.h"
#include "admin/routes.h"
#include "auth/remote_auth_service.h"
#include "auth/revocation_stream.h"
#include "base/manual_executor.h"
#include "engine/sql/sqlite_store.h"
#include "gateway/gateway.h"
#include "harness/lossy_store.h"
#include "harness/scripted_server.h"
#include "harness/words.h"
#include "http/server.h"
#include "jose/signer.h"
#include "protocol/foyer_v1/foyer_v1.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::harness {
namespace {

constexpr std::string_view kIssuer = kNodeOrigin;
constexpr std::string_view kAudience = "foyer";
constexpr std::string_view kEnvironment = "test";

// What `given` can change.
struct Plan {
  std::size_t loops = 2;
  std::uint64_t entropy = 1;       // what FixedEntropy begins with
  Millis begun{1'700'000'000'000}; // the time of day at first, since 1970
  http::Policy http;
  gateway::GatewayPolicy gateway;
  admission::AddressPolicy addresses;
  admission::ConnectionPolicy connections;
  engine::SqliteStoreOptions store;
  auth::RevocationPolicy revocations;
  std::vector<std::string> non_durable_rooms;
  std::string echo = "off";
  bool remote = false;   // the scripted auth service is asked over HTTP, by the shipped client
  bool accounts = false; // the real auth service in this process, instead of the scripted one
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().operator_text());
  return std::move(*result);
}

std::uint64_t number_of(const std::string& value) {
  std::size_t used = 0;
  const auto number = std::stoull(value, &used);
  if (used != value.size()) throw std::invalid_argument("not a number: " + value);
  return number;
}

Millis duration_of(const std::string& value) {
  if (const auto duration = read_duration(value)) return *duration;
  throw std::invalid_argument("not a duration: " + value);
}

using Setter = std::function<void(Plan&, const std::string&)>;

template <class Choose>
Setter number(Choose choose) {
  return [choose](Plan& plan, const std::string& value) {
    auto& field = choose(plan);
    field = static_cast<std::remove_reference_t<decltype(field)>>(number_of(value));
  };
}
template <class Choose>
Setter duration(Choose choose) {
  return [choose](Plan& plan, const std::string& value) { choose(plan) = duration_of(value); };
}
template <class Choose>
Setter flag(Choose choose) {
  return [choose](Plan& plan, const std::string& value) { choose(plan) = value == "true"; };
}

const std::map<std::string, Setter, std::less<>>& setters() {
  static const std::map<std::string, Setter, std::less<>> table{
      {"loops", number([](Plan& p) -> auto& { return p.loops; })},
      {"entropy", number([](Plan& p) -> auto& { return p.entropy; })},
      {"clock_ahead", [](Plan& p, const std::string& value) { p.begun += duration_of(value); }},
      {"authenticate_timeout", duration([](Plan& p) -> auto& { return p.gateway.authenticate_timeout; })},
      {"header_timeout", duration([](Plan& p) -> auto& { return p.http.header_timeout; })},
      {"body_timeout", duration([](Plan& p) -> auto& { return p.http.body_timeout; })},
      {"request_timeout", duration([](Plan& p) -> auto& { return p.http.request_timeout; })},
      {"keep_alive_timeout", duration([](Plan& p) -> auto& { return p.http.keep_alive_timeout; })},
      {"write_timeout", duration([](Plan& p) -> auto& { return p.http.write_timeout; })},
      {"heartbeat_interval", duration([](Plan& p) -> auto& { return p.gateway.heartbeat_interval; })},
      {"close_linger", duration([](Plan& p) -> auto& { return p.gateway.close_linger; })},
      {"heartbeat_timeout", duration([](Plan& p) -> auto& { return p.gateway.heartbeat_timeout; })},
      {"jwt_leeway", duration([](Plan& p) -> auto& { return p.gateway.leeway; })},
      {"drain_timeout", duration([](Plan& p) -> auto& { return p.gateway.drain_timeout; })},
      {"message_bytes", number([](Plan& p) -> auto& { return p.gateway.message_bytes; })},
      {"text_bytes", number([](Plan& p) -> auto& { return p.gateway.text_bytes; })},
      {"rooms_per_connection", number([](Plan& p) -> auto& { return p.gateway.rooms_per_connection; })},
      {"messages_per_s", number([](Plan& p) -> auto& { return p.gateway.messages_per_s; })},
      {"messages_burst", number([](Plan& p) -> auto& { return p.gateway.messages_burst; })},
      {"user_messages_per_s", number([](Plan& p) -> auto& { return p.gateway.user.messages_per_s; })},
      {"user_messages_burst", number([](Plan& p) -> auto& { return p.gateway.user.messages_burst; })},
      {"new_rooms_per_h", number([](Plan& p) -> auto& { return p.gateway.user.new_rooms_per_h; })},
      {"rooms_loaded_per_user", number([](Plan& p) -> auto& { return p.gateway.user.rooms_loaded; })},
      {"room_messages_per_s", number([](Plan& p) -> auto& { return p.gateway.rooms.messages_per_s; })},
      {"room_messages_burst", number([](Plan& p) -> auto& { return p.gateway.rooms.messages_burst; })},
      {"direct_rooms_per_user", number([](Plan& p) -> auto& { return p.store.policy.rooms_per_user.direct_rooms; })},
      {"public_rooms_per_user", number([](Plan& p) -> auto& { return p.store.policy.rooms_per_user.public_rooms; })},
      {"bytes_per_s", number([](Plan& p) -> auto& { return p.gateway.bytes_per_s; })},
      {"bytes_burst", number([](Plan& p) -> auto& { return p.gateway.bytes_burst; })},
      {"bad_messages", number([](Plan& p) -> auto& { return p.gateway.bad_messages; })},
      {"rooms_loaded", number([](Plan& p) -> auto& { return p.gateway.rooms.rooms_loaded; })},
      {"memory_bytes", number([](Plan& p) -> auto& { return p.gateway.rooms.memory_bytes; })},
      {"handshake_limit", number([](Plan& p) -> auto& { return p.connections.handshakes; })},
      {"refused_sockets", number([](Plan& p) -> auto& { return p.connections.refused_sockets; })},
      {"request_queue", number([](Plan& p) -> auto& { return p.connections.requests; })},
      {"address_arriving", number([](Plan& p) -> auto& { return p.addresses.arriving; })},
      {"outbox_bytes", number([](Plan& p) -> auto& { return p.gateway.outbox_bytes; })},
      {"presence_grace", duration([](Plan& p) -> auto& { return p.gateway.rooms.presence_grace; })},
      {"presence_events_limit", number([](Plan& p) -> auto& { return p.gateway.rooms.presence_events_limit; })},
      {"first_message_auth", flag([](Plan& p) -> auto& { return p.gateway.door.first_message_auth; })},
      {"token_in_url", flag([](Plan& p) -> auto& { return p.gateway.door.token_in_url; })},
      {"development", flag([](Plan& p) -> auto& { return p.gateway.door.reveal; })},
      {"address_handshakes", number([](Plan& p) -> auto& { return p.addresses.handshakes; })},
      {"address_refusals", number([](Plan& p) -> auto& { return p.addresses.refusals; })},
      {"address_connections", number([](Plan& p) -> auto& { return p.addresses.connections; })},
      {"connection_limit", number([](Plan& p) -> auto& { return p.connections.connections; })},
      {"pending_limit", number([](Plan& p) -> auto& { return p.connections.pending; })},
      {"refusal_upgrades", number([](Plan& p) -> auto& { return p.connections.refusal_upgrades; })},
      {"connect_rate", number([](Plan& p) -> auto& { return p.connections.connects_per_s; })},
      {"user_connections", number([](Plan& p) -> auto& { return p.connections.per_user; })},
      {"invitations_sent", number([](Plan& p) -> auto& { return p.store.policy.invitations_sent; })},
      {"invitations_to_one", number([](Plan& p) -> auto& { return p.store.policy.invitations_to_one; })},
      {"invitations_received", number([](Plan& p) -> auto& { return p.store.policy.invitations_received; })},
      {"history_messages", number([](Plan& p) -> auto& { return p.store.policy.history_messages; })},
      {"store_queue", number([](Plan& p) -> auto& { return p.store.policy.queue_limit; })},
      {"revocation_max_age", duration([](Plan& p) -> auto& { return p.revocations.max_age; })},
      {"non_durable_rooms", [](Plan& p, const std::string& value) { p.non_durable_rooms.push_back(value); }},
      {"refuse_with",
          [](Plan& p, const std::string& value) {
    p.gateway.door.refuse_with = value == "http" ? admission::RefuseWith::http
        : value == "close"                       ? admission::RefuseWith::close
                                                 : admission::RefuseWith::automatic;
  }},
      {"trusted_proxies",
          [](Plan& p, const std::string& value) {
    p.http.trusted_proxies.networks.push_back(must(http::Network::parse(value)));
  }},
      {"proxy_header", [](Plan& p, const std::string& value) { p.http.trusted_proxies.header = value; }},
      {"answer_bytes", number([](Plan& p) -> auto& { return p.gateway.answer_bytes; })},
      {"accounts", [](Plan& p, const std::string& value) { p.accounts = value == "real"; }},
      {"auth_service", [](Plan& p, const std::string& value) { p.remote = value == "remote"; }},
      {"compression", flag([](Plan& p) -> auto& { return p.gateway.compression.enabled; })},
      {"compression_min_bytes", number([](Plan& p) -> auto& { return p.gateway.compression.min_bytes; })},
      {"compression_context_takeover", flag([](Plan& p) -> auto& { return p.gateway.compression.takeover; })},
      {"echo", [](Plan& p, const std::string& value) { p.echo = value; }},
  };
  return table;
}

Plan plan_of(const Settings& settings) {
  Plan plan;
  plan.gateway.door.allowed_origins = {std::string(kNodeOrigin), "http://localhost:8000"};
  plan.gateway.door.public_ws_base = "ws://127.0.0.1:8000";
  for (const auto& [name, value] : settings) {
    const auto found = setters().find(name);
    if (found == setters().end()) throw std::invalid_argument("no such setting: " + name);
    found->second(plan, value);
  }
  static_cast<http::SocketPolicy&>(plan.http) = plan.gateway;
  plan.gateway.door.sockets = {{.path = "/ws/chat", .subprotocols = {"foyer.v1"}}};
  if (plan.echo != "off")
    plan.gateway.door.sockets.push_back({.path = "/ws/echo",
        .subprotocols = {},
        .needs_token = plan.echo == "token",
        .needs_chat_permission = false,
        .first_message = false});
  plan.gateway.rooms.durability = rooms::Durability(plan.non_durable_rooms);
  return plan;
}

protocol::WelcomeConstants welcome_constants(const gateway::GatewayPolicy& g) {
  return {.heartbeat = g.heartbeat_interval,
      .message_bytes = g.message_bytes,
      .text_bytes = g.text_bytes,
      .rooms = g.rooms_per_connection,
      .messages_per_s = g.messages_per_s,
      .name_bytes = g.name_bytes,
      .version = "0.0.0",
      .build = "harness",
      .environment = std::string(kEnvironment),
      .config = "00000000"};
}

// The last lines of the log.
class KeptLog final : public Log {
 public:
  void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields = {}) noexcept override {
    if (lines.size() == kLines) lines.pop_front();
    lines.push_back(format_line(LogFormat::json, "now", level, event, message, fields));
  }
  [[nodiscard]] bool enabled(Level level) const noexcept override { return level != Level::debug; }
  std::deque<std::string> lines;

 private:
  static constexpr std::size_t kLines = 1'000;
};

} // namespace

// What outlives a process: the clock, the disk, the auth service, the keys.
struct Node::World {
  World(const Settings& settings, CodecFactory c) : plan(plan_of(settings)), codec(std::move(c)) {
    if (!codec)
      codec = [constants = welcome_constants(plan.gateway)] { return std::make_unique<protocol::FoyerV1>(constants); };
  }
  Plan plan;
  CodecFactory codec;
  ManualClock clock{WallTime{plan.begun}};
  FixedEntropy entropy{plan.entropy};
  testing_world::TempDir data;
  KeptLog log;
  ScriptedAuth auth{clock};
  std::unique_ptr<ScriptedServer> auth_server = plan.remote ? std::make_unique<ScriptedServer>(clock, auth) : nullptr;
  jose::Key key = must(jose::Key::from_secret("a-secret-of-the-harness-of-40-characters"));
  jose::Signer signer = must(jose::Signer::make(key));
  jose::Signer foreign_signer =
      must(jose::Signer::make(must(jose::Key::from_secret("another-secret-of-somebody-else-entirely"))));
  std::function<bool()> on_pump;
  std::uint64_t credentials = 0;
  MonoTime synchronised{};
  bool disk_stalls = false;
  int probes = 0;

  // The files of the chat by those of the copy. New files: who has the old ones open goes on with them.
  void replace_data(bool whole) const {
    namespace fs = std::filesystem;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(data.path())) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && (name.starts_with("chat.db") || (whole && name == "witness")) &&
          !name.ends_with(".lock"))
        old.push_back(entry.path());
    }
    for (const auto& path : old) fs::remove(path);
    for (const auto& entry : fs::directory_iterator(data.file("copy"))) {
      const std::string name = entry.path().filename().string();
      if ((name.starts_with("chat.db") || (whole && name == "witness")) && !name.ends_with(".lock") &&
          !name.ends_with("-shm"))
        fs::copy_file(entry.path(), data.file(name));
    }
  }
};

// What a process has. Its queues are driven by the network's pump.
struct Node::Life {
  explicit Life(World& w) : world(w), network(w.clock, w.plan.loops), router(routes(), router_policy()) {
    std::vector<io::Loop*> loops;
    for (std::size_t i = 0; i < network.size(); ++i) loops.push_back(&network.loop(i));
    gateway.emplace(loops, world.plan.gateway, deps());
    server.emplace(loops, gateway->upgrades(), world.plan.http, http_deps());
    gateway->watch_store();
    gateway->watch_revocations();
    network.listen([this](io::Loop& loop) { return server->accept_function(loop.index()); });
    network.also_pump([this] {
      return control.run_next() || accounts_work.run_next() || (!world.disk_stalls && disk.run_next()) ||
          control.run_repeated() || control.run_timer() || (world.auth_server && world.auth_server->run());
    });
    network.also_pump([this] { return world.on_pump && world.on_pump(); });
    if (remote) network.pump(); // it hears of revocations before anybody comes
  }
  ~Life() { network.close_all(); }

  // The routes are made before the gateway and the server are.
  struct Info final : observe::GatewayInfo {
    explicit Info(const Life& l) : life(l) {}
    const Life& life;
    [[nodiscard]] std::vector<observe::RefusalRecord> refusals(const observe::RefusalFilter& filter) const override {
      return life.ring.find(filter);
    }
    [[nodiscard]] std::uint64_t connections() const override { return life.gateway->connections(); }
    [[nodiscard]] bool draining() const override { return life.server->draining(); }
    [[nodiscard]] bool loops_turn() const override { return life.server->loops_turn(); }
  };
  std::unique_ptr<accounts::AccountStore> open_account_store() {
    if (!world.plan.accounts) return nullptr;
    accounts::SqliteStoreOptions options{.executor = &accounts_work};
    return must(accounts::open_sqlite_store(
        world.data.file("accounts.db"), std::move(options), world.clock, world.entropy, metrics, world.log));
  }
  std::unique_ptr<accounts::AccountService> make_accounts() {
    if (!world.plan.accounts) return nullptr;
    accounts::AccountsPolicy policy;
    policy.issuer = kIssuer;
    policy.audience = kAudience;
    policy.environment = kEnvironment;
    policy.leeway = world.plan.gateway.leeway;
    policy.insecure_cookies = true;
    policy.public_url = kNodeOrigin;
    policy.allowed_origins = world.plan.gateway.door.allowed_origins;
    policy.registration = accounts::Registration::open;
    policy.hash_cost = {.memory_kib = 8, .passes = 1, .lanes = 1};
    accounts::Runners runners{.control = control, .hashing = [this](exec::Work work) {
      accounts_work.post(std::move(work.run));
      return true;
    }};
    const store::SealKey seal = must(store::SealKey::from_secret("the store's key of the harness, of 45 letters"));
    signing_keys = std::make_unique<accounts::SigningKeys>(world.signer, *account_store, seal,
        accounts::KeyRotationPolicy{.longest_token_life = policy.access_ttl, .leeway = policy.leeway}, runners,
        world.clock, world.entropy, world.log);
    signing_keys->start([](Result<bool> ready) { must(std::move(ready)); });
    auto service = std::make_unique<accounts::AccountService>(*account_store, *signing_keys, seal, std::move(policy),
        std::move(runners), world.clock, world.entropy, world.log, metrics,
        [this](UserId user) { gateway->rooms().forget_author(std::move(user), [](Result<bool>) {}); });
    service->start();
    return service;
  }
  auth::AuthService& auth_service() {
    if (account_service) return *account_service;
    if (remote) return *remote;
    return world.auth;
  }
  auth::Context surroundings() {
    return {.clock = world.clock,
        .entropy = world.entropy,
        .log = world.log,
        .metrics = metrics,
        .transport = world.auth_server->transport(),
        .control = control};
  }
  std::unique_ptr<auth::RevocationStream> make_stream() {
    if (!world.plan.remote) return nullptr;
    return std::make_unique<auth::RevocationStream>(surroundings(), service_identity);
  }
  std::unique_ptr<auth::RemoteAuthService> make_remote() {
    if (!world.plan.remote) return nullptr;
    return std::make_unique<auth::RemoteAuthService>(surroundings(), service_identity, auth::ClientPolicy{}, *stream);
  }

  std::unique_ptr<LossyStore> open_store() {
    engine::SqliteStoreOptions options = world.plan.store;
    options.survive_power_loss = false;
    options.vfs = testing_world::Faults::vfs();
    options.executor = &disk;
    options.witness = world.data.file("witness");
    return std::make_unique<LossyStore>(must(engine::open_sqlite_store(
        world.data.file("chat.db"), std::move(options), world.clock, world.entropy, metrics, world.log)));
  }
  auth::LocalVerifier make_verifier() {
    jose::VerifierPolicy policy{.issuer = std::string(kIssuer),
        .audience = std::string(kAudience),
        .environment = std::string(kEnvironment),
        .own_accounts = true,
        .leeway = world.plan.gateway.leeway};
    return {jose::Verifier(must(jose::KeySet::of(world.key)), std::move(policy)), true, metrics};
  }
  std::vector<Route> routes() {
    const observe::HealthCheck chat_store{"chat_store", true, [this] {
      const auto probed = store->probe();
      return probed ? observe::HealthState::ok() : observe::HealthState::failing(std::string(probed.error().code()));
    }};
    std::vector<Route> all = admin::operator_routes({.build = {.version = "0.0.0",
                                                         .build = "harness",
                                                         .environment = std::string(kEnvironment),
                                                         .config = "00000000",
                                                         .started = world.clock.mono()},
        .clock = world.clock,
        .metrics = metrics,
        .gateway = &info,
        .api_key = std::string(kApiKey),
        .ready = {chat_store},
        .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }});
    all.push_back({"GET", "/rooms/{room}/messages/{offset}",
        [this](Request request, Reply reply) { gateway->message(std::move(request), std::move(reply)); }});
    if (account_service)
      for (Route& route : accounts::routes(
               *account_service, [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }))
        all.push_back(std::move(route));
    return all;
  }
  void refused(const Request& request, const Refusal& refusal) {
    addresses.refused(request.address, refusal.cause, world.clock.mono());
    reporter.report(request, refusal);
  }
  http::RouterPolicy router_policy() {
    return {.door = &world.plan.gateway.door,
        .version = "0.0.0",
        .build = "harness",
        .on_refusal = [this](const Request& request, const Refusal& refusal) { refused(request, refusal); }};
  }
  gateway::GatewayDeps deps() {
    return {.clock = world.clock,
        .entropy = world.entropy,
        .log = world.log,
        .metrics = metrics,
        .room_log = store.get(),
        .directory = store.get(),
        .auth_service = auth_service(),
        .verifier = verifier,
        .revocations = revocations,
        .router = router,
        .reporter = reporter,
        .addresses = addresses,
        .users = users,
        .gauges = gauges,
        .codec = world.codec};
  }
  http::Deps http_deps() {
    return {.clock = world.clock,
        .entropy = world.entropy,
        .log = world.log,
        .metrics = metrics,
        .router = router,
        .reporter = reporter,
        .addresses = addresses,
        .plain_gets = plain_gets,
        .limits = gauges,
        .control = control};
  }

  World& world;
  Metrics metrics;
  ManualExecutor control{world.clock}, disk{world.clock}, accounts_work{world.clock};
  MemoryNetwork network;
  std::unique_ptr<LossyStore> store = open_store();
  std::unique_ptr<accounts::AccountStore> account_store = open_account_store();
  std::unique_ptr<accounts::SigningKeys> signing_keys;
  std::unique_ptr<accounts::AccountService> account_service = make_accounts();
  const auth::ServiceIdentity service_identity{"gateway-1", auth::testing_world::kServiceSecret};
  std::unique_ptr<auth::RevocationStream> stream = make_stream();
  std::unique_ptr<auth::RemoteAuthService> remote = make_remote();
  auth::LocalVerifier verifier = make_verifier();
  auth::RevocationTable revocations{world.plan.revocations};
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, metrics, world.log, world.clock};
  admission::AddressLimits addresses{world.plan.addresses};
  admission::AddressLimits plain_gets{world.plan.addresses};
  admission::UserConnections users{world.plan.connections.per_user};
  admission::ConnectionLimits gauges{world.plan.connections};
  Info info{*this};
  http::Router router;
  std::optional<gateway::Gateway> gateway;
  std::optional<http::Server> server;
};

Node::Node(const Settings& settings, CodecFactory codec) : world_(std::make_unique<World>(settings, std::move(codec))) {
  set_disk(Disk::well);
  life_ = std::make_unique<Life>(*world_);
}
Node::~Node() { set_disk(Disk::well); }

ManualClock& Node::clock() { return world_->clock; }
MemoryNetwork& Node::network() { return life_->network; }
ScriptedAuth& Node::auth() { return world_->auth; }
const std::deque<std::string>& Node::log() const { return world_->log.lines; }
void Node::forget_log() { world_->log.lines.clear(); }
Node::Held Node::held() const {
  const auto& gauges = life_->gauges;
  return {.admitted = life_->gateway->connections(),
      .connections = gauges.connections(),
      .pending = gauges.pendings(),
      .refusal_upgrades = gauges.refusal_upgrades()};
}
bool Node::set_auth_weather(std::string_view words) {
  if (world_->auth_server) return world_->auth_server->set_weather(words);
  using Mood = ScriptedAuth::Mood;
  for (const auto& [name, mood] :
      {std::pair{"is away", Mood::away}, std::pair{"is silent", Mood::silent}, std::pair{"is well", Mood::well}}) {
    if (words != name) continue;
    world_->auth.set_mood(mood);
    return true;
  }
  return false;
}
void Node::pump() { life_->network.pump(); }
void Node::turn(std::size_t loop) { life_->network.turn(loop); }
void Node::turn_disk() { life_->disk.run_next(); }
void Node::on_pump(std::function<bool()> step) { world_->on_pump = std::move(step); }

void Node::advance(Millis time) {
  constexpr Millis kMinute{60'000};
  while (time > Millis{0}) {
    const Millis step = std::min(time, Millis{1'000});
    life_->network.advance(step);
    time -= step;
    if (world_->clock.mono() - world_->synchronised < kMinute) continue;
    world_->synchronised = world_->clock.mono();
    world_->auth.synchronise();
  }
}

Node::Token Node::token(const Wish& wish) {
  const auto number = ++world_->credentials;
  const auto or_else = [](const std::string& given, std::string_view usual) {
    return given.empty() ? std::string(usual) : given;
  };
  std::string name = or_else(wish.name, wish.user);
  if (wish.name.empty() && !name.empty())
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  const WallTime now = world_->clock.wall();
  const jose::AccessClaims claims{.issuer = or_else(wish.issuer, kIssuer),
      .audience = or_else(wish.audience, kAudience),
      .subject = UserId(wish.user),
      .issued_at = wish.lives < Millis{0} ? now + wish.lives - Millis{900'000} : now,
      .expires_at = now + wish.lives,
      .token = TokenId(fmt::format("token-{}", number)),
      .client_id = "harness",
      .session = SessionId(or_else(wish.session, "session-" + wish.user)),
      .name = name,
      .permissions = parse_scope(wish.scope),
      .environment = or_else(wish.environment, kEnvironment)};
  json::Object object = json::parse(jose::write_claims(claims))->as_object();
  if (wish.valid_in != Millis{0}) object["nbf"] = unix_seconds(now + wish.valid_in);
  const jose::Signer& signer = wish.foreign_key ? world_->foreign_signer : world_->signer;
  std::string text = signer.sign(object, or_else(wish.type, "at+jwt"));
  if (wish.wrong_signature) {
    const std::size_t first = text.rfind('.') + 1;
    text[first] = text[first] == 'A' ? 'B' : 'A';
  }
  return {.text = std::move(text),
      .identity = {.user = claims.subject,
          .name = claims.name,
          .session = claims.session,
          .token = claims.token,
          .permissions = claims.permissions,
          .issued_at = claims.issued_at,
          .expires_at = claims.expires_at,
          .own_account = true}};
}

std::string Node::ticket(const Wish& wish, std::string origin) {
  Identity identity = token(wish).identity;
  identity.token = {};
  std::string text = world_->entropy.token();
  world_->auth.issue_ticket(text, std::move(identity), std::move(origin));
  return text;
}

std::string Node::cookie(const Wish& wish) {
  Identity identity = token(wish).identity;
  identity.token = {};
  std::string text = world_->entropy.token();
  world_->auth.issue_cookie(text, std::move(identity));
  return text;
}

void Node::set_disk(Disk disk) {
  world_->disk_stalls = disk == Disk::stalled;
  switch (disk) {
    case Disk::well:
    case Disk::stalled: return testing_world::Faults::none();
    case Disk::full: return testing_world::Faults::writes_fail_with(ENOSPC);
    case Disk::broken: return testing_world::Faults::writes_fail_with(EIO);
    case Disk::read_only: return testing_world::Faults::writes_fail_with(EROFS);
  }
}

void Node::drain() {
  life_->server->drain([] {});
  life_->gateway->drain([] {});
}

std::map<std::pair<std::string, std::string>, std::int64_t> Node::copy_data() {
  namespace fs = std::filesystem;
  pump();
  const fs::path copy = world_->data.file("copy");
  fs::remove_all(copy);
  fs::create_directory(copy);
  // As one file: one that is put back beneath a connection must have no log beside it, which that one would remove.
  if (auto copied = store::copy_database(world_->data.file("chat.db"), (copy / "chat.db").string()); !copied)
    throw std::runtime_error(copied.error().operator_text());
  fs::copy_file(world_->data.file("witness"), copy / "witness");
  std::map<std::pair<std::string, std::string>, std::int64_t> heads;
  const auto db = must(store::open_sqlite(world_->data.file("chat.db"), {.access = store::Access::read_only}));
  auto rows = must(db->query("SELECT name, epoch, last_offset FROM rooms WHERE name IS NOT NULL"));
  while (must(rows.step())) heads[{rows.text(0), rows.text(1)}] = rows.integer(2);
  return heads;
}

void Node::put_back(bool whole) {
  if (world_->on_pump) world_->on_pump();
  life_->disk.forget_posted();
  life_.reset();
  if (world_->on_pump) world_->on_pump();
  world_->replace_data(whole);
  life_ = std::make_unique<Life>(*world_);
}

void Node::put_back_beneath() {
  RoomName room;
  const auto write = [this, &room] {
    room = RoomName{fmt::format("made-by-the-harness-{}", ++world_->probes)};
    life_->store->open({.room = room, .make = true}, [](Result<rooms::RoomRow>) {});
    pump();
  };
  const auto arrived = [this, &room] {
    const auto db = must(store::open_sqlite(world_->data.file("chat.db"), {.access = store::Access::read_only}));
    auto rows = must(db->query("SELECT 1 FROM rooms WHERE name = ?", room));
    return must(rows.step());
  };
  pump();
  set_disk(Disk::broken);
  write(); // fails, and the connection is given up
  world_->replace_data(false);
  // A connection that was opened before the file was replaced still writes the former one.
  for (int tries = 0; tries < 10; ++tries) {
    set_disk(Disk::well);
    write();
    if (arrived()) return;
    set_disk(Disk::broken);
    write();
  }
  throw std::runtime_error("the store does not open the database that was put back");
}
void Node::lose_answers(std::size_t count) { life_->store->lose(count); }
void Node::reads_fail(bool fail) { life_->store->reads_fail(fail); }
void Node::store_opens_again() { life_->store->open_again(); }
void Node::store_belongs_to_another() { life_->store->belong_to_another(); }

void Node::restart(bool in_order) {
  if (in_order) {
    drain();
    advance(world_->plan.gateway.drain_timeout);
  } else {
    life_->disk.forget_posted(); // what was not written is lost
  }
  life_.reset();
  if (world_->on_pump) world_->on_pump(); // the peers see their connections end
  life_ = std::make_unique<Life>(*world_);
}

} // namespace foyer::harness
