#include "cli/node.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "app/bus.h"
#include "app/server.h"
#include "app/stores.h"
#include "auth/pooled_transport.h"
#include "base/json.h"
#include "base/metrics.h"
#include "cli/build_id.h"
#include "cli/process_limits.h"
#include "cli/process_metrics.h"
#include "cli/tls_port.h"
#include "exec/control.h"
#include "exec/work_queue.h"
#include "io/proxy_protocol.h"
#include "io/server.h"
#include "rooms/model/audience.h"

namespace foyer::cli {
namespace {

// How long a start waits for what the first clients are verified with; then it admits clients, who are refused.
constexpr Millis kFirstSynchronisation{2'000};
constexpr int kHashingNice = 10;
constexpr std::size_t kHostBytes = 256;

} // namespace

struct Node::Parts {
  Parts(config::Config c, store::DataDir& d, Log& l) : as_given(c), config(std::move(c)), data(d), log(l) {}

  const config::Config as_given; // before addresses are resolved, as checked by preflight
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

  std::unique_ptr<TlsPort> tls; // null: the port does not use TLS
  std::unique_ptr<io::LoopGroup> loops;
  std::unique_ptr<exec::WorkQueue> hashing; // with the auth role
  std::unique_ptr<exec::ControlPlane> control;
  std::unique_ptr<app::Server> server;
  std::unique_ptr<io::ProxyProtocol> proxy_protocol; // null: off
  std::atomic<bool> stopped{false};

  Result<void> build_all(std::string fingerprint);
  Result<void> bind();
  Result<void> open_tls();
  void make_threads();
  Result<void> make_server(MonoTime began);
  engine::MemberAbout about() const;
  Result<void> open_stores(app::Environment& environment);
  Result<void> start_server();
  void listen();
  void report();
  Ref refused(const Refusal& refusal, std::string_view peer) { return server->refused(refusal, peer); }
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
  const auto report = [this](const Refusal& refusal, std::string_view peer) { return refused(refusal, peer); };
  TRY(opened,
      TlsPort::open({.config = as_given, .clock = clock, .entropy = entropy, .log = log, .metrics = metrics}, report));
  tls = std::move(opened);
  return {};
}

void Node::Parts::make_threads() {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  loops = std::make_unique<io::LoopGroup>(
      std::min<std::size_t>(rooms::kMaxLoops, config.loops > 0 ? config.loops : cores), clock, log);
  control = std::make_unique<exec::ControlPlane>();
  if (!config.role_auth) return;
  const std::size_t threads = config.hashing_threads > 0 ? config.hashing_threads : std::max<std::size_t>(1, cores - 1);
  hashing = std::make_unique<exec::WorkQueue>("hashing", static_cast<int>(threads), config.hashing_queue, kHashingNice);
  hashing->report_to(metrics, "hashing_queue");
}

engine::MemberAbout Node::Parts::about() const {
  std::array<char, kHostBytes> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = 0;
  return {.host = host.data(),
      .url = address.url,
      .version = build.version,
      .build = build.build,
      .roles = config.role_auth && config.role_gateway ? "auth,gateway"
          : config.role_auth                           ? "auth"
                                                       : "gateway",
      .started = started};
}

Result<void> Node::Parts::open_stores(app::Environment& environment) {
  app::StoreDeps deps{.clock = clock,
      .entropy = entropy,
      .metrics = metrics,
      .log = log,
      .environment = build.environment,
      .node = entropy.short_id(),
      .about = about()};
  if (config.role_gateway) {
    if (!config.bus_url.empty()) { // its name is noted in the store
      TRY(bus, app::name_of_bus(config, entropy));
      deps.bus = std::move(bus);
    }
    TRY(chat, app::open_chat(config, deps));
    environment.chat = std::move(chat);
    TRY(between, app::open_between_nodes(config, deps, *control, *environment.chat));
    environment.between = std::move(between);
  }
  if (config.role_auth) {
    TRY(accounts, app::open_accounts(config, deps));
    environment.accounts = std::move(accounts);
    TRY(shared, app::open_shared_accounts(config, deps, *control));
    environment.shared_accounts = std::move(shared);
  }
  // A gateway alone seals the secrets of webhooks only: with PostgreSQL it may do without.
  if (config.role_auth || !app::uses_postgres(config) || !config.store_key.empty()) {
    TRY(seal, app::seal_key(config, data, entropy));
    environment.seal = std::move(seal);
  }
  return {};
}

Result<void> Node::Parts::make_server(MonoTime began) {
  app::Environment environment{.loops = {},
      .clock = clock,
      .entropy = entropy,
      .log = log,
      .metrics = metrics,
      .control = *control,
      .hashing = [this](exec::Work work) { return hashing->submit(std::move(work)); },
      .connect =
          [this](client::PoolOptions options) {
    return std::make_unique<auth::PooledTransport>(*control, std::move(options));
  },
      .post = [this](client::PoolOptions options) -> hooks::Post {
    auto pool = std::make_shared<client::HttpPool>(client::pool_driver(*control), std::move(options));
    return [pool](client::PoolCall call, client::HttpCompletion done) { pool->send(std::move(call), std::move(done)); };
  },
      .build = build,
      .began = began};
  for (std::size_t i = 0; i < loops->size(); ++i) environment.loops.push_back(&loops->loop(i));
  if (tls) environment.ready.push_back(tls->health());
  TRY_VOID(open_stores(environment));
  TRY(made, app::Server::build(config, std::move(environment)));
  server = std::move(made);
  return {};
}

Result<void> Node::Parts::start_server() {
  std::promise<Result<bool>> ready;
  auto answer = ready.get_future();
  server->start([&ready](Result<bool> result) { ready.set_value(std::move(result)); });
  TRY_VOID(answer.get());
  return {};
}

void Node::Parts::listen() {
  if (config.proxy_protocol != config::ProxyHeaders::off)
    proxy_protocol = std::make_unique<io::ProxyProtocol>(config.proxy_protocol == config::ProxyHeaders::required,
        [this](std::string_view peer) { return server->trusts(peer); },
        [this](const Refusal& refusal, std::string_view peer) { return refused(refusal, peer); });
  loops->listen(std::exchange(listener, nullptr), [this](io::EventLoop& loop) {
    auto accept = server->accept_function(loop.index());
    if (tls) accept = tls->server().secured(loop, std::move(accept));
    return proxy_protocol ? proxy_protocol->announced(std::move(accept)) : accept;
  });
  if (!metrics_listener) return;
  loops->listen(std::exchange(metrics_listener, nullptr),
      [this](io::EventLoop& loop) { return server->metrics_accept_function(loop.index()); });
}

void Node::Parts::report() {
  loops->report_to(metrics);
  report_process(metrics, started);
  report_build(metrics, build);
  report_accept_queue(metrics, listener);
  report_open_files(metrics);
}

Result<void> Node::Parts::build_all(std::string fingerprint) {
  const MonoTime began = clock.mono();
  TRY_VOID(bind());
  build = {.version = FOYER_VERSION,
      .build = build_id(),
      .environment = std::string(config::to_string(config.environment)),
      .config = std::move(fingerprint),
      .started = clock.mono()};
  make_threads();
  report();
  TRY_VOID(open_tls());
  TRY_VOID(make_server(began));
  TRY_VOID(start_server());
  listen();
  if (tls) tls->watch(*control);
  server->await_first_synchronisation(kFirstSynchronisation); // clients that connect meanwhile wait in the queue
  loops->start();
  return {};
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
  if (parts_->server->reload()) read.emplace_back("the key set");
  return read;
}

void Node::drain(std::function<void()> done) {
  auto once = std::make_shared<std::atomic<bool>>(false);
  const auto finish = [once, done = std::move(done)] {
    if (!once->exchange(true)) done();
  };
  Parts* p = parts_.get();
  const auto drain = [p, finish] {
    p->control->after(p->config.http.drain_timeout, finish);
    p->server->drain([p, finish] {
      p->loops->stop_listening([p, finish] {
        if (!p->stopped) p->server->when_empty(finish);
      });
    });
  };
  p->server->announce_drain();
  if (p->config.drain_delay.count() == 0) return drain();
  p->control->after(p->config.drain_delay, drain);
}

void Node::stop() {
  auto& p = *parts_;
  if (p.stopped.exchange(true)) return;
  if (p.loops) p.loops->stop(), p.loops->join();
  if (p.hashing) p.hashing->stop();
  if (p.control) p.control->stop();
  if (p.tls) p.tls->stop_watching();
  if (p.server) p.server->stop();
}

} // namespace foyer::cli
