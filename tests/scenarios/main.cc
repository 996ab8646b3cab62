// Plays scenario files: `scenarios FILE…`. Each is played twice, with the clients'
// bytes as they are sent and in pieces of seven, which must make no difference.
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
  for (const std::size_t piece : {0, 7}) {
    const auto difference = foyer::harness::play(*script, {.piece = piece});
    if (!difference) continue;
    fmt::print("{}:{}: {}\n{}\n", path, difference->line, difference->statement, difference->what);
    if (piece > 0) fmt::print("  (with the clients' bytes in pieces of {})\n", piece);
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
