#include "base/row_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foyer {
namespace {

struct Row {
  std::string name;
};
struct NameOf {
  std::string_view operator()(const Row& row) const { return row.name; }
};

TEST(RowIndex, ARowTakesThePlaceOfAnotherWithItsKey) {
  RowIndex<Row, NameOf> index;
  Row one{"ann"}, other{"ann"};
  index.add(one);
  index.replace(other);
  EXPECT_EQ(index.find("ann"), &other);
  EXPECT_EQ(index.size(), 1U);
  index.erase(other);
  EXPECT_EQ(index.find("ann"), nullptr);
}

TEST(RowIndex, AWalkOverTheSlotsMeetsEachRow) {
  std::vector<Row> rows(1'000);
  RowIndex<Row, NameOf> index;
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = std::to_string(i), index.add(rows[i]);
  std::size_t met = 0;
  for (std::size_t slot = 0; slot < index.slots(); ++slot)
    if (const Row* row = index.in_slot(slot)) {
      ++met;
      EXPECT_EQ(index.find(row->name), row);
    }
  EXPECT_EQ(met, rows.size());
}

} // namespace
} // namespace foyer
