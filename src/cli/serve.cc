#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "cli/command.h"
#include "cli/fitness.h"
#include "cli/node.h"
#include "config/development.h"
#include "config/load.h"
#include "config/report.h"
#include "store/data_dir.h"

namespace foyer::cli {
namespace {

// Signals are taken by the main thread alone, one after the other.
class Signals {
 public:
  // SIGHUP is a word to read the TLS files again, where there are any; else it is
  // what it always was, the end of the terminal and of the process.
  explicit Signals(bool reloads) {
    sigemptyset(&set_);
    for (const int s : {SIGINT, SIGTERM, SIGUSR2}) sigaddset(&set_, s);
    if (reloads) sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file at its limit is STORE_FULL, not the end of the process
  }
  [[nodiscard]] int wait() const {
    int taken = 0;
    while (sigwait(&set_, &taken) != 0) {}
    return taken;
  }
  // Ends a wait() from another thread.
  static void finished() { kill(getpid(), SIGUSR2); }

 private:
  sigset_t set_{};
};

constexpr std::string_view kUsage =
    "Usage: foyer serve [OPTIONS]\n\n"
    "Checks its configuration, then listens. Opens no port while anything is wrong.\n"
    "SIGTERM and SIGINT drain and end it; SIGHUP reads the TLS files again.\n"
    "Exit status: 0 after a drain, 1 not fit or cannot listen.\n\n"
    "Examples:\n"
    "  foyer serve --dev                          try it: secrets are generated into ./data\n"
    "  foyer serve --config /etc/foyer.toml       options from a file; see docs/configuration.md\n"
    "  foyer check --config /etc/foyer.toml       the same check, without serving\n\n"
    "  --dev          short for --environment development\n"
    "  --config FILE  read options from a TOML file\n";

// Like a finding of the check: what, why, what next; on standard error, since there is no log yet.
int not_fit(const std::vector<config::Finding>& findings) {
  fmt::print(stderr, "{}Not fit to serve. `foyer explain CODE` tells more about each.\n", config::findings_text(findings));
  return 1;
}

int cannot_start(Log& log, const Refusal& refusal) {
  log.error("cannot_start", refusal.operator_text(), {{"code", refusal.code()}, {"step", to_string(refusal.step())}, {"next", refusal.info().next}});
  return 1;
}

void greet(const config::Config& config, const NodeAddress& address) {
  if (config.environment != config::Environment::development || isatty(STDOUT_FILENO) == 0) return;
  fmt::print(
      "\n  Foyer is open at {}\n\n"
      "  Next: open it in two browser windows, register two people, and chat.\n"
      "        In a terminal: build/foyer chat {}\n"
      "        Ctrl-C tells everybody, drains and ends.\n\n",
      address.url, address.url);
  std::fflush(stdout);
}

} // namespace

int run_serve(Args args) {
  for (const auto& arg : args) {
    if (arg != "--help" && arg != "-h") continue;
    fmt::print("{}{}", kUsage, config::options_help());
    return 0;
  }
  const auto read = config::system_files();
  auto loaded = config::load({.args = {args.begin(), args.end()}, .environment = config::system_environment(), .read = read});
  const Signals signals(!loaded.config.tls_cert_file.empty());
  const auto findings = fitness(loaded, read);
  if (!config::is_fit(findings)) return not_fit(findings);
  const auto log = make_log(loaded.config.log_format, loaded.config.log_level);
  for (const auto& finding : findings)
    log->warning("configuration", finding.message, {{"code", code_of(finding.code)}, {"option", finding.option}, {"source", finding.source}, {"next", finding.fix}});

  auto data = store::DataDir::open(loaded.config.data);
  if (!data) return cannot_start(*log, data.error());
  if (auto locked = data->lock(); !locked) return cannot_start(*log, locked.error());
  if (auto claimed = data->claim(config::to_string(loaded.config.environment)); !claimed) return cannot_start(*log, claimed.error());
  if (const auto faults = config::generate_secrets(loaded, read, system_entropy()); !config::is_fit(faults)) return not_fit(faults);

  auto node = Node::start(loaded.config, *data, config::configuration_fingerprint(loaded.config), *log);
  if (!node) return cannot_start(*log, node.error());
  const auto& address = (*node)->address();
  if (auto written = data->write_status((*node)->status_json()); !written) return cannot_start(*log, written.error());
  const std::string message = loaded.config.environment == config::Environment::development ? "Foyer is open at " + address.url + ". Next: open it in two browser windows, register two people, and chat." : "Foyer is listening.";
  log->info("listening", message, {{"url", address.url}, {"host", address.host}, {"port", address.port}, {"ws_url", address.ws_url},
                                                 {"environment", config::to_string(loaded.config.environment)}, {"version", FOYER_VERSION}});
  greet(loaded.config, address);

  int told = signals.wait();
  for (; told == SIGHUP; told = signals.wait()) (*node)->reload();
  if (told != SIGUSR2) {
    log->info("draining", "Told to end: everybody is told, then closed in batches.");
    (*node)->drain([] { Signals::finished(); });
    // A second request to end does not wait.
    do told = signals.wait(); while (told == SIGHUP);
    if (told != SIGUSR2) log->warning("stopped", "Told to end again: ending at once.");
  }
  (*node)->stop();
  data->remove_status();
  log->info("ended", "Foyer has ended.");
  return 0;
}

} // namespace foyer::cli
