#include "io/slot_table.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

using namespace foyer::io;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Named {
  SlotId id;
  std::string name;
};

SlotId add(SlotTable<Named>& table, std::string name) {
  return table.add([&](SlotId id) { return std::make_unique<Named>(id, std::move(name)); }).id;
}

std::vector<std::string> names(const SlotTable<Named>& table) {
  std::vector<std::string> out;
  table.each([&](const Named& one) { out.push_back(one.name); });
  return out;
}

} // namespace

TEST(SlotTable, AnIdFindsItsObjectUntilThatIsRemoved) {
  SlotTable<Named> table;
  EXPECT_EQ(table.find({}), nullptr);
  const SlotId a = add(table, "a"), b = add(table, "b");
  ASSERT_NE(table.find(a), nullptr);
  EXPECT_EQ(table.find(a)->name, "a");
  EXPECT_EQ(table.id_of(b.slot), b);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.remove(a.slot)->name, "a");
  EXPECT_EQ(table.find(a), nullptr);
  EXPECT_EQ(table.find(b)->name, "b");
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.find({.slot = 7, .generation = 1}), nullptr);
}

TEST(SlotTable, ASlotIsUsedAgainUnderAnotherId) {
  SlotTable<Named> table;
  const SlotId first = add(table, "first");
  EXPECT_EQ(table.remove(first.slot)->name, "first");
  const SlotId second = add(table, "second");
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_NE(second, first);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(table.find(second)->name, "second");
  EXPECT_EQ(table.slots(), 1U);
}

TEST(SlotTable, GenerationsStayWithinTheirRange) {
  SlotTable<Named> table(2, 4);
  std::vector<std::uint32_t> seen;
  for (int i = 0; i < 5; ++i) {
    const SlotId id = add(table, "x");
    seen.push_back(id.generation);
    EXPECT_NE(table.remove(id.slot), nullptr);
  }
  EXPECT_THAT(seen, ElementsAre(2, 3, 4, 2, 3));
}

TEST(SlotTable, EachMeetsEveryObjectInTheOrderOfSlots) {
  SlotTable<Named> table;
  EXPECT_THAT(names(table), IsEmpty());
  const SlotId a = add(table, "a"), b = add(table, "b");
  add(table, "c");
  EXPECT_NE(table.remove(b.slot), nullptr);
  EXPECT_NE(table.remove(a.slot), nullptr);
  EXPECT_THAT(names(table), ElementsAre("c"));
  add(table, "d");
  EXPECT_THAT(names(table), ElementsAre("d", "c")) << "the slot that was freed last is taken first";
  table.each([&](Named& one) { EXPECT_NE(table.remove(one.id.slot), nullptr); });
  EXPECT_TRUE(table.empty());
}
