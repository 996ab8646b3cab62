#include "redis/cluster.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "redis/cluster_view.h"
#include "redis/line.h"

namespace foyer::redis {

struct Cluster::State : std::enable_shared_from_this<State> {
  State(const BusUrl& url, client::TlsOptions t, Policy p, Entropy& e)
      : name(url.shown()),
        login(url.server),
        tls(std::move(t)),
        policy(p),
        entropy(e),
        view(url.seeds),
        plane("redis-watch") {}

  void start(Millis every);
  void finish();
  void open_lines();
  void ask_all();
  void ask(const Endpoint& node);
  void on_reply(const Endpoint& node, Reply reply);
  void said(const Endpoint& node, std::expected<ClusterAnswer, std::string> what);
  template <class Change>
  void change(Change&& apply);

  const std::string name;
  const ServerUrl login;
  const client::TlsOptions tls;
  const Policy policy;
  Entropy& entropy;

  mutable std::mutex mutex; // of the view
  ClusterView view;
  std::mutex watch_mutex; // held while watchers are called
  std::uint64_t last_watcher = 0;
  std::map<std::uint64_t, std::function<void()>> watchers;

  struct Node {
    std::unique_ptr<Line> line = {};
    bool asked = false; // without the answer
    MonoTime since = {};
    std::optional<Reply> info = {}; // the first of the two replies
  };
  exec::ControlPlane plane;
  std::map<Endpoint, Node> nodes; // the plane's thread only
};

void Cluster::State::start(Millis every) {
  plane.post([this] { open_lines(); });
  plane.every(every, [this] { ask_all(); });
}

void Cluster::State::finish() {
  plane.stop();
  nodes.clear();
}

// One for each node to ask, and no other.
void Cluster::State::open_lines() {
  std::vector<Endpoint> wanted;
  {
    const std::lock_guard held(mutex);
    wanted = view.nodes();
  }
  std::erase_if(nodes, [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
  for (const Endpoint& at : wanted) {
    const auto [entry, fresh] = nodes.try_emplace(at);
    if (!fresh) continue;
    Server server{.url = login, .tls = tls};
    server.url.host = at.host;
    server.url.port = at.port;
    entry->second.line = std::make_unique<Line>(plane, std::move(server), policy, entropy,
        Line::Events{.opened = [this, at] { ask(at); }, .reply = [this, at](Reply reply) {
      on_reply(at, std::move(reply));
    }, .lost = [this, at](const Failure& failure) {
      Node& node = nodes[at];
      node.asked = false;
      node.info.reset();
      said(at, std::unexpected(failure.what + " (" + std::string(to_string(failure.kind)) + ")"));
    }});
    entry->second.line->start();
  }
}

void Cluster::State::ask_all() {
  open_lines();
  std::vector<Endpoint> all;
  for (const auto& [at, node] : nodes) all.push_back(at);
  for (const Endpoint& at : all) ask(at);
}

void Cluster::State::ask(const Endpoint& at) {
  const auto found = nodes.find(at);
  if (found == nodes.end() || !found->second.line->open()) return;
  Node& node = found->second;
  const MonoTime now = system_clock().mono();
  if (node.asked && now - node.since >= policy.command_timeout)
    return node.line->fail({.kind = Failure::Kind::timeout,
        .what = at.shown() + ": no reply within " + std::to_string(policy.command_timeout.count()) + " ms"});
  if (node.asked) return;
  node.asked = true;
  node.since = now;
  std::string bytes;
  append_command(bytes, Command{"CLUSTER", "INFO"});
  append_command(bytes, Command{"CLUSTER", "SLOTS"});
  node.line->write(std::move(bytes));
}

void Cluster::State::on_reply(const Endpoint& at, Reply reply) {
  Node& node = nodes[at];
  if (!node.info) {
    node.info = std::move(reply);
    return;
  }
  const Reply info = *std::exchange(node.info, std::nullopt);
  node.asked = false;
  for (const Reply* each : {&info, &std::as_const(reply)})
    if (each->kind == Reply::Kind::error)
      return said(at, std::unexpected(at.shown() + " refused: " + shown_error(each->text)));
  const auto state = read_cluster_info(info.text);
  auto slots = read_slots(reply, at);
  if (!state || !slots)
    return said(at, std::unexpected(at.shown() + ": " + (slots ? "CLUSTER INFO says no state" : slots.error())));
  said(at, ClusterAnswer{.state = *state, .slots = *std::move(slots)});
}

template <class Change>
void Cluster::State::change(Change&& apply) {
  bool changed = false;
  {
    const std::lock_guard held(mutex);
    const SlotMapPtr before = view.map();
    const bool troubled = view.trouble().has_value();
    apply(view);
    changed = view.map() != before || view.trouble().has_value() != troubled;
  }
  if (!changed) return;
  const std::lock_guard held(watch_mutex);
  for (const auto& [id, told] : watchers) told();
}

void Cluster::State::said(const Endpoint& node, std::expected<ClusterAnswer, std::string> what) {
  change([&](ClusterView& v) { v.said(node, std::move(what), system_clock().mono()); });
}

Cluster::Cluster(const BusUrl& url, client::TlsOptions tls, Policy policy, Entropy& entropy, Millis every)
    : state_(std::make_shared<State>(url, std::move(tls), policy, entropy)) {
  state_->start(every);
}
Cluster::~Cluster() { state_->finish(); }

const std::string& Cluster::name() const { return state_->name; }

SlotMapPtr Cluster::map() const {
  const std::lock_guard held(state_->mutex);
  return state_->view.map();
}

std::optional<std::string> Cluster::trouble() const {
  const std::lock_guard held(state_->mutex);
  return state_->view.trouble();
}

void Cluster::moved(const Redirect& redirect) {
  state_->change([&](ClusterView& view) { view.moved(redirect); });
  refresh();
}

void Cluster::refresh() {
  state_->plane.post([state = state_.get()] { state->ask_all(); });
}

std::shared_ptr<void> Cluster::watch(std::function<void()> changed) {
  const std::lock_guard held(state_->watch_mutex);
  const std::uint64_t id = ++state_->last_watcher;
  state_->watchers.emplace(id, std::move(changed));
  return {nullptr, [state = state_, id](void*) {
    const std::lock_guard gone(state->watch_mutex);
    state->watchers.erase(id);
  }};
}

} // namespace foyer::redis
