#include "engine/redis/opening.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/redis/all_answered.h"
#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "engine/redis/shard_canaries.h"
#include "redis/deployment.h"

namespace foyer::engine {
namespace {

using redis::Command;
using redis::Failure;
using redis::Reply;
using Answer = std::expected<Reply, Failure>;

constexpr std::uint64_t kOldest = 602; // 6.2, as major * 100 + minor
constexpr std::uint64_t kOldestCluster = 700;
constexpr std::size_t kShownBytes = 64;
constexpr std::string_view kProbeLife = "5000"; // ms

using Fields = std::map<std::string, std::string, std::less<>>;

Fields fields_of(std::string_view info) {
  Fields out;
  while (!info.empty()) {
    const auto end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with('#')) continue;
    out.emplace(line.substr(0, colon), line.substr(colon + 1));
  }
  return out;
}

std::string_view field(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// Valkey names the version of Redis that it is compatible with as redis_version.
std::uint64_t version_of(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return 0;
  return number(text.substr(0, dot)) * 100 + number(text.substr(dot + 1));
}

std::unexpected<Refusal> unsuitable(std::string what) { return refuse(Cause::BUS_UNSUITABLE, std::move(what)); }

// Every command that scripts use, on one key; the first that is refused is named. KEYS a key without a value.
const redis::Script kProbe{R"lua(
local key = KEYS[1]
local steps = {{'INFO', 'replication'}, {'TIME'},
  {'HSET', key, 'a', '1'}, {'HSETNX', key, 'b', '1'}, {'HGET', key, 'a'}, {'HMGET', key, 'a', 'b'}, {'HGETALL', key},
  {'HLEN', key}, {'HSTRLEN', key, 'a'}, {'HSCAN', key, '0'}, {'HINCRBY', key, 'a', 1}, {'HDEL', key, 'a'},
  {'PEXPIRE', key, 5000}, {'PTTL', key}, {'DEL', key},
  {'ZADD', key, 1, 'a'}, {'ZSCORE', key, 'a'}, {'ZCARD', key}, {'ZRANGE', key, 0, -1},
  {'ZRANGEBYSCORE', key, '-inf', 1}, {'ZREMRANGEBYSCORE', key, '-inf', 0}, {'ZREM', key, 'a'},
  {'RPUSH', key, 'a'}, {'LLEN', key}, {'LINDEX', key, 0}, {'LPOP', key},
  {'SADD', key, 'a'}, {'SREM', key, 'a'}, {'DEL', key}}
for _, step in ipairs(steps) do
  local answer = redis.pcall(unpack(step))
  if type(answer) == 'table' and answer.err then
    redis.pcall('DEL', key)
    return {step[1], answer.err}
  end
end
return {}
)lua"};

// A server or a cluster, asked by one thread, which waits.
class Asked {
 public:
  Asked(const redis::Server& server, const redis::Policy& policy, Entropy& entropy)
      : commands_(redis::open_commands(server, policy, entropy, {.opened = [this] { opened_ = true; }})) {}

  // A refusal names the command.
  Result<Reply> ask(Command command) {
    const std::string name = command.front();
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = promise->get_future();
    commands_->send(std::move(command), [promise](Answer reply) { promise->set_value(std::move(reply)); });
    auto reply = answer.get(); // a connection answers within its timeouts
    if (reply) return *std::move(reply);
    Refusal refusal = refusal_of(reply.error());
    if (opened_) refusal.evidence = name + ": " + refusal.evidence;
    return std::unexpected(std::move(refusal));
  }

 private:
  std::atomic<bool> opened_{false};
  std::unique_ptr<redis::Commands> commands_;
};

// What is sent outside of scripts.
Result<void> try_commands(Asked& bus, const std::string& key, const std::string& channel) {
  for (const Command& command :
      {Command{"SADD", key, "a"}, Command{"SMEMBERS", key}, Command{"SREM", key, "a"}, Command{"ZREM", key, "a"},
          Command{"SET", key, "a", "NX", "PX", std::string(kProbeLife)}, Command{"GET", key},
          Command{"PEXPIRE", key, std::string(kProbeLife)}, Command{"DEL", key}, Command{"PUBLISH", channel, ""}})
    TRY_VOID(bus.ask(command));
  return {};
}

Result<void> try_scripts(Asked& bus, const std::string& key) {
  TRY(answer, bus.ask(eval(kProbe, {key}, {})));
  if (answer.kind != Reply::Kind::array || answer.items.empty()) return {};
  if (answer.items.size() != 2) return not_ours();
  const std::string words = answer.items[0].text + " in a script: " + printable(answer.items[1].text, kShownBytes * 2);
  const bool missing = answer.items[1].text.find("nknown") != std::string::npos;
  return refuse(missing ? Cause::BUS_UNSUITABLE : Cause::BUS_REFUSED, words);
}

// Whether channels may be heard.
Result<void> try_listening(
    const redis::Server& server, const redis::Policy& policy, const std::string& channel, Entropy& entropy) {
  auto promise = std::make_shared<std::promise<std::expected<bool, Failure>>>();
  auto answer = promise->get_future();
  const auto once = std::make_shared<std::atomic<bool>>(false);
  const auto tell = [promise, once](std::expected<bool, Failure> heard) {
    if (!once->exchange(true)) promise->set_value(std::move(heard));
  };
  const auto listening = redis::open_channels(server, policy, entropy,
      {.message = [](const std::string&, const std::string&) {},
          .lost = [tell](const Failure& failure) { tell(std::unexpected(failure)); }});
  listening->subscribe(channel, tell);
  const auto heard = answer.get();
  if (!heard) return std::unexpected(refusal_of(heard.error()));
  return {};
}

// The one server, or the primary of a cluster that has the slot of this channel: what it is, then what it allows.
Result<BusFacts> look_at_shard(Asked& bus, const redis::Server& server, const redis::Policy& policy,
    const std::string& channel, const BusNames& names, Entropy& entropy) {
  const bool clustered = server.cluster != nullptr;
  const std::string key = names.probe(entropy.short_id()) + (clustered ? channel.substr(channel.rfind('{')) : "");
  TRY(info, bus.ask(clustered ? eval(scripts::kInfo, {key}, {}) : Command{"INFO"}));
  TRY(facts, judge_bus(info.text, clustered ? BusKind::cluster : BusKind::server));
  TRY_VOID(try_scripts(bus, key));
  TRY_VOID(try_commands(bus, key, channel));
  TRY_VOID(try_listening(server, policy, channel, entropy));
  return facts;
}

Result<BusSeen> look(
    Asked& bus, const redis::Server& server, const redis::Policy& policy, const BusNames& names, Entropy& entropy) {
  BusSeen out;
  if (server.cluster) TRY_VOID(bus.ask({"GET", names.identity()})); // its answer comes when the shards are known
  for (const std::string& channel : canary_channels(names, server.cluster.get())) {
    TRY(facts, look_at_shard(bus, server, policy, channel, names, entropy));
    if (server.cluster) ++out.shards;
    out.facts = std::move(facts);
  }
  TRY(name, bus.ask({"GET", names.identity()}));
  out.name = std::move(name.text);
  return out;
}

// INFO of each server. Where nothing is known of the shards yet, one of them answers when something is.
std::vector<Command> questions(const redis::Cluster* cluster, const BusNames& names) {
  if (cluster == nullptr) return {{"INFO"}};
  std::vector<Command> out;
  for (const std::string& channel : canary_channels(names, cluster))
    out.push_back(eval(scripts::kInfo, {names.probe("info") + channel.substr(channel.rfind('{'))}, {}));
  if (out.empty()) out.push_back(eval(scripts::kInfo, {names.identity()}, {}));
  return out;
}

redis::Server with_probe(redis::Server server) {
  server.scripts = {kProbe.text, scripts::kInfo.text};
  return server;
}

} // namespace

Result<BusFacts> judge_bus(std::string_view info, BusKind kind) {
  const Fields fields = fields_of(info);
  const std::string_view version = field(fields, "redis_version"), valkey = field(fields, "valkey_version");
  if (version.empty()) return unsuitable("INFO does not say which version of Redis it is");
  BusFacts facts{.software = valkey.empty() ? "Redis " + printable(version, kShownBytes)
                                            : "Valkey " + printable(valkey, kShownBytes),
      .memory = number(field(fields, "maxmemory")),
      .replicas = number(field(fields, "connected_slaves")),
      .appends = field(fields, "aof_enabled") == "1"};
  if (version_of(version) < kOldest) return unsuitable(facts.software + " is older than Redis 6.2");
  const bool clustered = field(fields, "cluster_enabled") == "1";
  if (clustered && kind == BusKind::server) return unsuitable("it is a member of a cluster (cluster_enabled)");
  if (!clustered && kind == BusKind::cluster) return unsuitable("it is no member of a cluster (cluster_enabled)");
  if (clustered && version_of(version) < kOldestCluster)
    return unsuitable(facts.software + " is older than Redis 7.0, so it has no sharded Pub/Sub");
  if (field(fields, "role") != "master")
    return unsuitable("it is a replica (role:" + printable(field(fields, "role"), kShownBytes) + "), not the primary");
  if (const auto policy = field(fields, "maxmemory_policy"); policy != "noeviction")
    return unsuitable("its maxmemory-policy is " + printable(policy, kShownBytes) + ", not noeviction");
  return facts;
}

bool fails_over(std::string_view info) {
  const Fields fields = fields_of(info);
  const std::string_view state = field(fields, "master_failover_state");
  return !state.empty() && state != "no-failover";
}

Result<BusSeen> look_at_bus(
    const redis::Server& server, const redis::Policy& policy, const BusNames& names, Entropy& entropy) {
  Asked bus(with_probe(server), policy, entropy);
  return look(bus, server, policy, names, entropy);
}

Result<BusSeen> open_bus(const redis::Server& server, const redis::Policy& policy, const BusNames& names,
    const BusOwner& owner, Entropy& entropy) {
  Asked bus(with_probe(server), policy, entropy);
  TRY(seen, look(bus, server, policy, names, entropy));
  const std::string name = owner.noted.empty() ? owner.database + "." + entropy.short_id() : owner.noted;
  TRY_VOID(bus.ask({"SET", names.identity(), name, "NX", "PX", std::to_string(kBusNameLife.count())}));
  TRY(now, bus.ask({"GET", names.identity()}));
  if (!now.text.starts_with(owner.database + "."))
    return refuse(Cause::CLUSTER_MISMATCH,
        server.shown() + " is the bus of gateways with another database: its name is " +
            printable(now.text, kShownBytes) + ", and would begin with " + owner.database);
  seen.name = std::move(now.text);
  return seen;
}

void look_again(redis::Commands& commands, const redis::Cluster* cluster, const BusNames& names,
    const std::string& name, Completion<BusFacts> done) {
  struct Look {
    std::optional<Result<BusFacts>> facts; // the first that is wrong, or the last
    Completion<BusFacts> done;
    void saw(Result<BusFacts> some) {
      if (!facts || *facts) facts = std::move(some);
    }
  };
  const auto look = std::make_shared<Look>(std::nullopt, std::move(done));
  const auto kind = cluster == nullptr ? BusKind::server : BusKind::cluster;
  const auto said = [look, kind](const Answer& info) {
    look->saw(info ? judge_bus(info->text, kind) : std::unexpected(refusal_of(info.error())));
  };
  // All answers, in whatever order they come.
  const auto whole = std::make_shared<AllAnswered>([look] {
    look->done(look->facts ? std::move(*look->facts) : refuse(Cause::BUS_UNREACHABLE, "nothing is known of the bus"));
  });
  for (Command& command : questions(cluster, names))
    commands.send(std::move(command), [said, whole](const Answer& info) { said(info); });
  const std::string life = std::to_string(kBusNameLife.count());
  commands.send({"SET", names.identity(), name, "NX", "PX", life}, [](const Answer&) {});
  commands.send({"PEXPIRE", names.identity(), life}, [](const Answer&) {});
  commands.send({"GET", names.identity()}, [look, name, whole](const Answer& now) {
    if (!now) return look->saw(std::unexpected(refusal_of(now.error())));
    if (now->text == name) return;
    look->saw(refuse(Cause::CLUSTER_MISMATCH,
        "BUS_URL leads to the bus \"" + printable(now->text, kShownBytes) + "\", the nodes are on \"" +
            printable(name, kShownBytes) + "\""));
  });
}

} // namespace foyer::engine
