#include "harness/node.h"

#include <fmt/format.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>

#include "app/policies.h"
#include "app/server.h"
#include "app/stores.h"
#include "base/manual_executor.h"
#include "harness/lossy_store.h"
#include "harness/plan.h"
#include "harness/scripted_server.h"
#include "jose/signer.h"
#include "store/sqlite.h"
#include "store/testing/store_world.h"

namespace foyer::harness {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().operator_text());
  return std::move(*result);
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
    plan.config.data = data.path();
  }
  Plan plan;
  CodecFactory codec;
  ManualClock clock{WallTime{plan.begun}};
  FixedEntropy entropy{plan.entropy};
  testing_world::TempDir data;
  KeptLog log;
  ScriptedAuth auth{clock};
  ScriptedApplication application{clock, plan.asks};
  std::unique_ptr<ScriptedServer> auth_server =
      !plan.config.role_auth ? std::make_unique<ScriptedServer>(clock, auth, auth_facts()) : nullptr;
  jose::Key key = must(jose::Key::from_secret(kTokenSecret));
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
      if (entry.is_regular_file() && (name.starts_with("chat.sqlite") || (whole && name == "witness")) &&
          !name.ends_with(".lock"))
        old.push_back(entry.path());
    }
    for (const auto& path : old) fs::remove(path);
    for (const auto& entry : fs::directory_iterator(data.file("copy"))) {
      const std::string name = entry.path().filename().string();
      if ((name.starts_with("chat.sqlite") || (whole && name == "witness")) && !name.ends_with(".lock") &&
          !name.ends_with("-shm"))
        fs::copy_file(entry.path(), data.file(name));
    }
  }
};

// Asks a transport that outlives the process.
class Borrowed final : public auth::Transport {
 public:
  explicit Borrowed(auth::Transport& transport) : transport_(transport) {}
  void send(auth::Call call, client::HttpCompletion done) override {
    transport_.send(std::move(call), std::move(done));
  }

 private:
  auth::Transport& transport_;
};

// The scripted auth service in the place of the auth role.
class ScriptedPart final : public app::AuthPart {
 public:
  ScriptedPart(ScriptedAuth& auth, jose::Verifier verifier, Metrics& metrics)
      : auth_(auth),
        verifier_(std::move(verifier), true, metrics) {}
  void start(Completion<bool> ready) override { ready(true); }
  [[nodiscard]] auth::AuthService& service() override { return auth_; }
  [[nodiscard]] const auth::LocalVerifier* verifier() override { return &verifier_; }

 private:
  ScriptedAuth& auth_;
  auth::LocalVerifier verifier_;
};

// What a process has: the server that ships, on queues that are driven by the network's pump.
struct Node::Life {
  explicit Life(World& w) : world(w), network(w.clock, w.plan.config.loops), server(make_server()) {
    network.listen([this](io::Loop& loop) { return server->accept_function(loop.index()); });
    network.also_pump([this] {
      return control.run_next() || accounts_work.run_next() || (!world.disk_stalls && disk.run_next()) ||
          control.run_repeated() || control.run_timer() || (world.auth_server && world.auth_server->run());
    });
    network.also_pump([this] { return world.on_pump && world.on_pump(); });
    bool started = false;
    server->start([&started](Result<bool> ready) { started = must(std::move(ready)); });
    if (!started) network.pump(); // it hears of revocations before anybody comes
    if (!started) throw std::logic_error("the server does not start");
  }
  ~Life() { network.close_all(); }

  app::Environment environment() {
    app::Environment out{.loops = {},
        .clock = world.clock,
        .entropy = world.entropy,
        .log = world.log,
        .metrics = metrics,
        .control = control,
        .hashing =
            [this](exec::Work work) {
      accounts_work.post(std::move(work.run));
      return true;
    },
        .connect =
            [this](const client::PoolOptions&) { return std::make_unique<Borrowed>(world.auth_server->transport()); },
        .build = build_info(),
        .began = world.clock.mono(),
        .codec = world.codec,
        .application = world.application.for_process(control)};
    out.build.started = world.clock.mono();
    for (std::size_t i = 0; i < network.size(); ++i) out.loops.push_back(&network.loop(i));
    return out;
  }
  std::unique_ptr<app::Server> make_server() {
    app::Environment out = environment();
    const config::Config& config = world.plan.config;
    app::StoreDeps deps{.clock = world.clock,
        .entropy = world.entropy,
        .metrics = metrics,
        .log = world.log,
        .executor = &disk,
        .vfs = testing_world::Faults::vfs()};
    auto lossy = std::make_unique<LossyStore>(must(app::open_chat(config, deps)));
    store = lossy.get();
    out.chat = std::move(lossy);
    if (world.plan.accounts) {
      deps.executor = &accounts_work;
      deps.vfs = {};
      out.accounts = must(app::open_accounts(config, deps));
      out.seal = must(store::SealKey::from_secret("the store's key of the harness, of 45 letters"));
    } else if (config.role_auth) {
      out.auth = std::make_unique<ScriptedPart>(
          world.auth, jose::Verifier(must(jose::KeySet::of(world.key)), app::verifier_policy(config)), metrics);
    }
    return must(app::Server::build(config, std::move(out)));
  }

  World& world;
  Metrics metrics;
  ManualExecutor control{world.clock}, disk{world.clock}, accounts_work{world.clock};
  MemoryNetwork network;
  LossyStore* store = nullptr; // of the server
  std::unique_ptr<app::Server> server;
};

Node::Node(const Settings& settings, CodecFactory codec) : world_(std::make_unique<World>(settings, std::move(codec))) {
  set_disk(Disk::well);
  life_ = std::make_unique<Life>(*world_);
}
Node::~Node() { set_disk(Disk::well); }

ManualClock& Node::clock() { return world_->clock; }
MemoryNetwork& Node::network() { return life_->network; }
ScriptedAuth& Node::auth() { return world_->auth; }
ScriptedApplication& Node::application() { return world_->application; }
const std::deque<std::string>& Node::log() const { return world_->log.lines; }
void Node::forget_log() { world_->log.lines.clear(); }
Node::Held Node::held() const {
  const auto& gauges = life_->server->connections();
  return {.admitted = life_->server->sockets(),
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
  if (!wish.rooms.empty()) object["rooms"] = json::Array(wish.rooms.begin(), wish.rooms.end());
  if (!wish.room.empty()) {
    object[wish.room_claim] = wish.room;
    for (const char* unneeded : {"jti", "client_id", "iat", "sid", "name", "scope"}) object.erase(unneeded);
  }
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
          .own_account = true,
          .rooms = wish.rooms}};
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

gateway::Clients& Node::clients() { return *life_->server->clients(); }
rooms::RoomService& Node::rooms() { return *life_->server->rooms(); }

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
}

void Node::ends(const engine::Ending& ending) {
  life_->store->endings().put_ending(ending, [](const Result<bool>& stored) { must(stored); });
}
void Node::unblocks(const std::string& user) {
  life_->store->endings().lift_block(user, [](const Result<bool>& lifted) { must(lifted); });
}

std::map<std::pair<std::string, std::string>, std::int64_t> Node::copy_data() {
  namespace fs = std::filesystem;
  pump();
  const fs::path copy = world_->data.file("copy");
  fs::remove_all(copy);
  fs::create_directory(copy);
  // As one file: one that is put back beneath a connection must have no log beside it, which that one would remove.
  if (auto copied = store::copy_database(world_->data.file("chat.sqlite"), (copy / "chat.sqlite").string()); !copied)
    throw std::runtime_error(copied.error().operator_text());
  fs::copy_file(world_->data.file("witness"), copy / "witness");
  std::map<std::pair<std::string, std::string>, std::int64_t> heads;
  const auto db = must(store::open_sqlite(world_->data.file("chat.sqlite"), {.access = store::Access::read_only}));
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
    const auto db = must(store::open_sqlite(world_->data.file("chat.sqlite"), {.access = store::Access::read_only}));
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
    advance(world_->plan.config.http.drain_timeout);
  } else {
    life_->disk.forget_posted(); // what was not written is lost
  }
  life_.reset();
  if (world_->on_pump) world_->on_pump(); // the peers see their connections end
  life_ = std::make_unique<Life>(*world_);
}

} // namespace foyer::harness
