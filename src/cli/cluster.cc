// `foyer cluster`: the nodes of a database, and what is wrong with them.
#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "app/bus.h"
#include "app/bus_place.h"
#include "app/stores.h"
#include "base/bytes.h"
#include "cli/cluster_look.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cluster/report.h"
#include "config/load.h"
#include "config/mode.h"
#include "config/report.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer cluster [--json] [OPTIONS OF serve]\n"
    "       foyer cluster remove NODE [OPTIONS OF serve]\n\n"
    "Shows the gateways that share a PostgreSQL database, by what they write into it: address, release, since when,\n"
    "when each last read what the others do, whom it does not hear, which one has the duty (it sends webhooks and\n"
    "deletes what is over); and the database and the bus between them. The servers need not run.\n\n"
    "  remove NODE    forget a node that died: its row and its leases, at once instead of after a day\n"
    "  --json         print one JSON object\n\n"
    "Exit status: 0 all is well, 1 something is wrong (each with its code), or the node was not removed, 2 could not "
    "ask.\n\n"
    "Examples:\n"
    "  foyer cluster --config /etc/foyer/foyer.toml\n"
    "  foyer cluster --json | jq -r '.troubles[].code'\n"
    "  foyer cluster remove k3f9x2a7\n";

constexpr std::string_view kVerbs[] = {"remove"};

struct Arguments {
  bool help = false;
  bool json = false;
  bool removes = false;
  std::string node;                 // to remove
  std::vector<std::string> options; // of serve
};

std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  std::size_t first = 0;
  if (!args.empty() && !args[0].starts_with("-")) {
    if (const auto wrong = wrong_verb("cluster", {args[0]}, kVerbs)) return std::unexpected(*wrong);
    out.removes = true;
    first = 1;
    if (args.size() > 1 && !args[1].starts_with("-")) out.node = args[1], first = 2;
  }
  for (const std::string& arg : args.subspan(first)) {
    if (arg == "--help" || arg == "-h")
      out.help = true;
    else if (arg == "--json")
      out.json = true;
    else
      out.options.push_back(arg);
  }
  if (out.removes && out.node.empty() && !out.help) return std::unexpected("remove needs the name of a node");
  return out;
}

void print_nothing_seen(const config::Config& config, const cluster::Troubles& troubles) {
  fmt::print("{}\n",
      json::write_pretty(
          json::Object{{"well", troubles.empty()}, {"mode", config::mode_json(config)}, {"nodes", json::Array{}},
              {"duty", nullptr}, {"database", nullptr}, {"bus", nullptr}, {"troubles", cluster::to_json(troubles)}}));
}

int could_not(const Refusal& refusal) {
  (void)refused_command("cluster", refusal);
  return kCouldNotRun;
}

// A program that reads `troubles` is not to take an empty answer for a good one.
int could_not_show(const config::Config& config, const Refusal& refusal, bool as_json) {
  if (as_json) print_nothing_seen(config, {{.cause = refusal.cause, .where = "database", .message = refusal.evidence}});
  return could_not(refusal);
}

int show_one_node(const config::Config& config, bool as_json) {
  const std::string words = fmt::format(
      "The messages are in SQLite ({}): there is one node, and nothing between nodes to show.", printable(config.data));
  if (as_json)
    print_nothing_seen(config, {});
  else
    fmt::print("{}\n", words);
  return 0;
}

Result<cluster::Report> look(const config::Config& config, store::Database& db) {
  cluster::Report out;
  TRY(members, engine::see_members(db, silence_of(config)));
  out.members = std::move(members);
  TRY(facts, cluster::read_database(db));
  out.database = std::move(facts);
  if (config.bus_url.empty()) return out;
  auto& bus = out.bus.emplace(cluster::BusReport{.server = app::bus_shown(config)});
  if (auto seen = app::look_at_bus(config, system_entropy()))
    bus.seen = std::move(*seen);
  else
    bus.wrong = std::move(seen).error();
  return out;
}

int show(const config::Config& config, store::Database& db, bool as_json) {
  const auto report = look(config, db);
  if (!report) return could_not_show(config, report.error(), as_json);
  const cluster::Troubles troubles = cluster::judge(*report);
  if (as_json) {
    json::Object out = cluster::to_json(*report, troubles);
    out["mode"] = config::mode_json(config);
    fmt::print("{}\n", json::write_pretty(out));
  } else {
    fmt::print("Mode:\n{}{}", config::mode_text(config), cluster::to_text(*report, troubles));
  }
  return troubles.empty() ? 0 : 1;
}

int remove(const config::Config& config, store::Database& db, const std::string& node) {
  const auto done = engine::remove_member(db, node, silence_of(config));
  if (!done) return could_not(done.error());
  const std::string name = printable(node, 64);
  switch (*done) {
    case engine::Removal::removed:
      fmt::print("{} is removed, with its leases. The users that it had leave their rooms now.\n", name);
      return 0;
    case engine::Removal::unknown:
      fmt::print(stderr, "foyer cluster: there is no node {}; `foyer cluster` lists them.\n", name);
      return 1;
    case engine::Removal::alive:
      fmt::print(stderr, "foyer cluster: {} is alive and is not removed; a node that is to go is stopped.\n", name);
      return 1;
    case engine::Removal::silent:
      fmt::print(stderr,
          "foyer cluster: {} says nothing, but its session with the database is open: it may only be paused, and is "
          "not "
          "removed. End its process, or wait until its row has lapsed ({} s after its last sign).\n",
          name, std::chrono::duration_cast<std::chrono::seconds>(engine::kMemberLife).count());
      return 1;
  }
  return kCouldNotRun;
}

} // namespace

int run_cluster(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("cluster", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  if (!config::is_fit(loaded.findings)) {
    fmt::print(stderr, "{}", config::findings_text(loaded.findings));
    return kCouldNotRun;
  }
  const config::Config& config = loaded.config;
  if (!app::uses_postgres(config)) {
    if (!arguments->removes) return show_one_node(config, arguments->json);
    fmt::print(stderr, "foyer cluster: the messages are in SQLite: there is one node, and none to remove.\n");
    return 1;
  }
  auto db = store::open_postgres({.url = config.database_url, .isolation = store::Isolation::read_committed},
      arguments->removes ? store::PostgresUse::write : store::PostgresUse::read);
  if (arguments->removes) return db ? remove(config, **db, arguments->node) : could_not(db.error());
  return db ? show(config, **db, arguments->json) : could_not_show(config, db.error(), arguments->json);
}

} // namespace foyer::cli
