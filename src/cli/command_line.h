// Shared by the commands: reading arguments, help and errors.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/refusal.h"
#include "cli/command.h"

namespace foyer::cli {

// Prints on standard error why a command failed, and returns the exit status.
inline int refused_command(std::string_view command, const Refusal& refusal) {
  fmt::print(stderr, "foyer {}: {}: {}\n{}\n", command, refusal.code(), refusal.operator_text(), refusal.info().next);
  return 1;
}

// The options of every command. Each of these three adds to the one before.
struct HelpArgument {
  bool help = false;

  // Whether args[i] was one of these; i then points to its last word.
  [[nodiscard]] bool take(Args args, std::size_t& i) {
    if (args[i] != "--help" && args[i] != "-h") return false;
    return help = true;
  }
};

// The installation's location.
struct PlaceArguments : HelpArgument {
  std::vector<std::string> options = {}; // as for `serve`

  [[nodiscard]] bool take(Args args, std::size_t& i) {
    const std::string& arg = args[i];
    if (HelpArgument::take(args, i)) return true;
    if (arg == "--dev" || arg.starts_with("--data=") || arg.starts_with("--config="))
      options.push_back(arg);
    else if ((arg == "--data" || arg == "--config") && i + 1 < args.size())
      options.push_back(arg + "=" + args[++i]);
    else
      return false;
    return true;
  }
};

struct CommonArguments : PlaceArguments {
  bool json = false;

  [[nodiscard]] bool take(Args args, std::size_t& i) {
    if (args[i] == "--json") return json = true;
    return PlaceArguments::take(args, i);
  }
};

// The value of an option, as `--name=VALUE` or in two words; i then points to the last of them. Nothing: args[i] is not
// that option, or has no value.
inline std::optional<std::string> value_of(std::string_view name, Args args, std::size_t& i) {
  const std::string_view arg = args[i];
  if (!arg.starts_with(name)) return std::nullopt;
  if (arg.size() > name.size() && arg[name.size()] == '=') return std::string{arg.substr(name.size() + 1)};
  if (arg.size() > name.size() || i + 1 == args.size()) return std::nullopt;
  return args[++i];
}

// `; did you mean "list"?` with one of the given words; empty when none is near.
inline std::string did_you_mean(std::string_view word, std::span<const std::string_view> words) {
  const std::string_view tried = word.substr(0, 64);
  const auto nearest =
      std::ranges::min_element(words, {}, [tried](std::string_view each) { return edit_distance(tried, each); });
  const bool near =
      nearest != words.end() && edit_distance(tried, *nearest) <= std::max<std::size_t>(1, nearest->size() / 3);
  const auto begins = std::ranges::find_if(
      words, [tried](std::string_view each) { return tried.size() >= 2 && each.starts_with(tried); });
  return near || begins != words.end() ? fmt::format("; did you mean \"{}\"?", near ? *nearest : *begins)
                                       : std::string{};
}

// The fault of the word after `foyer COMMAND`; nothing when it is one of them.
inline std::optional<std::string> wrong_verb(
    std::string_view command, const std::vector<std::string>& words, std::span<const std::string_view> verbs) {
  if (words.empty()) return fmt::format("missing command: one of {}", fmt::join(verbs, ", "));
  if (std::ranges::find(verbs, std::string_view{words.front()}) != verbs.end()) return std::nullopt;
  return fmt::format(
      "unknown command `foyer {} {}`{}", command, printable(words.front(), 64), did_you_mean(words.front(), verbs));
}

inline std::string wrong_option(std::string_view argument, std::span<const std::string_view> options) {
  const auto name = argument.substr(0, argument.find('='));
  if (std::ranges::find(options, name) != options.end()) return fmt::format("{} needs a value", name);
  return fmt::format("unknown option {}{}", printable(name, 64), did_you_mean(name, options));
}

// The words of a command line that are not options. `common` parses its own arguments; `take` gets each of the
// others with its index, and returns whether it was an option of the command, or its fault. If `hyphens`
// is true, a word after the first may begin with a hyphen.
template <class Common, class Take>
std::expected<std::vector<std::string>, std::string> words_of(
    Args args, Common& common, std::span<const std::string_view> options, bool hyphens, Take take) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (common.take(args, i)) continue;
    const std::expected<bool, std::string> taken = take(args[i], i);
    if (!taken) return std::unexpected(taken.error());
    if (*taken) continue;
    if (args[i].starts_with("-") && args[i].size() > 1 && !(hyphens && !words.empty()))
      return std::unexpected(wrong_option(args[i], options));
    words.push_back(args[i]);
  }
  return words;
}

// The exit status when the arguments are wrong or ask for help; nothing when the command should run.
template <class Arguments>
[[nodiscard]] std::optional<int> settled(
    std::string_view command, const std::expected<Arguments, std::string>& arguments, std::string_view usage) {
  if (!arguments) {
    fmt::print(stderr, "foyer {}: {}\n\n{}", command, arguments.error(), usage);
    return kCouldNotRun;
  }
  if (!arguments->help) return std::nullopt;
  fmt::print("{}", usage);
  return 0;
}

} // namespace foyer::cli
