#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/cause_page.h"
#include "cli/command.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer explain CODE [--json]\n"
    "       foyer explain --all [--json]\n"
    "       foyer explain --markdown\n\n"
    "What a code means, who must act, and what to do next.\n\n"
    "  CODE        such as TOKEN_EXPIRED; case and hyphens do not matter\n"
    "  --all       every code there is\n"
    "  --json      as JSON; with --all an array\n"
    "  --markdown  all of them as the page docs/causes.md\n";

int unknown(std::string_view code) {
  fmt::print(stderr, "There is no code {}.", printable(code, 64));
  const auto near = nearest_codes(code);
  for (std::size_t i = 0; i < near.size(); ++i) fmt::print(stderr, "{} {}", i == 0 ? " Near to it:" : ",", near[i]);
  fmt::print(stderr, "\n`foyer explain --all` lists all.\n");
  return 1;
}

std::string canonical(std::string_view code) {
  std::string out(code);
  for (char& c : out) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

} // namespace

int run_explain(Args args) {
  bool all = false;
  bool as_json = false;
  bool markdown = false;
  std::vector<std::string> codes;
  for (const auto& arg : args) {
    if (arg == "--help" || arg == "-h") {
      fmt::print("{}", kUsage);
      return 0;
    }
    if (arg == "--all") all = true;
    else if (arg == "--json") as_json = true;
    else if (arg == "--markdown") markdown = true;
    else if (arg.starts_with("-")) {
      fmt::print(stderr, "foyer explain: unknown option {}\n\n{}", printable(arg, 64), kUsage);
      return kCouldNotRun;
    } else codes.push_back(arg);
  }
  if (codes.size() != (all || markdown ? 0 : 1) || (markdown && as_json)) {
    fmt::print(stderr, "{}", kUsage);
    return kCouldNotRun;
  }
  if (markdown) {
    fmt::print("{}", causes_markdown());
    return 0;
  }
  if (all) {
    json::Array array;
    for (const auto& cause : all_causes()) {
      if (as_json) array.emplace_back(cause_to_json(cause));
      else fmt::print("{:<30} {}\n", cause.code, cause.client);
    }
    if (as_json) fmt::print("{}\n", json::write_pretty(array));
    return 0;
  }
  const auto cause = find_cause(canonical(codes.front()));
  if (!cause) return unknown(codes.front());
  if (as_json) fmt::print("{}\n", json::write_pretty(cause_to_json(info(*cause))));
  else fmt::print("{}", cause_to_text(info(*cause)));
  return 0;
}

} // namespace foyer::cli
