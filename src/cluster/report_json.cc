#include "cluster/report.h"

#include <algorithm>
#include <ranges>

namespace foyer::cluster {
namespace {

json::Value seconds_or_null(std::optional<Millis> ms) {
  if (!ms) return nullptr;
  return static_cast<double>(ms->count()) / 1000;
}
json::Value time_or_null(std::optional<WallTime> time) {
  if (!time) return nullptr;
  return json::Value(rfc3339(*time));
}
json::Array words(const std::string& text) {
  json::Array out;
  for (const auto part : std::views::split(text, ','))
    if (!part.empty()) out.emplace_back(std::string_view(part));
  return out;
}

json::Object member_json(const engine::MemberSeen& seen) {
  const engine::MemberAbout& about = seen.member.about;
  json::Array unheard;
  for (const auto& node : seen.unheard) unheard.emplace_back(node);
  json::Object out{{"node", seen.member.node}, {"incarnation", seen.member.incarnation},
      {"state", to_string(seen.state)}, {"host", about.host}, {"url", about.url}, {"version", about.version},
      {"build", about.build}, {"roles", words(about.roles)}, {"protocol", seen.member.protocol},
      {"mode", seen.member.mode == engine::Writers::many ? "many" : "one"}, {"bus", seen.member.bus},
      {"started", time_or_null(seen.started)}, {"heard_until", rfc3339(seen.heard_until)},
      {"ended", time_or_null(seen.ended)}, {"tail_lag_s", seconds_or_null(seen.tail_lag)},
      {"unheard", std::move(unheard)}};
  out["trouble"] = seen.trouble.empty() ? json::Value(nullptr) : json::Value(seen.trouble);
  return out;
}

json::Object database_json(const DatabaseFacts& facts) {
  json::Array standbys;
  for (const Standby& one : facts.standbys)
    standbys.push_back(json::Object{{"name", one.name}, {"state", one.state}, {"synchronous", one.synchronous},
        {"lag_s", seconds_or_null(one.lag)}});
  json::Object out{{"server", facts.software}, {"name", facts.name}, {"system", facts.lineage.system},
      {"timeline", facts.lineage.timeline}, {"fsync", facts.fsync}, {"synchronous_commit", facts.synchronous_commit},
      {"synchronous_standby_names", facts.synchronous_standbys}, {"max_connections", facts.most_connections},
      {"connections", facts.connections}, {"sees_all", facts.sees_all}, {"prepared", facts.prepared},
      {"standbys", std::move(standbys)}};
  out["open_transaction"] = nullptr;
  if (facts.oldest)
    out["open_transaction"] = json::Object{{"who", facts.oldest->who}, {"database", facts.oldest->database},
        {"age_s", seconds_or_null(facts.oldest->age)}};
  return out;
}

json::Object bus_json(const BusReport& bus) {
  json::Object out{{"url", bus.server}, {"reached", bus.seen.has_value()}};
  if (!bus.seen) return out;
  out["server"] = bus.seen->facts.software;
  out["name"] = bus.seen->name;
  out["replicas"] = bus.seen->facts.replicas;
  out["appends"] = bus.seen->facts.appends;
  return out;
}

} // namespace

json::Array to_json(const Troubles& troubles) {
  json::Array out;
  for (const Trouble& one : troubles)
    out.push_back(json::Object{
        {"code", code_of(one.cause)}, {"where", one.where}, {"message", one.message}, {"next", info(one.cause).next}});
  return out;
}

json::Object to_json(const Report& report, const Troubles& troubles) {
  json::Array nodes;
  for (const auto& seen : report.members.members) nodes.push_back(member_json(seen));
  json::Object out{{"well", troubles.empty()}, {"nodes", std::move(nodes)}};
  out["duty"] = nullptr;
  if (const auto& duty = report.members.duty)
    out["duty"] = json::Object{{"node", duty->node}, {"term", duty->term}, {"left_s", seconds_or_null(duty->left)}};
  out["database"] = database_json(report.database);
  out["bus"] = report.bus ? json::Value(bus_json(*report.bus)) : json::Value(nullptr);
  out["troubles"] = to_json(troubles);
  return out;
}

} // namespace foyer::cluster
