// The order of the folders in src/, held against what the files include.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace fs = std::filesystem;

// folder → folders it may include. A "part/sub" entry allows that sub-folder or header only.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"jose", {"base"}},
    {"wire", {"base"}},
    {"hub", {"base"}},
    {"config", {"base", "jose", "wire"}},
    {"door", {"base", "jose", "wire"}},
    {"protocol", {"base", "hub"}},
    {"loop", {"base", "wire"}},
    {"net", {"base", "wire"}},
    {"store", {"base"}},
    {"rooms", {"base", "hub", "store"}},
    {"auth", {"base", "jose", "wire", "door", "net"}},
    {"accounts", {"base", "wire", "jose", "net", "store", "auth/contract"}},
    {"gateway", {"base", "wire", "hub", "door", "protocol", "loop", "net", "rooms", "auth"}},
    {"api", {"base", "wire", "hub", "net", "gateway/info"}},
    {"doctor", {"base", "jose", "wire", "config", "net"}},
};

TEST(Layers, EveryIncludeGoesDownward) {
  const fs::path src = fs::path(FOYER_SOURCE_DIR) / "src";
  const std::regex include(R"re(^\s*#\s*include\s+"([^"]+)")re");
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(src)) {
    const auto ext = entry.path().extension();
    if (ext != ".h" && ext != ".cc" && ext != ".def") continue;
    const auto relative = fs::relative(entry.path(), src);
    const std::string folder = relative.begin()->string();
    if (folder == "cli") continue;
    ASSERT_TRUE(kMayInclude.contains(folder)) << "folder without a row in the table: " << folder;
    const bool is_test = relative.string().ends_with("_test.cc");
    if (is_test) continue; // a test may use the real things above and beside it
    ++files;
    std::ifstream in(entry.path());
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      const std::string target = match[1];
      const std::string target_folder = target.substr(0, target.find('/'));
      bool allowed = target_folder == folder;
      for (const auto& may : kMayInclude.at(folder))
        allowed = allowed || target == may + ".h" || target.starts_with(may + "/");
      EXPECT_TRUE(allowed) << relative.string() << ":" << number << " includes " << target << ", which layer " << folder
                           << " may not";
    }
  }
  EXPECT_GT(files, 10);
}
