#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "cli/command.h"
#include "cli/fitness.h"
#include "cli/log_file.h"
#include "cli/node.h"
#include "cli/signals.h"
#include "config/development.h"
#include "config/load.h"
#include "config/report.h"
#include "config/table.h"
#include "config/values.h"
#include "store/data_dir.h"

namespace foyer::cli {
namespace {

constexpr Millis kStartPause{500}; // between checks while a start waits

constexpr std::string_view kUsage =
    "Usage: foyer serve [OPTIONS]\n\n"
    "Checks the configuration, then listens. No port is opened while there is an error. It waits up to\n"
    "--start-wait for a database that cannot be reached or a disk that is full.\n"
    "Signals: TERM and INT drain and exit, a second one exits at once; HUP reloads the TLS files and the key set\n"
    "and lists changed options that need a restart; USR1 reopens a renamed log file.\n"
    "Exit status: 0 after a drain, 1 the checks failed or it cannot listen.\n\n"
    "Examples:\n"
    "  foyer serve --dev                          to try it out: secrets are generated into ./data\n"
    "  foyer serve --config /etc/foyer.toml       options from a file; see docs/configuration.md\n"
    "  foyer check --config /etc/foyer.toml       the same check, without serving\n\n"
    "  --dev          short for --environment development\n"
    "  --config FILE  read options from a TOML file\n";

// Like a finding of the check: fault and fix; on standard error, since there is no log yet.
int not_fit(const std::vector<config::Finding>& findings) {
  fmt::print(stderr, "{}Not fit to serve. `foyer explain CODE` explains each code.\n", config::findings_text(findings));
  return 1;
}

int cannot_start(Log& log, const Refusal& refusal) {
  log.error("cannot_start", refusal.operator_text(),
      {{"code", refusal.code()}, {"step", to_string(refusal.step())}, {"next", refusal.info().next}});
  return 1;
}

// What to do next, on a server for development.
std::string next_step(const config::Config& config) {
  if (config.identity != config::IdentityMode::external)
    return "open it in two browser windows, register two users, and chat.";
  return "connect with a token of your application (docs/beside-your-app.md)" +
      (config.sign_in_url.empty() ? std::string(".") : "; people sign in at " + config.sign_in_url + ".");
}

void greet(const config::Config& config, const NodeAddress& address) {
  if (config.environment != config::Environment::development || isatty(STDOUT_FILENO) == 0) return;
  fmt::print(
      "\n"
      "  Foyer is running at {}\n\n"
      "  Next: {}\n"
      "        In a terminal: build/foyer chat {}\n"
      "        Ctrl-C notifies all clients, drains and exits.\n\n",
      address.url, next_step(config), address.url);
  std::fflush(stdout);
}

// The findings, once temporary ones have passed or start_wait is over; nothing when a signal to end came first.
std::optional<std::vector<config::Finding>> awaited_fitness(
    const config::Loaded& loaded, const config::ReadFile& read, const Signals& signals, Log& log) {
  const Clock& clock = system_clock();
  const MonoTime until = clock.mono() + loaded.config.start_wait;
  std::optional<Cause> said;
  for (;;) {
    auto findings = fitness(loaded, read);
    if (!may_pass(findings) || clock.mono() >= until) return findings;
    const auto& first = *std::ranges::find(findings, config::Severity::error, &config::Finding::severity);
    if (std::exchange(said, first.code) != first.code)
      log.warning("waiting_to_start", first.message,
          {{"code", code_of(first.code)}, {"option", first.option},
              {"for_at_most", config::format_duration(loaded.config.start_wait)}, {"next", first.fix}});
    const auto order = signals.wait(kStartPause);
    if (order != Signals::Order::end) continue;
    log.info("ended", "Shutdown was requested before the server could start.");
    return std::nullopt;
  }
}

// Options whose value has changed since the start: none of them takes effect before a restart.
std::vector<std::string_view> changed_options(const config::Loaded& started, const config::Inputs& inputs) {
  std::vector<std::string_view> out;
  const auto now = config::load(inputs);
  for (const auto& option : config::all_options()) {
    const bool generated =
        started.source_of(option.name).kind == config::Source::Kind::generated && !now.given(option.name);
    if (!generated && config::format_value(option, now.config) != config::format_value(option, started.config))
      out.push_back(option.name);
  }
  return out;
}

void reload(Node& node, const config::Loaded& started, const config::Inputs& inputs, Log& log) {
  const auto read = node.reload();
  if (read.empty())
    log.info("reloaded", "SIGHUP: nothing to reload; there are no TLS files and no key set.");
  else
    log.info("reloaded", fmt::format("SIGHUP: reading {} again.", fmt::join(read, " and ")));
  const auto changed = changed_options(started, inputs);
  if (changed.empty()) return;
  log.warning("restart_needed",
      fmt::format("These options have changed and take effect at the next start: {}.", fmt::join(changed, ", ")),
      {{"next", "Run `foyer check`, then restart."}});
}

void reopen(const LogFile& file, Log& log) {
  switch (file.reopen()) {
    case LogFile::Reopened::yes:
      return log.info("log_reopened", "SIGUSR1: the log file was reopened.", {{"file", file.path()}});
    case LogFile::Reopened::no_file:
      return log.info("log_not_reopened", "SIGUSR1: standard error is not a file, so there is no log file to reopen.");
    case LogFile::Reopened::failed:
      return log.error("log_not_reopened", "SIGUSR1: the log file cannot be reopened; the old one stays in use.",
          {{"file", file.path()}});
  }
}

// Waits for the end of a drain; false: a second signal cut it short.
bool run_until_ended(
    Node& node, const Signals& signals, const std::function<void()>& on_reload, const LogFile& log_file, Log& log) {
  bool draining = false;
  for (;;) {
    switch (signals.wait()) {
      case Signals::Order::finished: return true;
      case Signals::Order::reload: on_reload(); break;
      case Signals::Order::reopen_log: reopen(log_file, log); break;
      case Signals::Order::end:
        if (std::exchange(draining, true)) return false;
        log.info("draining", "Shutting down: clients are notified, then closed in batches.");
        node.drain([&signals] { signals.finish(); });
        break;
    }
  }
}

} // namespace

int run_serve(Args args) {
  for (const auto& arg : args) {
    if (arg != "--help" && arg != "-h") continue;
    fmt::print("{}{}", kUsage, config::options_help());
    return 0;
  }
  const auto read = config::system_files();
  const config::Inputs inputs{
      .args = {args.begin(), args.end()}, .environment = config::system_environment(), .read = read};
  auto loaded = config::load(inputs);
  const Signals signals;
  const LogFile log_file;
  const auto log = make_log(loaded.config.log_format, loaded.config.log_level);
  const auto found = awaited_fitness(loaded, read, signals, *log);
  if (!found) return 0;
  const auto& findings = *found;
  if (!config::is_fit(findings)) return not_fit(findings);
  for (const auto& finding : findings)
    log->warning("configuration", finding.message,
        {{"code", code_of(finding.code)}, {"option", finding.option}, {"source", finding.source},
            {"next", finding.fix}});

  auto data = store::DataDir::open(loaded.config.data);
  if (!data) return cannot_start(*log, data.error());
  if (auto locked = data->lock(); !locked) return cannot_start(*log, locked.error());
  if (auto claimed = data->claim(config::to_string(loaded.config.environment)); !claimed)
    return cannot_start(*log, claimed.error());
  if (const auto faults = config::generate_secrets(loaded, read, system_entropy()); !config::is_fit(faults))
    return not_fit(faults);

  auto node = Node::start(loaded.config, *data, config::configuration_fingerprint(loaded.config), *log);
  if (!node) return cannot_start(*log, node.error());
  const auto& address = (*node)->address();
  if (auto written = data->write_status((*node)->status_json()); !written) return cannot_start(*log, written.error());
  const std::string message = loaded.config.environment == config::Environment::development
      ? "Foyer is running at " + address.url + ". Next: " + next_step(loaded.config)
      : "Foyer is listening.";
  log->info("listening", message,
      {{"url", address.url}, {"host", address.host}, {"port", address.port}, {"ws_url", address.ws_url},
          {"environment", config::to_string(loaded.config.environment)}, {"version", FOYER_VERSION}});
  greet(loaded.config, address);

  const bool ordered = run_until_ended(**node, signals, [&] { reload(**node, loaded, inputs, *log); }, log_file, *log);
  if (!ordered) log->warning("stopped", "Second signal: exiting now.");
  (*node)->stop();
  data->remove_status();
  log->info("ended", "Foyer has stopped.");
  return 0;
}

} // namespace foyer::cli
