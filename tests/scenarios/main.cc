// Plays scenario files: `scenarios FILE…`. Each is played three times, with the clients'
// bytes as they are sent, in pieces of seven, and on loops that are so busy that every
// signature waits for a later turn; which must make no difference.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/player.h"

namespace {

bool play_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto script = foyer::harness::parse_script(text);
  if (!script) {
    fmt::print("{}: {}\n", path, script.error());
    return false;
  }
  if (script->name != std::filesystem::path(path).stem()) {
    fmt::print("{}: its first line calls it {}\n", path, script->name);
    return false;
  }
  for (const foyer::harness::PlayOptions options : {foyer::harness::PlayOptions{}, {.piece = 7}, {.busy = true}}) {
    const auto difference = foyer::harness::play(*script, options);
    if (!difference) continue;
    fmt::print("{}:{}: {}\n{}\n", path, difference->line, difference->statement, difference->what);
    if (options.piece > 0) fmt::print("  (with the clients' bytes in pieces of {})\n", options.piece);
    if (options.busy) fmt::print("  (on loops that are busy)\n");
    return false;
  }
  fmt::print("ok {}\n", script->name);
  return true;
}

} // namespace

int main(int argc, char** argv) {
  int failed = 0;
  for (int i = 1; i < argc; ++i) failed += play_file(argv[i]) ? 0 : 1;
  return argc > 1 && failed == 0 ? 0 : 1;
}
