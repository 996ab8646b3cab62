#include "redis/cluster_commands.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;

constexpr Millis kSplitAgain{50}; // the keys of a command are on two nodes: until the next attempt

struct Sent {
  Command command = {};
  ReplyCompletion done = {};
  Slot slot = 0;
  MonoTime deadline = {}; // no further attempt
  int redirects = 0;
  std::optional<Endpoint> ask = {}; // the next attempt goes there, after ASKING
};
using SentPtr = std::shared_ptr<Sent>;

} // namespace

Slot slot_of_command(const Command& command) {
  const bool script = !command.empty() && (command[0] == "EVALSHA" || command[0] == "EVAL");
  const std::size_t key = script ? 3 : 1;
  const bool keyless = command.size() <= key || command[0] == "INFO" || (script && command[2] == "0");
  return keyless ? Slot{0} : slot_of(command[key]);
}

struct ClusterCommands::State {
  State(std::shared_ptr<Cluster> c, Server s, Policy p, Entropy& e, ConnectionWatch w)
      : cluster(std::move(c)),
        server(std::move(s)),
        policy(p),
        entropy(e),
        watch(std::move(w)),
        plane("redis") {
    watching = cluster->watch([this] { plane.post([this] { follow(); }); });
  }
  void finish();
  void flush();
  void dispatch(SentPtr sent);
  void answered(const SentPtr& sent, std::expected<Reply, Failure> answer);
  void settle(Slot slot);
  void follow();
  void drop_connections();
  Connection& connection(const Endpoint& at);

  const std::shared_ptr<Cluster> cluster;
  const Server server;
  const Policy policy;
  Entropy& entropy;
  const ConnectionWatch watch;
  std::shared_ptr<void> watching;

  std::mutex mutex; // the next members
  std::deque<SentPtr> queued;
  bool flush_posted = false;

  // A slot that moves: nothing is sent until all answers to what was sent are there.
  struct Moving {
    bool split = false;             // the keys of some command are on two nodes: a moment later
    std::deque<SentPtr> again = {}; // redirected, in their order
    std::deque<SentPtr> later = {}; // sent meanwhile
  };
  exec::ControlPlane plane; // what follows: its thread only
  std::unordered_map<Slot, std::size_t> in_flight;
  std::unordered_map<Slot, Moving> moving;
  std::map<Endpoint, std::unique_ptr<Connection>> connections;
  std::deque<SentPtr> unplaced; // before the first answer of the cluster
  bool ending = false;
};

void ClusterCommands::State::finish() {
  watching.reset();
  plane.stop();
  ending = true;
  connections.clear(); // answers what is in flight
  const Failure closed{.kind = Kind::closed, .what = cluster->name() + ": this end is closing"};
  for (auto& [slot, each] : moving)
    for (auto* list : {&each.again, &each.later})
      for (const SentPtr& sent : *list) sent->done(std::unexpected(closed));
  std::deque<SentPtr> unsent;
  {
    const std::lock_guard held(mutex);
    unsent = std::exchange(queued, {});
  }
  for (auto* list : {&unplaced, &unsent})
    for (const SentPtr& sent : *list) sent->done(std::unexpected(closed));
}

void ClusterCommands::State::flush() {
  std::deque<SentPtr> taken;
  {
    const std::lock_guard held(mutex);
    flush_posted = false;
    taken = std::exchange(queued, {});
  }
  for (SentPtr& sent : taken) dispatch(std::move(sent));
}

Connection& ClusterCommands::State::connection(const Endpoint& at) {
  auto& found = connections[at];
  if (!found) {
    Server there = server;
    there.url.host = at.host;
    there.url.port = at.port;
    found = std::make_unique<Connection>(std::move(there), policy, entropy, watch, plane);
  }
  return *found;
}

void ClusterCommands::State::dispatch(SentPtr sent) {
  if (const auto found = moving.find(sent->slot); found != moving.end()) {
    found->second.later.push_back(std::move(sent));
    return;
  }
  const SlotMapPtr map = cluster->map();
  const Endpoint* at = map->at(sent->slot);
  if (at == nullptr && map->covered() == 0 && !cluster->trouble()) {
    unplaced.push_back(std::move(sent)); // it is being asked
    return;
  }
  if (at == nullptr) {
    const auto why = cluster->trouble();
    return sent->done(std::unexpected(Failure{.kind = Kind::unreachable,
        .what = why ? *why : cluster->name() + ": no node has the slot " + std::to_string(sent->slot)}));
  }
  const auto ask = std::exchange(sent->ask, std::nullopt);
  ++in_flight[sent->slot];
  Connection& there = connection(ask ? *ask : *at);
  ReplyCompletion done = [this, sent](std::expected<Reply, Failure> answer) { answered(sent, std::move(answer)); };
  if (ask)
    there.send_asking(sent->command, std::move(done));
  else
    there.send(sent->command, std::move(done));
}

void ClusterCommands::State::answered(const SentPtr& sent, std::expected<Reply, Failure> answer) {
  if (--in_flight[sent->slot] == 0) in_flight.erase(sent->slot);
  const auto redirect = answer ? std::nullopt : answer.error().redirect;
  const bool split = !answer && answer.error().kind == Kind::split;
  if (split && !ending && system_clock().mono() + kSplitAgain < sent->deadline) {
    Moving& slot = moving[sent->slot];
    slot.split = true;
    slot.again.push_back(sent);
  } else if (redirect && !ending && ++sent->redirects <= kMostRedirects) {
    if (redirect->ask)
      sent->ask = redirect->to;
    else
      cluster->moved(*redirect);
    moving[sent->slot].again.push_back(sent);
  } else {
    sent->done(std::move(answer));
  }
  settle(sent->slot);
}

void ClusterCommands::State::settle(Slot slot) {
  if (ending || in_flight.contains(slot)) return;
  const auto found = moving.find(slot);
  if (found == moving.end()) return;
  if (std::exchange(found->second.split, false)) {
    plane.after(kSplitAgain, [this, slot] { settle(slot); });
    return;
  }
  Moving now = std::move(found->second);
  moving.erase(found);
  for (auto* list : {&now.again, &now.later})
    for (SentPtr& sent : *list) dispatch(std::move(sent));
}

// The cluster has changed.
void ClusterCommands::State::follow() {
  drop_connections();
  for (SentPtr& sent : std::exchange(unplaced, {})) dispatch(std::move(sent));
}

// To nodes that are no primaries any more. What is in flight there fails: a frozen node would let it wait.
void ClusterCommands::State::drop_connections() {
  const SlotMapPtr map = cluster->map();
  std::vector<std::unique_ptr<Connection>> gone;
  for (auto it = connections.begin(); it != connections.end();) {
    const bool kept = std::ranges::find(map->primaries(), it->first) != map->primaries().end();
    if (!kept) gone.push_back(std::move(it->second));
    it = kept ? std::next(it) : connections.erase(it);
  }
}

ClusterCommands::ClusterCommands(
    std::shared_ptr<Cluster> cluster, Server server, Policy policy, Entropy& entropy, ConnectionWatch watch)
    : state_(std::make_unique<State>(std::move(cluster), std::move(server), policy, entropy, std::move(watch))) {}
ClusterCommands::~ClusterCommands() { state_->finish(); }

void ClusterCommands::send(Command command, ReplyCompletion done) {
  auto sent = std::make_shared<Sent>();
  sent->slot = slot_of_command(command);
  if (!command.empty() && command[0] == "PUBLISH") command[0] = "SPUBLISH";
  sent->command = std::move(command);
  sent->done = std::move(done);
  State& s = *state_;
  sent->deadline = system_clock().mono() + s.policy.command_timeout;
  const std::lock_guard held(s.mutex);
  s.queued.push_back(std::move(sent));
  if (!std::exchange(s.flush_posted, true)) s.plane.post([&s] { s.flush(); });
}

} // namespace foyer::redis
