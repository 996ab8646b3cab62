// The order of the folders in src/, held against the includes and against src/CMakeLists.txt. The table says exactly
// what is needed: an include without a permission fails, and so does a permission without an include.
#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "source_tree.h"

namespace fs = std::filesystem;

namespace {

struct Layer {
  std::string folder;
  std::set<std::string> may_include; // layers above this row, or one header of such a layer
};

// Lowest first. A file belongs to the longest folder that it lies in. src/cli, the programs, may include everything.
const std::vector<Layer> kLayers = {
    {"base", {}},
    {"jose", {"base"}},
    {"wire", {"base"}},
    {"exec", {"base"}},
    {"observe", {"base"}},
    {"admission", {"base", "wire"}},
    {"rooms/model", {"base"}},
    {"io/poll", {"base", "wire"}},
    {"io", {"base", "wire", "io/poll"}},
    {"io/tls", {"base", "wire", "io"}},
    {"http", {"base", "wire", "observe", "admission", "io"}},
    {"client", {"base", "wire", "exec"}},
    {"doctor", {"base", "wire"}},
    {"redis", {"base", "wire", "exec", "client"}},
    {"store", {"base"}},
    {"engine", {"base", "rooms/model"}},
    {"engine/local", {"engine"}},
    {"engine/sql", {"base", "rooms/model", "store", "engine", "engine/local"}},
    {"engine/memory", {"base", "engine"}},
    {"engine/redis", {"base", "rooms/model", "redis", "engine", "engine/local"}},
    {"cluster", {"base", "redis", "store", "engine/sql", "engine/redis"}},
    {"rooms", {"base", "admission", "rooms/model", "io", "engine", "engine/memory"}},
    {"protocol", {"base", "wire", "rooms/model", "rooms"}},
    {"protocol/foyer_v1", {"base", "rooms/model", "protocol"}},
    {"hooks", {"base", "client", "engine", "store"}},
    {"auth/contract", {"base"}},
    {"auth", {"base", "jose", "wire", "exec", "client", "auth/contract"}},
    {"asking", {"base", "wire", "rooms/model", "client", "auth"}},
    {"access", {"base", "rooms/model", "engine", "auth"}},
    {"accounts", {"base", "wire", "jose", "exec", "engine/shared_state.h", "store", "auth/contract"}},
    {"gateway",
        {"base", "wire", "observe", "admission", "io", "http", "rooms/model", "engine", "engine/local", "rooms",
            "protocol", "asking", "auth", "auth/contract"}},
    {"config",
        {"base", "jose", "wire", "client", "redis", "admission", "http", "rooms/model", "engine/sql", "auth", "asking",
            "accounts", "gateway"}},
    {"admin", {"base", "wire", "observe"}},
    {"api", {"base", "wire", "rooms/model", "engine", "rooms", "access", "gateway"}},
    {"app",
        {"base", "jose", "wire", "exec", "client", "io", "http", "observe", "redis", "store", "engine", "engine/sql",
            "engine/memory", "engine/local", "engine/redis", "hooks", "protocol", "protocol/foyer_v1", "admission",
            "auth", "auth/contract", "asking", "access", "accounts", "gateway", "config", "admin", "api"}},
};
const std::string kPrograms = "cli";

bool is_in(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

// The layer of a path relative to src/, or "" where the table has none.
std::string layer_of(const std::string& path) {
  std::string longest;
  for (const auto& layer : kLayers)
    if (is_in(path, layer.folder) && layer.folder.size() > longest.size()) longest = layer.folder;
  return longest;
}

struct Include {
  std::string file, target; // both relative to src/
};

// Every #include "..." in the product's files.
const std::vector<Include>& product_includes() {
  static const std::vector<Include> all = [] {
    const std::string start = "#include \"";
    std::vector<Include> out;
    for (const auto& file : product_files()) {
      std::istringstream lines(text_of(kRoot / "src" / file));
      for (std::string line; std::getline(lines, line);)
        if (line.starts_with(start)) out.push_back({file, line.substr(start.size(), line.rfind('"') - start.size())});
    }
    return out;
  }();
  return all;
}

// Folder → the folders that its library USES, in the order of src/CMakeLists.txt.
std::vector<Layer> libraries() {
  const std::string text = text_of(kRoot / "src/CMakeLists.txt");
  const std::regex call(R"re((?:^|\n)foyer_library\((\S+)([^)]*)\))re");
  std::vector<Layer> out;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), call); it != std::sregex_iterator(); ++it) {
    out.push_back({(*it)[1], {}});
    std::istringstream arguments((*it)[2]);
    bool uses = false;
    for (std::string word; arguments >> word;) {
      if (word == "USES" || word == "NEEDS")
        uses = word == "USES";
      else if (uses)
        out.back().may_include.insert(word);
    }
  }
  return out;
}

TEST(Layers, EveryIncludeHasAPermission) {
  std::set<std::string> missing;
  for (const auto& [file, target] : product_includes()) {
    const std::string from = layer_of(file), to = layer_of(target);
    if (from.empty() || from == to) continue;
    for (const auto& layer : kLayers)
      if (layer.folder == from && !layer.may_include.contains(to) && !layer.may_include.contains(target))
        missing.insert(file + " includes " + target);
  }
  EXPECT_THAT(missing, testing::IsEmpty());
  EXPECT_GT(product_includes().size(), 100U);
}

TEST(Layers, EveryPermissionIsUsed) {
  std::set<std::string> unused;
  for (const auto& layer : kLayers)
    for (const auto& may : layer.may_include) unused.insert(layer.folder + " may include " + may);
  for (const auto& [file, target] : product_includes()) {
    unused.erase(layer_of(file) + " may include " + layer_of(target));
    unused.erase(layer_of(file) + " may include " + target);
  }
  EXPECT_THAT(unused, testing::IsEmpty());
}

TEST(Layers, EveryFolderHasARowAndEveryRowAFolder) {
  std::set<std::string> without_row;
  std::map<std::string, int> files;
  for (const auto& file : product_files()) {
    if (is_in(file, kPrograms)) continue;
    const std::string layer = layer_of(file);
    if (layer.empty()) without_row.insert(file);
    ++files[layer];
  }
  EXPECT_THAT(without_row, testing::IsEmpty());
  for (const auto& layer : kLayers) EXPECT_GT(files[layer.folder], 0) << "no files in " << layer.folder;
}

TEST(Layers, ARowNamesOnlyRowsAboveIt) {
  std::set<std::string> above;
  for (const auto& layer : kLayers) {
    for (const auto& may : layer.may_include)
      EXPECT_TRUE(above.contains(may) || above.contains(layer_of(may))) << layer.folder << " may include " << may;
    EXPECT_TRUE(above.insert(layer.folder).second) << "two rows for " << layer.folder;
  }
}

TEST(Layers, TheBuildLinksWhatTheTablePermits) {
  std::vector<std::string> built, expected;
  const auto line = [](const std::string& folder, const std::set<std::string>& uses) {
    std::string out = folder + " USES";
    for (const auto& each : uses) out += " " + each;
    return out;
  };
  for (const auto& library : libraries()) built.push_back(line(library.folder, library.may_include));
  for (const auto& layer : kLayers) {
    std::set<std::string> targets;
    for (const auto& may : layer.may_include) {
      const std::string folder = may.ends_with(".h") ? layer_of(may) : may;
      targets.insert(std::regex_replace(folder, std::regex("/"), "_"));
    }
    expected.push_back(line(layer.folder, targets));
  }
  EXPECT_THAT(built, testing::ElementsAreArray(expected));
}

TEST(Layers, NoProductFileIncludesTestSupport) {
  std::set<std::string> wrong;
  for (const auto& [file, target] : product_includes())
    if (is_test_support(target)) wrong.insert(file + " includes " + target);
  EXPECT_THAT(wrong, testing::IsEmpty());
}

// "foyer::engine::Fanout": every class of a named namespace that the file defines.
std::set<std::string> classes_of(const std::string& file) {
  static const std::regex opens(R"re(namespace ([\w:]+) \{)re");
  static const std::regex defines(R"re((?:class|struct) (\w+)(?: final)?(?: : [^;]*)?\s*\{.*)re");
  std::set<std::string> out;
  std::string inside;
  bool unnamed = false;
  std::istringstream lines(text_of(kRoot / "src" / file));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("namespace {")) unnamed = true;
    if (line == "} // namespace") unnamed = false;
    if (std::regex_match(line, match, opens)) inside = match[1];
    if (!unnamed && std::regex_match(line, match, defines)) out.insert(inside + "::" + match[1].str());
  }
  return out;
}

// Of two that are called the same, the linker takes the functions of one for both.
TEST(Names, EachClassIsDefinedInOneFile) {
  std::map<std::string, std::string> first;
  std::set<std::string> twice;
  for (const auto& file : product_files())
    for (const auto& name : classes_of(file))
      if (const auto [known, fresh] = first.emplace(name, file); !fresh)
        twice.insert(name + ": " + known->second + " and " + file);
  EXPECT_THAT(twice, testing::IsEmpty());
  EXPECT_GT(first.size(), 500U);
}

} // namespace
