// docs/limits.md holds every limit with its default, and what it names exists.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/table.h"
#include "config/values.h"
#include "source_tree.h"

namespace fs = std::filesystem;
using namespace foyer;

namespace {

std::vector<std::string> found_in_order(const std::string& text, const char* pattern) {
  std::vector<std::string> out;
  const std::regex expression(pattern);
  for (auto it = std::sregex_iterator(text.begin(), text.end(), expression); it != std::sregex_iterator(); ++it)
    out.push_back((*it)[1]);
  return out;
}

std::set<std::string> found(const std::string& text, const char* pattern) {
  const auto all = found_in_order(text, pattern);
  return {all.begin(), all.end()};
}

std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& known) {
  std::set<std::string> left;
  for (const auto& each : all)
    if (!known.contains(each)) left.insert(each);
  return left;
}

std::string page() { return text_of(kRoot / "docs/limits.md"); }
std::set<std::string> numbers() {
  std::set<std::string> out;
  for (const auto& option : config::all_options())
    if (config::is_number(option)) out.emplace(option.name);
  return out;
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

// "10,000", "64 KiB", "10 s" (milliseconds): the first number of a cell and its unit.
std::uint64_t amount(std::string cell) {
  std::erase(cell, ',');
  std::istringstream in(cell);
  std::uint64_t number = 0;
  std::string unit;
  in >> number >> unit;
  const std::map<std::string, std::uint64_t> units = {{"KiB", 1024}, {"MiB", 1024 * 1024}, {"s", 1000}};
  const auto known = units.find(unit);
  return known == units.end() ? number : number * known->second;
}

TEST(LimitsPage, GivesTheDefaultsOfTheProgram) {
  std::map<std::string, std::uint64_t> defaults;
  const auto config = config::defaults_for(config::Environment::development);
  for (const auto& option : config::all_options()) {
    const std::string text = config::format_value(option, config);
    if (config::is_number(option)) defaults[std::string(option.name)] = config::parse_size(text).value();
    if (std::holds_alternative<config::Field<Millis>>(option.slot))
      defaults[std::string(option.name)] = static_cast<std::uint64_t>(config::parse_duration(text).value().count());
  }
  const std::string text = page();
  const std::regex line(R"re(\n\| `(\w+)`[^|]*\| (\d[^|]*)\|)re");
  int compared = 0;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), line); it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[1];
    if (!defaults.contains(name)) continue;
    ++compared;
    EXPECT_EQ(amount((*it)[2]), defaults[name]) << name << ": " << (*it)[2];
  }
  EXPECT_GE(compared, 35);
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
  for (const auto& name : found(program, R"re(\w+_\("(\w+)",\s+policy\.)re")) reported.insert(name); // ConnectionLimits
  EXPECT_GE(reported.size(), 25U);
  EXPECT_THAT(without(reported, found(page(), R"re([`*](\w+)[`*])re")), testing::IsEmpty());
}

} // namespace
