#include "engine/redis/opening.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <future>
#include <map>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "redis/subscriber.h"

namespace foyer::engine {
namespace {

using redis::Command;
using redis::Failure;
using redis::Reply;
using Answer = std::expected<Reply, Failure>;

constexpr std::uint64_t kOldest = 602; // 6.2, as major * 100 + minor
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

// One connection, asked by one thread, which waits.
class Asked {
 public:
  Asked(const redis::Server& server, const redis::Policy& policy, Entropy& entropy)
      : connection_(server, policy, entropy) {}

  // A refusal names the command.
  Result<Reply> ask(Command command) {
    const std::string name = command.front();
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = promise->get_future();
    connection_.send(std::move(command), [promise](Answer reply) { promise->set_value(std::move(reply)); });
    auto reply = answer.get(); // a connection answers within its timeouts
    if (reply) return *std::move(reply);
    Refusal refusal = refusal_of(reply.error());
    if (connection_.open()) refusal.evidence = name + ": " + refusal.evidence;
    return std::unexpected(std::move(refusal));
  }

 private:
  redis::Connection connection_;
};

// What is sent outside of scripts.
Result<void> try_commands(Asked& bus, const std::string& key, const BusNames& names) {
  for (const Command& command : {Command{"SADD", key, "a"}, Command{"SMEMBERS", key}, Command{"SREM", key, "a"},
           Command{"ZREM", key, "a"}, Command{"SET", key, "a", "NX", "PX", std::string(kProbeLife)},
           Command{"GET", key}, Command{"PEXPIRE", key, std::string(kProbeLife)}, Command{"DEL", key},
           Command{"PUBLISH", names.canary(), ""}})
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
    const redis::Server& server, const redis::Policy& policy, const BusNames& names, Entropy& entropy) {
  auto promise = std::make_shared<std::promise<std::expected<bool, Failure>>>();
  auto answer = promise->get_future();
  const auto once = std::make_shared<std::atomic<bool>>(false);
  const auto tell = [promise, once](std::expected<bool, Failure> heard) {
    if (!once->exchange(true)) promise->set_value(std::move(heard));
  };
  redis::Subscriber listening(server, policy, entropy, {.message = [](const std::string&, const std::string&) {
  }, .lost = [tell](const Failure& failure) { tell(std::unexpected(failure)); }});
  listening.subscribe(names.canary(), tell);
  const auto heard = answer.get();
  if (!heard) return std::unexpected(refusal_of(heard.error()));
  return {};
}

Result<BusSeen> look(
    Asked& bus, const redis::Server& server, const redis::Policy& policy, const BusNames& names, Entropy& entropy) {
  TRY(info, bus.ask({"INFO"}));
  TRY(facts, judge_bus(info.text));
  const std::string key = names.probe(entropy.short_id());
  TRY_VOID(try_scripts(bus, key));
  TRY_VOID(try_commands(bus, key, names));
  TRY_VOID(try_listening(server, policy, names, entropy));
  TRY(name, bus.ask({"GET", names.identity()}));
  return BusSeen{.facts = std::move(facts), .name = std::move(name.text)};
}

redis::Server with_probe(redis::Server server) {
  server.scripts = {kProbe.text};
  return server;
}

} // namespace

Result<BusFacts> judge_bus(std::string_view info) {
  const Fields fields = fields_of(info);
  const std::string_view version = field(fields, "redis_version"), valkey = field(fields, "valkey_version");
  if (version.empty()) return unsuitable("INFO does not say which version of Redis it is");
  BusFacts facts{.software = valkey.empty() ? "Redis " + printable(version, kShownBytes)
                                            : "Valkey " + printable(valkey, kShownBytes),
      .memory = number(field(fields, "maxmemory")),
      .replicas = number(field(fields, "connected_slaves")),
      .appends = field(fields, "aof_enabled") == "1"};
  if (version_of(version) < kOldest) return unsuitable(facts.software + " is older than Redis 6.2");
  if (field(fields, "cluster_enabled") == "1") return unsuitable("it is a member of a cluster (cluster_enabled)");
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

void look_again(
    redis::Connection& commands, const BusNames& names, const std::string& name, Completion<BusFacts> done) {
  struct Look {
    Result<BusFacts> facts;
    Completion<BusFacts> done;
  };
  auto look = std::make_shared<Look>(refuse(Cause::BUS_UNREACHABLE), std::move(done));
  commands.send({"INFO"}, [look](const Answer& info) {
    if (info)
      look->facts = judge_bus(info->text);
    else
      look->facts = std::unexpected(refusal_of(info.error()));
  });
  const std::string life = std::to_string(kBusNameLife.count());
  commands.send({"SET", names.identity(), name, "NX", "PX", life}, [](const Answer&) {});
  commands.send({"PEXPIRE", names.identity(), life}, [](const Answer&) {});
  commands.send({"GET", names.identity()}, [look, name](const Answer& now) {
    if (!now && look->facts)
      look->facts = std::unexpected(refusal_of(now.error()));
    else if (now && look->facts && now->text != name)
      look->facts = refuse(Cause::CLUSTER_MISMATCH,
          "BUS_URL leads to the bus \"" + printable(now->text, kShownBytes) + "\", the nodes are on \"" +
              printable(name, kShownBytes) + "\"");
    look->done(std::move(look->facts));
  });
}

} // namespace foyer::engine
