#include "redis/cluster_channels.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "redis/subscriber.h"

namespace foyer::redis {
namespace {

using Kind = Failure::Kind;
using Done = Completion<bool, Failure>;

constexpr Millis kTryAgain{100}; // a node does not have a channel, and the cluster does not say yet who has

struct ChannelOrder {
  std::string channel;
  bool on = false;
  Done done = {};
};

struct Placed {
  std::optional<Endpoint> at = {}; // nothing: nobody has the slot, or another attempt follows
  std::uint64_t attempt = 0;       // answers to earlier ones do not count
  bool heard = false;              // confirmed there
  bool missed = false;             // somebody relies on it, and it has not been on all the time
  std::vector<Done> waiting = {};
};

} // namespace

struct ClusterChannels::State {
  State(std::shared_ptr<Cluster> c, Server s, Policy p, Entropy& e, ChannelEvents v)
      : cluster(std::move(c)),
        server(std::move(s)),
        policy(p),
        entropy(e),
        events(std::move(v)),
        plane("redis-hear") {
    watching = cluster->watch([this] { plane.post([this] { follow(); }); });
  }
  void finish();
  void order(ChannelOrder order);
  void flush();
  void place(const std::string& channel, Placed& placed);
  void answered(const std::string& channel, std::uint64_t attempt, const std::expected<bool, Failure>& heard);
  void heard_again(const std::string& channel);
  void unplace(const std::string& channel, const std::optional<Redirect>& to);
  void follow();
  Subscriber& node(const Endpoint& at);

  const std::shared_ptr<Cluster> cluster;
  const Server server;
  const Policy policy;
  Entropy& entropy;
  const ChannelEvents events;
  std::shared_ptr<void> watching;

  std::mutex mutex; // the next members
  std::deque<ChannelOrder> orders;
  bool flush_posted = false;

  exec::ControlPlane plane; // what follows: its thread only
  std::unordered_map<std::string, Placed> channels;
  std::map<Endpoint, std::unique_ptr<Subscriber>> nodes;
  std::uint64_t attempts = 0;
};

void ClusterChannels::State::finish() {
  watching.reset();
  plane.stop();
  const Failure closed{.kind = Kind::closed, .what = cluster->name() + ": the subscription has ended"};
  auto left = std::exchange(channels, {});
  nodes.clear();
  for (auto& [channel, placed] : left)
    for (Done& done : placed.waiting) done(std::unexpected(closed));
  const std::lock_guard held(mutex);
  for (ChannelOrder& each : orders)
    if (each.on) each.done(std::unexpected(closed));
  orders.clear();
}

void ClusterChannels::State::order(ChannelOrder order) {
  const std::lock_guard held(mutex);
  orders.push_back(std::move(order));
  if (!std::exchange(flush_posted, true)) plane.post([this] { flush(); });
}

void ClusterChannels::State::flush() {
  std::deque<ChannelOrder> taken;
  {
    const std::lock_guard held(mutex);
    flush_posted = false;
    taken = std::exchange(orders, {});
  }
  for (ChannelOrder& each : taken) {
    if (each.on) {
      const auto [found, fresh] = channels.try_emplace(each.channel);
      if (found->second.heard) {
        each.done(true);
        continue;
      }
      found->second.waiting.push_back(std::move(each.done));
      if (fresh) place(each.channel, found->second);
      continue;
    }
    const auto found = channels.find(each.channel);
    if (found == channels.end()) continue;
    Placed gone = std::move(found->second);
    channels.erase(found);
    if (gone.at) node(*gone.at).unsubscribe(each.channel);
    for (Done& done : gone.waiting)
      done(std::unexpected(Failure{.kind = Kind::closed, .what = cluster->name() + ": the subscription has ended"}));
  }
}

Subscriber& ClusterChannels::State::node(const Endpoint& at) {
  auto& found = nodes[at];
  if (!found) {
    Server there = server;
    there.url.host = at.host;
    there.url.port = at.port;
    ChannelEvents heard{.message = events.message, .again = [this](const std::string& channel) {
      heard_again(channel);
    }, .lost = events.lost};
    found = std::make_unique<Subscriber>(std::move(there), policy, entropy, std::move(heard),
        Subscriber::Sharded{.plane = plane,
            .moved = [this](const std::string& channel, const std::optional<Redirect>& to) { unplace(channel, to); }});
  }
  return *found;
}

// Where the cluster says that the slot is.
void ClusterChannels::State::place(const std::string& channel, Placed& placed) {
  const Endpoint* at = cluster->map()->at(slot_of(channel));
  placed.heard = false;
  placed.at = at == nullptr ? std::nullopt : std::optional(*at);
  placed.attempt = ++attempts;
  if (placed.at) {
    node(*placed.at).subscribe(channel, [this, channel, now = placed.attempt](std::expected<bool, Failure> heard) {
      answered(channel, now, heard);
    });
    return;
  }
  if (cluster->map()->covered() == 0 && !cluster->trouble()) return; // it is being asked; follow() is next
  placed.missed = true;
  for (Done& done : std::exchange(placed.waiting, {}))
    done(std::unexpected(
        Failure{.kind = Kind::unreachable, .what = cluster->name() + ": no node has the channel's slot"}));
}

// A failure other than `moved`: that node subscribes to it with its next connection, and says so with `again`.
void ClusterChannels::State::answered(
    const std::string& channel, std::uint64_t attempt, const std::expected<bool, Failure>& heard) {
  const auto found = channels.find(channel);
  if (found == channels.end() || found->second.attempt != attempt) return;
  Placed& placed = found->second;
  if (!heard && (heard.error().kind == Kind::moved || heard.error().kind == Kind::closed)) return; // unplace() follows
  placed.heard = heard.has_value();
  placed.missed = placed.missed || !heard;
  const bool again = heard && std::exchange(placed.missed, false);
  for (Done& done : std::exchange(placed.waiting, {})) done(heard);
  if (again && events.again) events.again(channel);
}

// After the end of a connection, at the same node.
void ClusterChannels::State::heard_again(const std::string& channel) {
  const auto found = channels.find(channel);
  if (found == channels.end()) return;
  found->second.heard = true;
  found->second.missed = false;
  for (Done& done : std::exchange(found->second.waiting, {})) done(true);
  if (events.again) events.again(channel);
}

void ClusterChannels::State::unplace(const std::string& channel, const std::optional<Redirect>& to) {
  const auto found = channels.find(channel);
  if (found == channels.end()) return;
  Placed& placed = found->second;
  placed.missed = placed.missed || placed.heard;
  placed.heard = false;
  placed.at.reset();
  if (to && !to->ask)
    cluster->moved(*to);
  else
    cluster->refresh();
  const std::uint64_t now = placed.attempt = ++attempts;
  plane.after(to && !to->ask ? Millis{0} : kTryAgain, [this, channel, now] {
    const auto there = channels.find(channel);
    if (there != channels.end() && there->second.attempt == now) place(channel, there->second);
  });
}

// The cluster has changed.
void ClusterChannels::State::follow() {
  const SlotMapPtr map = cluster->map();
  std::vector<std::string> moved;
  for (auto& [channel, placed] : channels) {
    const Endpoint* at = map->at(slot_of(channel));
    if (at != nullptr ? placed.at != *at : !placed.at && !placed.waiting.empty()) moved.push_back(channel);
  }
  for (const std::string& channel : moved) {
    const auto found = channels.find(channel);
    if (found == channels.end()) continue;
    Placed& placed = found->second;
    placed.missed = placed.missed || placed.heard;
    if (placed.at) node(*placed.at).unsubscribe(channel);
    place(channel, placed);
  }
  std::vector<std::unique_ptr<Subscriber>> gone;
  for (auto it = nodes.begin(); it != nodes.end();) {
    const bool kept = std::ranges::find(map->primaries(), it->first) != map->primaries().end();
    if (!kept) gone.push_back(std::move(it->second));
    it = kept ? std::next(it) : nodes.erase(it);
  }
}

ClusterChannels::ClusterChannels(
    std::shared_ptr<Cluster> cluster, Server server, Policy policy, Entropy& entropy, ChannelEvents events)
    : state_(std::make_unique<State>(std::move(cluster), std::move(server), policy, entropy, std::move(events))) {}
ClusterChannels::~ClusterChannels() { state_->finish(); }
void ClusterChannels::stop() { state_->finish(); }

void ClusterChannels::subscribe(std::string channel, Completion<bool, Failure> done) {
  state_->order({std::move(channel), true, std::move(done)});
}
void ClusterChannels::unsubscribe(std::string channel) { state_->order({std::move(channel), false}); }

} // namespace foyer::redis
