// What the commands that work on an installation do alike before and after their work.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/refusal.h"
#include "cli/command.h"

namespace foyer::cli {

// Says on standard error why a command could not do its work; the exit status for that.
inline int refused_command(std::string_view command, const Refusal& refusal) {
  fmt::print(stderr, "foyer {}: {}: {}\n{}\n", command, refusal.code(), refusal.operator_text(), refusal.info().next);
  return 1;
}

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
