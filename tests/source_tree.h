// The sources, for the tests that read them.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

inline const std::filesystem::path kRoot = FOYER_SOURCE_DIR;

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// Test support lies in folders `testing/`, beside what it supports.
inline bool is_test_support(const std::string& path) {
  return path.starts_with("testing/") || path.find("/testing/") != std::string::npos;
}

// The C++ files of the product, relative to src/: neither tests (*_test.cc) nor test support.
inline std::vector<std::string> product_files() {
  const auto src = kRoot / "src";
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(src)) {
    const std::string path = std::filesystem::relative(entry.path(), src);
    const bool code = path.ends_with(".h") || path.ends_with(".cc") || path.ends_with(".def") || path.ends_with(".inc");
    if (code && !path.ends_with("_test.cc") && !is_test_support(path)) out.push_back(path);
  }
  return out;
}
