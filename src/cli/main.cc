#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/command.h"

namespace foyer::cli {
namespace {

constexpr Command kCommands[] = {
    {"serve", "Check the configuration, then serve.", run_serve},
    {"check", "Check the configuration and this machine: all findings at once, with source and fix.", run_check},
    {"doctor", "Find out why WebSockets do not open at an address, of Foyer or of any other server.", run_doctor},
    {"explain", "Explain a code: what it means, who must act, and the next step.", run_explain},
    {"why", "Look up one refusal by its reference.", run_why},
    {"upkeep", "Show whether old rows are being deleted or wait for a trusted clock; --now ends the wait.", run_upkeep},
    {"cluster", "Show the nodes that share a database, and what is wrong; remove forgets a dead one.", run_cluster},
    {"bus", "Count the keys on the bus between nodes, by kind.", run_bus},
    {"backup", "Make a consistent copy of the data directory while the server runs.", run_backup},
    {"token", "Issue, inspect and verify access tokens.", run_token},
    {"user", "Manage accounts: add, list, invite, disable, enable, password, revoke, import; also while a server runs.",
        run_user},
    {"key", "Manage the keys that sign access tokens: list, rotate, remove; also while a server runs.", run_key},
    {"service", "Manage services: add, list, rotate, disable, enable; also while an auth service runs.", run_service},
    {"api-key", "Manage the keys of the server API: add, list, set, rotate, disable, enable; also while a server runs.",
        run_api_key},
    {"webhook",
        "Tell an application what happens: add, list, test, dead, replay, rotate, remove; also while a server runs.",
        run_webhook},
    {"chat", "Chat in a terminal or from a pipe.", run_chat},
};

std::string help() {
  std::string out =
      "Foyer: a self-hosted real-time messaging server that explains every refusal.\n\n"
      "Usage: foyer COMMAND [OPTIONS]\n\n";
  for (const auto& command : kCommands) out += fmt::format("  {:<10} {}\n", command.name, command.help);
  out +=
      "\n"
      "`foyer COMMAND --help` describes a command. `foyer --version` prints the version.\n";
  return out;
}

int unknown(std::string_view name) {
  std::string message = fmt::format("foyer: unknown command \"{}\".", printable(name, 64));
  const auto* nearest = std::ranges::min_element(
      kCommands, {}, [name](const Command& c) { return edit_distance(name.substr(0, 64), c.name); });
  if (edit_distance(name.substr(0, 64), nearest->name) <= 2)
    message += fmt::format(" Did you mean \"{}\"?", nearest->name);
  fmt::print(stderr, "{}\n`foyer --help` lists them all.\n", message);
  return kCouldNotRun;
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    fmt::print(stderr, "{}", help());
    return kCouldNotRun;
  }
  const std::string& name = args.front();
  if (name == "--help" || name == "-h" || name == "help") {
    fmt::print("{}", help());
    return 0;
  }
  if (name == "--version" || name == "-V") {
    fmt::print("foyer {}\n", FOYER_VERSION);
    return 0;
  }
  for (const auto& command : kCommands)
    if (command.name == name) return command.run(Args(args).subspan(1));
  return unknown(name);
}

} // namespace

} // namespace foyer::cli

int main(int argc, char** argv) {
  try {
    return foyer::cli::run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (const std::exception& fault) {
    fmt::print(stderr, "foyer: {}\n", foyer::printable(fault.what()));
    return foyer::cli::kCouldNotRun;
  }
}
