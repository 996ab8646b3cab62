// Replays committed inputs: fuzz_replay NAME DIRECTORY runs the fuzzer NAME over no
// bytes at all, over every file of the directory, and over every file without its
// last byte.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "fuzz.h"

namespace {

std::map<std::string, foyer::fuzz::Function, std::less<>>& fuzzers() {
  static std::map<std::string, foyer::fuzz::Function, std::less<>> all;
  return all;
}

// In a block of exactly its size, so that a sanitizer sees a read beyond it.
void run(foyer::fuzz::Function function, std::string_view bytes) {
  const auto block = std::make_unique<char[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(block.get(), bytes.data(), bytes.size());
  function({block.get(), bytes.size()});
}

} // namespace

bool foyer::fuzz::add(std::string_view name, Function function) { return fuzzers().emplace(name, function).second; }

int main(int argc, char** argv) {
  const auto found = argc == 3 ? fuzzers().find(argv[1]) : fuzzers().end();
  if (found == fuzzers().end()) {
    std::fputs("fuzz_replay NAME DIRECTORY; there are", stderr);
    for (const auto& [name, function] : fuzzers()) std::fprintf(stderr, " %s", name.c_str());
    std::fputs("\n", stderr);
    return 2;
  }
  int files = 0;
  run(found->second, {});
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    run(found->second, bytes);
    if (!bytes.empty()) run(found->second, std::string_view{bytes}.substr(0, bytes.size() - 1));
    ++files;
  }
  std::printf("%d inputs\n", files);
  return files > 0 ? 0 : 1;
}
