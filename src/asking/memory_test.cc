#include "asking/memory.h"

#include <gtest/gtest.h>

namespace foyer::asking {
namespace {

MonoTime at(int ms) { return MonoTime{Millis{ms}}; }

TEST(Memory, AnAnswerIsForgottenAfterItsTime) {
  Memory<int> memory(Millis{100}, 10);
  memory.keep("a", 1, at(0));
  EXPECT_EQ(*memory.find("a", at(99)), 1);
  EXPECT_EQ(memory.find("a", at(100)), nullptr);
  EXPECT_EQ(memory.size(), 0U);
}

TEST(Memory, ANewerAnswerHasATimeOfItsOwn) {
  Memory<int> memory(Millis{100}, 10);
  memory.keep("a", 1, at(0));
  memory.keep("a", 2, at(50));
  EXPECT_EQ(*memory.find("a", at(120)), 2);
  EXPECT_EQ(memory.find("a", at(150)), nullptr);
}

TEST(Memory, TheOldestMakeRoom) {
  Memory<int> memory(Millis{100}, 2);
  EXPECT_FALSE(memory.keep("a", 1, at(0)));
  EXPECT_FALSE(memory.keep("b", 2, at(1)));
  EXPECT_TRUE(memory.keep("c", 3, at(2)));
  EXPECT_EQ(memory.find("a", at(3)), nullptr);
  EXPECT_EQ(*memory.find("b", at(3)), 2);
  EXPECT_EQ(memory.size(), 2U);
}

TEST(Memory, WithoutATimeItIsNotUsed) { EXPECT_FALSE(Memory<int>(Millis{0}, 2).used()); }

} // namespace
} // namespace foyer::asking
