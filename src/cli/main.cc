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
    {"check", "Is this configuration fit to serve, here and now? All findings at once, and where the values came from.",
        run_check},
    {"explain", "What a code means, who must act, and what to do next.", run_explain},
    {"why", "What the server knows about the refusal with a reference.", run_why},
    {"upkeep", "Whether deletion of old rows is running or waits for a trusted clock; --now ends the wait.",
        run_upkeep},
    {"backup", "A consistent copy of the data directory, while the server runs.", run_backup},
    {"token", "Make an access token, show what is in one, say whether the server would take it.", run_token},
    {"user", "Accounts: add, list, invite, disable, enable, password, revoke, import; beside a running server.",
        run_user},
    {"key", "The keys that sign access tokens: list, rotate, remove; beside a running server.", run_key},
    {"service", "Services: add, list, rotate, disable, enable; beside a running auth service.", run_service},
    {"chat", "Chat in a terminal or from a pipe.", run_chat},
};

std::string help() {
  std::string out =
      "Foyer: authenticated real-time messaging whose door explains itself.\n\nUsage: foyer COMMAND [OPTIONS]\n\n";
  for (const auto& command : kCommands) out += fmt::format("  {:<10} {}\n", command.name, command.help);
  out += "\n`foyer COMMAND --help` describes one of them. `foyer --version` prints the version.\n";
  return out;
}

int unknown(std::string_view name) {
  std::string message = fmt::format("foyer: there is no command \"{}\".", printable(name, 64));
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
