// `foyer bus keys`: what lies on the bus between nodes.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <expected>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "app/bus_place.h"
#include "base/bytes.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cluster/bus_keys.h"
#include "cluster/table.h"
#include "config/load.h"
#include "config/report.h"
#include "engine/redis/names.h"
#include "engine/redis/refusal.h"
#include "redis/cluster.h"
#include "redis/deployment.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer bus keys [--most N] [--json] [OPTIONS OF serve]\n\n"
    "Counts the keys of Foyer on the Valkey or Redis server of BUS_URL, or on all primaries of a cluster, by kind: "
    "how\n"
    "many, about how much memory, and how many have no end (there must be none). In steps, so that the server goes on\n"
    "with its work.\n\n"
    "  --most N       look at no more than N keys; default 10000000\n"
    "  --json         print one JSON object\n\n"
    "Exit status: 0 every key has an end, 1 some have none, 2 could not ask.\n\n"
    "Examples:\n"
    "  foyer bus keys --config /etc/foyer/foyer.toml\n"
    "  BUS_URL=redis://10.0.0.9 foyer bus keys --most 100000 --json\n";

constexpr std::string_view kVerbs[] = {"keys"};
constexpr std::uint64_t kProgressEach = 100'000; // keys

struct Arguments {
  bool help = false;
  bool json = false;
  std::size_t most = cluster::kMostBusKeys;
  std::vector<std::string> options; // of serve
};

std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--help" || args[i] == "-h") {
      out.help = true;
    } else if (args[i] == "--json") {
      out.json = true;
    } else if (const auto most = value_of("--most", args, i)) {
      const auto [end, wrong] = std::from_chars(most->data(), most->data() + most->size(), out.most);
      if (wrong != std::errc{} || end != most->data() + most->size() || out.most == 0)
        return std::unexpected("--most needs a number from 1 on");
    } else if (words.empty() && !args[i].starts_with("-")) {
      words.push_back(args[i]);
    } else {
      out.options.push_back(args[i]);
    }
  }
  if (out.help) return out;
  if (const auto wrong = wrong_verb("bus", words, kVerbs)) return std::unexpected(*wrong);
  return out;
}

void print_text(const std::string& server, const cluster::BusKeys& seen) {
  fmt::print("Keys of {}: {}{}\n", server, seen.total(), seen.all ? "" : ", and there are more");
  std::vector<cluster::TableRow> rows{{"KIND", "KEYS", "MEMORY", "WITHOUT AN END"}};
  for (const auto& [kind, keys] : seen.kinds) {
    const auto bytes = keys.bytes();
    rows.push_back({kind, std::to_string(keys.keys),
        bytes ? fmt::format("{:.1f} MiB", static_cast<double>(*bytes) / (1 << 20)) : "not visible",
        std::to_string(keys.endless)});
  }
  if (rows.size() > 1) fmt::print("{}", cluster::table_text(rows));
  if (seen.endless.empty())
    return fmt::print("{}", seen.all ? "Every key has an end.\n" : "Each of these has an end.\n");
  fmt::print("Keys without an end, which Foyer does not make:\n");
  for (const std::string& key : seen.endless) fmt::print("  {}\n", key);
}

json::Object to_json(const std::string& server, const cluster::BusKeys& seen) {
  json::Array kinds, endless;
  for (const auto& [kind, keys] : seen.kinds) {
    json::Object row{{"kind", kind}, {"keys", keys.keys}, {"endless", keys.endless}};
    const auto bytes = keys.bytes();
    row["bytes"] = bytes ? json::Value(*bytes) : json::Value(nullptr);
    kinds.push_back(std::move(row));
  }
  for (const std::string& key : seen.endless) endless.emplace_back(key);
  return {{"server", server}, {"all", seen.all}, {"total", seen.total()}, {"kinds", std::move(kinds)},
      {"endless", std::move(endless)}};
}

// The one server, or every primary of a cluster. BUS_UNREACHABLE: also if a slot has no primary, since the keys there
// could not be counted.
Result<std::vector<redis::Server>> servers_of(const app::BusPlace& place) {
  if (!place.server.cluster) return std::vector{place.server};
  const auto commands = redis::open_commands(place.server, place.policy, system_entropy());
  std::promise<std::expected<redis::Reply, redis::Failure>> answer; // it comes when the shards are known
  commands->send({"GET", std::string(engine::kBusPrefix)}, [&answer](auto said) { answer.set_value(std::move(said)); });
  if (const auto said = answer.get_future().get(); !said) return std::unexpected(engine::refusal_of(said.error()));
  if (const auto trouble = place.server.cluster->trouble()) return refuse(Cause::BUS_UNREACHABLE, *trouble);
  std::vector<redis::Server> out;
  for (const redis::Endpoint& primary : place.server.cluster->map()->primaries()) {
    redis::Server& server = out.emplace_back(place.server);
    server.cluster.reset();
    server.url.host = primary.host;
    server.url.port = primary.port;
  }
  return out;
}

Result<cluster::BusKeys> count_everywhere(const app::BusPlace& place, cluster::BusKeysOptions options) {
  TRY(servers, servers_of(place));
  cluster::BusKeys out;
  const std::size_t most = options.most;
  const auto progress = options.progress;
  for (const redis::Server& server : servers) {
    options.most = most - out.total();
    if (options.most == 0) {
      out.all = false;
      break;
    }
    if (progress) options.progress = [&progress, before = out.total()](std::uint64_t keys) { progress(before + keys); };
    redis::Connection connection(server, place.policy, system_entropy());
    TRY(seen, cluster::count_bus_keys(connection, options));
    out.add(std::move(seen));
  }
  return out;
}

int count(const config::Config& config, const Arguments& arguments) {
  const app::BusPlace place = app::find_bus(config, system_entropy());
  cluster::BusKeysOptions options{.prefix = std::string(engine::kBusPrefix), .most = arguments.most};
  std::uint64_t next = kProgressEach;
  if (::isatty(STDERR_FILENO) == 1)
    options.progress = [&next](std::uint64_t keys) {
      if (keys < next) return;
      next = keys + kProgressEach;
      fmt::print(stderr, "{} keys …\n", keys);
    };
  const auto seen = count_everywhere(place, options);
  if (!seen) {
    (void)refused_command("bus", seen.error());
    return kCouldNotRun;
  }
  if (arguments.json)
    fmt::print("{}\n", json::write_pretty(to_json(app::bus_shown(config), *seen)));
  else
    print_text(app::bus_shown(config), *seen);
  return seen->endless.empty() ? 0 : 1;
}

} // namespace

int run_bus(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("bus", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  if (!config::is_fit(loaded.findings)) {
    fmt::print(stderr, "{}", config::findings_text(loaded.findings));
    return kCouldNotRun;
  }
  if (loaded.config.bus_url.empty()) {
    fmt::print(stderr, "foyer bus: BUS_URL is not set: there is no bus.\n");
    return kCouldNotRun;
  }
  return count(loaded.config, *arguments);
}

} // namespace foyer::cli
