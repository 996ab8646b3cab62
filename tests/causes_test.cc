// Every cause has a producer and a test that shows it, or stands in
// causes_later.txt with the capability that will bring it. That list only shrinks:
// a code that has both by now must leave it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "source_tree.h"

namespace fs = std::filesystem;

namespace {

bool in_code(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// The UPPER_SNAKE words of a text; with `prefix`, only those right behind it.
void collect(const std::string& text, std::string_view prefix, std::set<std::string>& out) {
  for (std::size_t i = 0; i < text.size();) {
    if (!in_code(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && in_code(text[end])) ++end;
    const bool whole = end == text.size() || !(text[end] >= 'a' && text[end] <= 'z');
    const bool led = prefix.empty() ||
        (i >= prefix.size() && std::string_view(text).substr(i - prefix.size(), prefix.size()) == prefix);
    if (whole && led) out.insert(text.substr(i, end - i));
    i = end;
  }
}

std::set<std::string> catalogue() {
  std::set<std::string> out;
  std::istringstream lines(text_of(kRoot / "src/base/catalogue.def"));
  const std::string start = "FOYER_CAUSE(";
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start)) out.insert(line.substr(start.size(), line.find(',') - start.size()));
  return out;
}

std::set<std::string> produced() {
  std::set<std::string> out;
  for (const auto& file : product_files())
    if (fs::path(file).filename().string().find("test") == std::string::npos)
      collect(text_of(kRoot / "src" / file), "Cause::", out);
  return out;
}

std::set<std::string> tested() {
  std::set<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src"))
    if (entry.path().string().ends_with("_test.cc") || (entry.is_regular_file() && is_test_support(entry.path())))
      collect(text_of(entry.path()), "", out);
  for (auto entry = fs::recursive_directory_iterator(kRoot / "tests"); entry != fs::recursive_directory_iterator();
      ++entry) {
    const fs::path& path = entry->path();
    if (path.filename() == "node_modules") {
      entry.disable_recursion_pending();
      continue;
    }
    const bool about_the_list = path.filename() == "causes_later.txt" || path.filename() == "causes_test.cc";
    if (entry->is_regular_file() && !about_the_list && entry->file_size() < (1U << 20)) collect(text_of(path), "", out);
  }
  return out;
}

// CODE: what will bring it
std::map<std::string, std::string> later() {
  std::map<std::string, std::string> out;
  std::istringstream lines(text_of(kRoot / "tests/causes_later.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto colon = line.find(':');
    out[line.substr(0, colon)] = colon == std::string::npos ? "" : line.substr(colon + 1);
  }
  return out;
}

TEST(Causes, EachHasAProducerAndATestOrIsAwaited) {
  const auto codes = catalogue();
  const auto producers = produced();
  const auto tests = tested();
  const auto awaited = later();
  ASSERT_GT(codes.size(), 100U);
  for (const auto& code : codes) {
    const bool has_producer = producers.contains(code);
    const bool has_test = tests.contains(code);
    if (awaited.contains(code)) {
      EXPECT_FALSE(has_producer && has_test)
          << code << " has a producer and a test: take it off tests/causes_later.txt";
      EXPECT_GT(awaited.at(code).size(), 5U) << code << ": say what will bring it";
      continue;
    }
    EXPECT_TRUE(has_producer) << code << " is refused nowhere in src/ (Cause::" << code << ")";
    EXPECT_TRUE(has_test) << code << " is named in no test";
  }
  for (const auto& [code, why] : awaited)
    EXPECT_TRUE(codes.contains(code)) << code << " of tests/causes_later.txt is not in the catalogue";
}

} // namespace
