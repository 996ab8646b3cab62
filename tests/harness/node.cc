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
#include "app/policies.h"
#include "auth/remote_auth_service.h"
#include "auth/revocation_stream.h"
#include "base/manual_executor.h"
#include "config/table.h"
#include "engine/memory/shared_state.h"
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

// The shipped defaults, for a node at kNodeOrigin whose passwords cost little.
config::Config config_of_a_node() {
  config::Config config = config::defaults_for(config::Environment::test);
  config.loops = 2;
  config.public_url = kNodeOrigin;
  config.allowed_origins = {std::string(kNodeOrigin), "http://localhost:8000"};
  config.jwt_issuer = kIssuer;
  config.accounts.registration = config::Registration::open;
  config.argon2_memory = std::uint64_t{8} * 1024;
  config.accounts.hash_cost.passes = 1;
  return config;
}

// What `given` can change: the options of the server, and what only a test has.
struct Plan {
  config::Config config = config_of_a_node();
  http::Policy http;               // out of the configuration
  gateway::GatewayPolicy gateway;  // likewise
  std::uint64_t entropy = 1;       // what FixedEntropy begins with
  Millis begun{1'700'000'000'000}; // the time of day at first, since 1970
  bool remote = false;             // the scripted auth service is asked over HTTP, by the shipped client
  bool accounts = false;           // the real auth service in this process, instead of the scripted one
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

using Setter = void (*)(Plan&, const std::string&);

const std::map<std::string, Setter, std::less<>>& setters() {
  static const std::map<std::string, Setter, std::less<>> table{
      {"entropy", [](Plan& p, const std::string& value) { p.entropy = number_of(value); }},
      {"clock_ahead", [](Plan& p, const std::string& value) { p.begun += duration_of(value); }},
      {"development", [](Plan& p, const std::string& value) { p.config.gateway.door.reveal = value == "true"; }},
      {"answer_bytes", [](Plan& p, const std::string& value) { p.config.gateway.answer_bytes = number_of(value); }},
      {"accounts", [](Plan& p, const std::string& value) { p.accounts = value == "real"; }},
      {"auth_service", [](Plan& p, const std::string& value) { p.remote = value == "remote"; }},
  };
  return table;
}

// Without the bounds of the option: scenarios reach limits that nobody would configure.
void set_option(config::Config& config, const std::string& name, const std::string& value) {
  const config::Option* known = config::find_option(name);
  if (known == nullptr) throw std::invalid_argument("no such setting: " + name);
  config::Option option = *known;
  option.min = option.max = 0;
  if (!config::parse_value(option, value, config))
    throw std::invalid_argument(fmt::format("{} takes {}", name, config::rule_text(option)));
}

observe::BuildInfo build_info() {
  return {.version = "0.0.0", .build = "harness", .environment = std::string(kEnvironment), .config = "00000000"};
}

Plan plan_of(const Settings& settings) {
  Plan plan;
  for (const auto& [name, value] : settings) {
    const auto found = setters().find(name);
    if (found == setters().end())
      set_option(plan.config, name, value);
    else
      found->second(plan, value);
  }
  plan.http = app::http_policy(plan.config);
  plan.gateway = app::gateway_policy(plan.config, plan.config.loops);
  return plan;
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
      codec = [constants = app::welcome_constants(plan.config, build_info())] {
        return std::make_unique<protocol::FoyerV1>(constants);
      };
  }
  Plan plan;
  CodecFactory codec;
  ManualClock clock{WallTime{plan.begun}};
  FixedEntropy entropy{plan.entropy};
  FixedEntropy seeds{plan.entropy}; // of hashes that nobody sees; the identifiers do not depend on how many there are
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
  explicit Life(World& w) : world(w), network(w.clock, w.plan.config.loops), router(routes(), router_policy()) {
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
    accounts::AccountsPolicy policy = app::accounts_policy(world.plan.config);
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
        std::move(runners), shared, world.clock, world.entropy, world.log, metrics);
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
    return std::make_unique<auth::RemoteAuthService>(surroundings(), service_identity, world.plan.config.auth, *stream);
  }

  std::unique_ptr<LossyStore> open_store() {
    engine::SqliteStoreOptions options{.policy = world.plan.config.store, .survive_power_loss = false};
    options.vfs = testing_world::Faults::vfs();
    options.executor = &disk;
    options.witness = world.data.file("witness");
    return std::make_unique<LossyStore>(must(engine::open_sqlite_store(
        world.data.file("chat.db"), std::move(options), world.clock, world.entropy, metrics, world.log)));
  }
  auth::LocalVerifier make_verifier() {
    return {jose::Verifier(must(jose::KeySet::of(world.key)), app::verifier_policy(world.plan.config)), true, metrics};
  }
  std::vector<Route> routes() {
    const observe::HealthCheck chat_store{"chat_store", true, [this] {
      const auto probed = store->probe();
      return probed ? observe::HealthState::ok() : observe::HealthState::failing(std::string(probed.error().code()));
    }};
    observe::BuildInfo build = build_info();
    build.started = world.clock.mono();
    std::vector<Route> all = admin::operator_routes({.build = build,
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
  engine::MemorySharedState shared{world.clock};
  std::unique_ptr<accounts::AccountService> account_service = make_accounts();
  const auth::ServiceIdentity service_identity{"gateway-1", auth::testing_world::kServiceSecret};
  std::unique_ptr<auth::RevocationStream> stream = make_stream();
  std::unique_ptr<auth::RemoteAuthService> remote = make_remote();
  auth::LocalVerifier verifier = make_verifier();
  auth::RevocationTable revocations{app::revocation_policy(world.plan.config)};
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, metrics, world.log, world.clock};
  const admission::AddressPolicy by_address = app::address_policy(world.plan.config, world.seeds);
  admission::AddressLimits addresses{by_address};
  admission::AddressLimits plain_gets{app::plain_get_policy(by_address)};
  admission::UserConnections users{world.plan.config.connections.per_user};
  admission::ConnectionLimits gauges{world.plan.config.connections};
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
