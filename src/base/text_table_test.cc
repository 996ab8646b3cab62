#include "base/text_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace foyer {
namespace {

TEST(TextTable, HoldsWhatAMapHolds) {
  TextTable<std::unique_ptr<int>> table;
  std::map<std::string, int, std::less<>> expected;
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::string key = std::string(state >> 60, 'k') + std::to_string((state >> 33) % 500);
    if ((state >> 40) % 3 == 0) {
      if (const auto* value = table.find(key)) table.erase(*value);
      expected.erase(key);
    } else {
      const auto [value, is_new] = table.add(key);
      EXPECT_EQ(is_new, !expected.contains(key));
      *value = std::make_unique<int>(i);
      expected[key] = i;
    }
    ASSERT_EQ(table.size(), expected.size());
  }
  std::map<std::string, int, std::less<>> found;
  table.each([&](std::string_view key, const std::unique_ptr<int>& value) {
    found.emplace(key, *value);
    return true;
  });
  EXPECT_EQ(found, expected);
  for (const auto& [key, value] : expected) EXPECT_EQ(**table.find(key), value);
  EXPECT_EQ(table.find("none of them"), nullptr);
}

TEST(TextTable, AValueStaysInItsPlaceAndKnowsItsKey) {
  TextTable<std::uint32_t> table;
  const std::uint32_t* first = table.add("first").first;
  for (int i = 0; i < 1'000; ++i) table.add(std::to_string(i));
  EXPECT_EQ(table.find("first"), first);
  EXPECT_EQ(table.key_of(*first), "first");
  EXPECT_EQ(table.key_of(*table.add("").first), "");
}

TEST(TextTable, EachEndsWhenItIsTold) {
  TextTable<std::uint32_t> table;
  for (const char* key : {"a", "b", "c"}) table.add(key);
  int seen = 0;
  table.each([&](std::string_view, std::uint32_t) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

} // namespace
} // namespace foyer
