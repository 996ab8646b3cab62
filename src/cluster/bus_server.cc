#include "cluster/bus_server.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "cluster/asking.h"
#include "engine/redis/refusal.h"

namespace foyer::cluster {
namespace {

constexpr std::size_t kShown = 128;
constexpr std::size_t kMostReplicas = 100;

// The part of `text` before `end`, which is removed with it.
std::string_view take(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

// CONFIG answers the name and the value; nothing when the user may not ask, or the server has no such setting.
std::optional<std::string> setting(redis::Connection& connection, std::string_view name) {
  const auto answer = ask(connection, {"CONFIG", "GET", std::string(name)});
  if (!answer || answer->items.size() != 2) return std::nullopt;
  return printable(answer->items[1].text, kShown);
}

void ask_replica(BusReplica& replica, redis::Server server, const redis::Policy& policy, Entropy& entropy) {
  server.primary.reset();
  server.url.host = replica.host;
  server.url.port = replica.port;
  redis::Connection connection(std::move(server), policy, entropy);
  const auto answer = ask(connection, {"INFO", "replication"});
  if (!answer) {
    replica.why = engine::refusal_of(answer.error()).evidence;
    return;
  }
  const InfoFields fields = info_fields(answer->text);
  const auto link = fields.find("master_link_status");
  if (link == fields.end())
    replica.why = "it says that it is no replica";
  else
    replica.link = printable(link->second, kShown);
}

std::vector<BusReplica> ask_sentinels(const Sentinels& sentinels, const redis::Policy& policy, Entropy& entropy) {
  for (const redis::Server& each : sentinels.each) {
    redis::Connection connection(each, policy, entropy);
    if (const auto answer = ask(connection, {"SENTINEL", "REPLICAS", sentinels.name})) return watched_replicas(*answer);
  }
  return {};
}

} // namespace

InfoFields info_fields(std::string_view info) {
  InfoFields out;
  while (!info.empty()) {
    std::string_view line = take(info, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#') || line.find(':') == std::string_view::npos) continue;
    const std::string_view name = take(line, ':');
    out.emplace(name, line);
  }
  return out;
}

// slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0
std::vector<BusReplica> replicas_of(const InfoFields& info) {
  std::vector<BusReplica> out;
  for (std::size_t i = 0; i < kMostReplicas; ++i) {
    const auto found = info.find("slave" + std::to_string(i));
    if (found == info.end()) break;
    BusReplica replica;
    for (std::string_view rest = found->second; !rest.empty();) {
      std::string_view pair = take(rest, ',');
      const std::string_view name = take(pair, '=');
      if (name == "ip") replica.host = printable(pair, kShown);
      if (name == "port") std::from_chars(pair.data(), pair.data() + pair.size(), replica.port);
      if (name == "state") replica.state = printable(pair, kShown);
    }
    out.push_back(std::move(replica));
  }
  return out;
}

std::vector<BusReplica> watched_replicas(const redis::Reply& reply) {
  std::vector<BusReplica> out;
  for (const redis::Reply& fields : reply.items) {
    BusReplica replica{.named = false};
    for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
      const std::string& name = fields.items[i].text;
      const std::string& value = fields.items[i + 1].text;
      if (name == "ip") replica.host = printable(value, kShown);
      if (name == "port") std::from_chars(value.data(), value.data() + value.size(), replica.port);
      if (name == "flags") replica.away = value.find("s_down") != std::string::npos;
    }
    if (out.size() < kMostReplicas) out.push_back(std::move(replica));
  }
  return out;
}

Result<BusServer> read_bus(
    const redis::Server& server, const redis::Policy& policy, Entropy& entropy, const Sentinels& sentinels) {
  BusServer out;
  {
    redis::Connection connection(server, policy, entropy);
    const auto info = ask(connection, {"INFO"});
    if (!info) return std::unexpected(engine::refusal_of(info.error()));
    out.info = info_fields(info->text);
    for (const std::string_view name : kBusSettings) out.settings.emplace(name, setting(connection, name));
  }
  out.replicas = replicas_of(out.info);
  for (BusReplica& replica : ask_sentinels(sentinels, policy, entropy)) {
    const auto same = [&](const BusReplica& r) { return r.host == replica.host && r.port == replica.port; };
    if (std::ranges::none_of(out.replicas, same)) out.replicas.push_back(std::move(replica));
  }
  for (BusReplica& replica : out.replicas) ask_replica(replica, server, policy, entropy);
  return out;
}

} // namespace foyer::cluster
