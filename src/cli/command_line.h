// What the commands that work on an installation do alike before and after their work.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "cli/command.h"

namespace foyer::cli {

// Says on standard error why a command could not do its work; the exit status for that.
inline int refused_command(std::string_view command, const Refusal& refusal) {
  fmt::print(stderr, "foyer {}: {}: {}\n{}\n", command, refusal.code(), refusal.operator_text(), refusal.info().next);
  return 1;
}

// What each of them takes: --json, --help, and where the installation is.
struct CommonArguments {
  bool json = false;
  bool help = false;
  std::vector<std::string> options = {}; // as for `serve`

  // Whether args[i] was one of these; i is then at the last word of it.
  [[nodiscard]] bool take(Args args, std::size_t& i) {
    const std::string& arg = args[i];
    if (arg == "--help" || arg == "-h") help = true;
    else if (arg == "--json") json = true;
    else if (arg == "--dev" || arg.starts_with("--data=") || arg.starts_with("--config=")) options.push_back(arg);
    else if ((arg == "--data" || arg == "--config") && i + 1 < args.size()) options.push_back(arg + "=" + args[++i]);
    else return false;
    return true;
  }
};

// The exit status when the arguments are wrong or ask for help; nothing when there is work to do.
template <class Arguments>
[[nodiscard]] std::optional<int> settled(std::string_view command, const std::expected<Arguments, std::string>& arguments, std::string_view usage) {
  if (!arguments) {
    fmt::print(stderr, "foyer {}: {}\n\n{}", command, arguments.error(), usage);
    return kCouldNotRun;
  }
  if (!arguments->help) return std::nullopt;
  fmt::print("{}", usage);
  return 0;
}

} // namespace foyer::cli
