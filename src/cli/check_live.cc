#include "cli/check_live.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "app/bus_place.h"
#include "app/stores.h"
#include "base/bytes.h"
#include "cli/cluster_look.h"
#include "cli/command_line.h"
#include "cluster/bus_server.h"
#include "cluster/database_lines.h"
#include "cluster/report.h"
#include "config/mode.h"
#include "config/report.h"
#include "redis/bus_url.h"

namespace foyer::cli {
namespace {

struct Part {
  std::string name;  // of the JSON
  std::string title; // of the text
  cluster::Lines lines = {};
};

struct Looked {
  std::vector<Part> parts = {};
  cluster::Troubles troubles = {};
};

void note(Looked& into, const Refusal& refusal, std::string where) {
  into.troubles.push_back({.cause = refusal.cause, .where = std::move(where), .message = refusal.evidence});
}

std::int64_t connections_needed(const engine::MembersSeen& members) {
  std::int64_t out = 0;
  for (const auto& seen : members.members) {
    if (!seen.member.alive) continue;
    out += cluster::kGatewayConnections;
    if (seen.member.bus.empty()) out += cluster::kPresenceConnections;
    if (seen.member.about.roles.find("auth") != std::string::npos) out += cluster::kAuthConnections;
  }
  return out;
}

cluster::Line hearing(const engine::MembersSeen& members) {
  std::size_t alive = 0;
  std::vector<std::string> deaf;
  for (const auto& seen : members.members) {
    if (!seen.member.alive) continue;
    ++alive;
    if (seen.state != engine::MemberState::alive || !seen.unheard.empty() || !seen.trouble.empty())
      deaf.push_back(printable(seen.member.node, 64));
  }
  cluster::Line out{.what = "living nodes", .value = std::to_string(alive), .means = {}};
  if (!deaf.empty())
    out.means = fmt::format("Not every one hears every other one: {}.", fmt::join(deaf, ", "));
  else if (alive > 1)
    out.means = "Each hears every other one, and reads the database.";
  else
    out.means =
        alive == 1 ? "There is no other one to hear." : "No node runs: whether they hear each other is not known.";
  return out;
}

Result<void> look_at_database(const config::Config& config, Looked& into) {
  TRY(db,
      store::open_postgres(
          {.url = config.database_url, .isolation = store::Isolation::read_committed}, store::PostgresUse::read));
  TRY(members, engine::see_members(*db, silence_of(config)));
  TRY(facts, cluster::read_database(*db));
  cluster::Report report{.members = std::move(members), .database = std::move(facts)};
  into.parts.push_back({.name = "database",
      .title = fmt::format("{}, {}", report.database.software, printable(report.database.name, 64)),
      .lines = cluster::describe_database(report.database, connections_needed(report.members))});
  into.parts.push_back({.name = "nodes", .title = "Nodes", .lines = {hearing(report.members)}});
  std::ranges::move(cluster::judge(report), std::back_inserter(into.troubles));
  return {};
}

cluster::Sentinels sentinels_of(const config::Config& config) {
  const auto url = redis::parse_bus_url(config.bus_url);
  if (!url || url->kind != redis::BusUrl::Kind::sentinel) return {};
  cluster::Sentinels out{.name = url->name};
  for (const redis::Endpoint& at : url->seeds)
    out.each.push_back({.url = {.host = at.host,
                            .port = at.port,
                            .tls = url->server.tls,
                            .user = url->sentinel_user,
                            .password = url->sentinel_password},
        .tls = {.ca_file = config.bus_ca_file}});
  return out;
}

Result<void> look_at_bus(const config::Config& config, Looked& into) {
  const app::BusPlace place = app::find_bus(config, system_entropy());
  TRY(bus, cluster::read_bus(place.server, place.policy, system_entropy(), sentinels_of(config)));
  if (const auto why = place.unreachable()) note(into, *why, "sentinels");
  if (const auto why = place.blind()) note(into, *why, "sentinels");
  const auto version = bus.info.find("redis_version");
  into.parts.push_back({.name = "bus",
      .title = fmt::format("Bus: {}, version {}", app::bus_shown(config),
          version == bus.info.end() ? "unknown" : printable(version->second, 64)),
      .lines = cluster::describe_bus(bus)});
  std::ranges::move(cluster::judge_bus_server(bus), std::back_inserter(into.troubles));
  return {};
}

int print(const config::Config& config, const Looked& looked, bool as_json) {
  if (as_json) {
    json::Object out{{"well", looked.troubles.empty()}, {"mode", config::mode_json(config)}};
    for (const Part& part : looked.parts) out[part.name] = cluster::to_json(part.lines);
    out["troubles"] = cluster::to_json(looked.troubles);
    fmt::print("{}\n", json::write_pretty(out));
  } else {
    fmt::print("Mode:\n{}\n", config::mode_text(config));
    if (looked.parts.empty() && looked.troubles.empty())
      fmt::print("One node with SQLite depends on no server, and there is nothing to look at.\n");
    for (const Part& part : looked.parts) fmt::print("{}\n{}\n", part.title, cluster::to_text(part.lines));
    fmt::print("{}", looked.troubles.empty() ? "All is well.\n" : cluster::to_text(looked.troubles));
  }
  return looked.troubles.empty() ? 0 : 1;
}

} // namespace

int check_live(const config::Loaded& loaded, bool as_json) {
  if (!config::is_fit(loaded.findings)) {
    fmt::print(stderr, "{}", config::findings_text(loaded.findings));
    return kCouldNotRun;
  }
  const config::Config& config = loaded.config;
  Looked looked;
  if (app::uses_postgres(config)) {
    if (const auto seen = look_at_database(config, looked); !seen) {
      note(looked, seen.error(), "database");
      if (seen.error().cause == Cause::DATABASE_UNREACHABLE) {
        if (as_json) (void)print(config, looked, as_json);
        (void)refused_command("check", seen.error());
        return kCouldNotRun;
      }
    }
  }
  if (!config.bus_url.empty())
    if (const auto seen = look_at_bus(config, looked); !seen) note(looked, seen.error(), "bus");
  return print(config, looked, as_json);
}

} // namespace foyer::cli
