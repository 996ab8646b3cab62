// docs/limits.md holds every limit, and what it names exists.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "source_tree.h"

namespace fs = std::filesystem;

namespace {

std::set<std::string> found(const std::string& text, const char* pattern) {
  std::set<std::string> out;
  const std::regex expression(pattern);
  for (auto it = std::sregex_iterator(text.begin(), text.end(), expression); it != std::sregex_iterator(); ++it)
    out.insert((*it)[1]);
  return out;
}

std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& known) {
  std::set<std::string> left;
  for (const auto& each : all)
    if (!known.contains(each)) left.insert(each);
  return left;
}

std::string page() { return text_of(kRoot / "docs/limits.md"); }
std::set<std::string> numbers() {
  return found(text_of(kRoot / "src/config/options.h"), R"re(std::uint64_t (\w+) = )re");
}

std::string source() {
  std::string all;
  for (const auto& file : product_files()) all += text_of(kRoot / "src" / file);
  return all;
}

TEST(LimitsPage, NamesEveryNumberOfTheDoorOfConnectionsAndOfRooms) {
  std::set<std::string> limits;
  const auto options = numbers();
  for (const auto& name : found(text_of(kRoot / "src/config/table.cc"),
           R"re(\.name = "(\w+)",\s+\.section = "(?:The door|Connections|Rooms)")re"))
    if (options.contains(name)) limits.insert(name);
  EXPECT_GE(limits.size(), 30U);
  EXPECT_THAT(without(limits, found(page(), R"re(`(\w+)`)re")), testing::IsEmpty())
      << "they stand in the table of options and not on the page";
}

TEST(LimitsPage, HasOnlyOptionsThatExist) {
  const auto options = found(text_of(kRoot / "src/config/table.cc"), R"re(\.name = "(\w+)")re");
  const auto first_of_rows = found(page(), R"re(\n\| `(\w+)`[,` a-z_]*\|)re");
  auto known = options;
  known.insert("foyer_limit_used");
  EXPECT_THAT(without(first_of_rows, known), testing::IsEmpty());
}

TEST(LimitsPage, HasOnlyCodesOfTheCatalogueAndMetricsOfTheProgram) {
  const std::string text = page();
  const auto codes = found(text_of(kRoot / "src/base/catalogue.def"), R"re(FOYER_CAUSE\((\w+),)re");
  EXPECT_THAT(without(found(text, R"re(`([A-Z][A-Z_]+)`)re"), codes), testing::UnorderedElementsAre());
  const auto metrics = found(source(), R"re("(foyer_\w+)")re");
  EXPECT_THAT(without(found(text, R"re((foyer_\w+))re"), metrics), testing::IsEmpty());
}

TEST(LimitsPage, NamesEveryLimitThatHasMetrics) {
  const std::string program = source();
  auto reported =
      found(program, R"re((?:report_limit|limit_gauge|limit_refusals|meter_?)\(\s*(?:\w+\.)?metrics,\s+"(\w+)")re");
  for (const auto& name : found(program, R"re(\w+_\("(\w+)",\s+policy\.)re")) reported.insert(name); // ConnectionGauges
  EXPECT_GE(reported.size(), 25U);
  EXPECT_THAT(without(reported, found(page(), R"re([`*](\w+)[`*])re")), testing::IsEmpty());
}

} // namespace
