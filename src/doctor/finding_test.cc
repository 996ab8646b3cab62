#include "doctor/finding.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "base/cause.h"
#include "doctor/recipe.h"

namespace foyer::doctor {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = FOYER_SOURCE_DIR;

std::string text_of_file(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// The sources of this folder and of its command: those that are tests, or those that are not.
std::string sources(bool tests) {
  std::string out =
      tests ? text_of_file(kRoot / "tests/system/doctor.test.mjs") : text_of_file(kRoot / "src/cli/doctor.cc");
  for (const auto& entry : fs::directory_iterator(kRoot / "src/doctor"))
    if (const std::string name = entry.path().filename(); name.ends_with(".cc") && name.ends_with("_test.cc") == tests)
      out += text_of_file(entry.path());
  return out;
}

// As a word of its own: PATH_404 is not in PATH_404_AGAIN.
bool names(const std::string& text, const std::string& before, std::string_view code) {
  return std::regex_search(text, std::regex(before + "\\b" + std::string{code} + "\\b"));
}

TEST(Finding, NoCodeIsAlsoACause) {
  std::set<std::string_view> seen;
  for (const auto& each : all_findings()) {
    EXPECT_FALSE(find_cause(each.code)) << each.code;
    EXPECT_TRUE(seen.insert(each.code).second) << each.code << " twice";
    EXPECT_EQ(find_finding(each.code), each.finding);
  }
}

TEST(Finding, EveryOneHasAProducerAndATest) {
  const std::string product = sources(false);
  const std::string tests = sources(true);
  for (const auto& each : all_findings()) {
    EXPECT_TRUE(names(product, "Finding::", each.code)) << each.code << " has no producer";
    EXPECT_TRUE(names(tests, "Finding::", each.code) || names(tests, "", each.code)) << each.code << " has no test";
  }
}

TEST(Finding, TextsAreSentences) {
  for (const auto& each : all_findings())
    for (const auto text : {each.client, each.operator_text, each.next}) {
      EXPECT_TRUE(text.ends_with('.') || text.ends_with(')') || text.ends_with('`') || text.ends_with("\"")) << text;
    }
}

TEST(Recipe, LinesThatTheDocumentShowsAreTheSame) {
  const std::string page = text_of_file(kRoot / "docs/proxies.md");
  EXPECT_THAT(page, testing::HasSubstr(std::string{find_recipe(Topic::upgrade, Product::nginx)->text}));
  EXPECT_THAT(page, testing::HasSubstr("`reverse_proxy 127.0.0.1:8000`"));
}

TEST(Recipe, EveryOneIsFoundAndEndsItsLine) {
  for (const auto& each : all_recipes()) {
    EXPECT_EQ(find_recipe(each.topic, each.product)->text, each.text) << name_of(each.product) << " twice";
    EXPECT_TRUE(each.text.ends_with('\n'));
  }
}

} // namespace
} // namespace foyer::doctor
