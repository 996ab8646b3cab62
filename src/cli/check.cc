#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "app/bus.h"
#include "cli/check_live.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/fitness.h"
#include "config/development.h"
#include "config/mode.h"
#include "config/report.h"
#include "config/room_report.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer check [--all] [--json] [OPTIONS OF serve]\n"
    "       foyer check --room NAME [--json] [OPTIONS OF serve]\n"
    "       foyer check --live [--json] [OPTIONS OF serve]\n"
    "       foyer check --reference\n\n"
    "Checks the configuration and this machine. Reports all findings at once, makes every check that `foyer serve` "
    "makes\n"
    "before it listens (addresses, data, databases, keys, certificates), and shows the options that are not at their\n"
    "default, with their source. While a server runs, its port and its data are reported as in use.\n"
    "Exit status: 0 fit to serve, 1 not fit, 2 could not run.\n\n"
    "  --all          also show the options that are at their default\n"
    "  --json         print findings and all options as one JSON object\n"
    "  --room NAME    show only what holds in this room, and where it is configured\n"
    "  --live         show instead what changes while servers run, and what each value means for `sent`, recovery and\n"
    "                 presence: PostgreSQL, the bus and its replicas, whether the nodes hear each other. Exit status: "
    "0 all\n"
    "                 is well, 1 something is wrong (each with its code), 2 could not ask\n"
    "  --reference    print the page docs/configuration.md\n"
    "  --config FILE  read options from a TOML file\n"
    "  --dev          short for --environment development\n";

// Findings of loading are reported too: a rule that could not be read does not hold.
int check_room(const config::Loaded& loaded, const std::string& room, bool as_json) {
  const bool fit = config::is_fit(loaded.findings);
  if (!fit) fmt::print(stderr, "{}", config::findings_text(loaded.findings));
  const auto report = config::report_on_room(loaded, room);
  if (!report) return refused_command("check", report.error());
  if (as_json)
    fmt::print("{}\n", json::write_pretty(config::room_json(*report)));
  else
    fmt::print("{}", config::room_text(*report));
  return fit ? 0 : 1;
}

void add_mode(json::Object& report, const config::Config& config, bool fit) {
  report["mode"] = config::mode_json(config);
  if (!fit || config.bus_url.empty()) return;
  if (const auto seen = app::look_at_bus(config, system_entropy())) report["bus"] = app::bus_json(*seen);
}

void print_mode(const config::Config& config) {
  fmt::print("{}", config::mode_text(config));
  if (!config.bus_url.empty())
    if (const auto seen = app::look_at_bus(config, system_entropy())) fmt::print("{}", app::bus_text(*seen));
  fmt::print("\n");
}

int report(config::Loaded loaded, const config::ReadFile& read, bool all, bool as_json) {
  const auto findings = fitness(loaded, read);
  (void)config::adopt_generated_secrets(loaded, read); // so that they are shown
  const std::string fingerprint =
      config::configuration_fingerprint(loaded.config); // of the options as set, like `serve`
  config::resolve_addresses(loaded.config, loaded.config.listen.port);
  const bool fit = config::is_fit(findings);
  if (as_json) {
    auto out = config::check_json(loaded, findings);
    out["config"] = fingerprint;
    if (loaded.config.role_gateway) add_mode(out, loaded.config, fit);
    fmt::print("{}\n", json::write_pretty(out));
    return fit ? 0 : 1;
  }
  fmt::print("{}{}\n", config::findings_text(findings), config::options_text(loaded, all));
  if (fit && loaded.config.role_gateway) print_mode(loaded.config);
  const auto errors = std::ranges::count(findings, config::Severity::error, &config::Finding::severity);
  if (fit)
    fmt::print("Fit to serve. Configuration {}.\n", fingerprint);
  else
    fmt::print("Not fit to serve: {} {}. `foyer explain CODE` explains each code.\n", errors,
        errors == 1 ? "error" : "errors");
  return fit ? 0 : 1;
}

} // namespace

int run_check(Args args) {
  config::Inputs inputs{{}, config::system_environment(), config::system_files()};
  bool as_json = false;
  bool all = false;
  bool live = false;
  std::optional<std::string> room;
  bool room_follows = false;
  for (const auto& arg : args) {
    if (std::exchange(room_follows, false)) {
      room = arg;
      continue;
    }
    if (arg == "--help" || arg == "-h") {
      fmt::print("{}{}", kUsage, config::options_help());
      return 0;
    }
    if (arg == "--reference") {
      fmt::print("{}", config::configuration_markdown());
      return 0;
    }
    if (arg == "--room")
      room_follows = true;
    else if (arg.starts_with("--room="))
      room = arg.substr(7);
    else if (arg == "--json")
      as_json = true;
    else if (arg == "--all")
      all = true;
    else if (arg == "--live")
      live = true;
    else
      inputs.args.push_back(arg);
  }
  if (room_follows) {
    fmt::print(stderr, "foyer check: --room needs the name of a room.\n");
    return 2;
  }
  config::Loaded loaded = config::load(inputs);
  if (room) return check_room(loaded, *room, as_json);
  if (live) return check_live(loaded, as_json);
  return report(std::move(loaded), inputs.read, all, as_json);
}

} // namespace foyer::cli
