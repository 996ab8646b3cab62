#include "engine/memory/shared_state.h"

#include "engine/testing/shared_state_contract.h"

namespace foyer::engine {
namespace {

class MemorySharedWorld : public SharedWorld {
 public:
  SharedState& state() override { return state_; }
  void run() override {} // answers everything at once
  ManualClock& clock() override { return clock_; }

 private:
  ManualClock clock_;
  MemorySharedState state_{clock_, 2};
};

INSTANTIATE_TEST_SUITE_P(Memory, SharedEntriesContract,
    testing::Values([]() -> std::unique_ptr<EntriesWorld> { return std::make_unique<MemorySharedWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Memory, SharedStateContract,
    testing::Values([]() -> std::unique_ptr<SharedWorld> { return std::make_unique<MemorySharedWorld>(); }));

TEST(MemorySharedState, ForgetsTheCountThatWasUntouchedLongest) {
  MemorySharedWorld w;
  const auto count = [&](const char* name) {
    return w.count({.key = {"login", name}, .most = 1, .window = Millis{1'000}});
  };
  EXPECT_EQ(count("a"), "counted");
  EXPECT_EQ(count("b"), "counted");
  EXPECT_EQ(count("a"), "1000");
  EXPECT_EQ(count("c"), "counted");
  EXPECT_EQ(count("a"), "1000");
  EXPECT_EQ(count("b"), "counted");
}

TEST(MemorySharedState, EndsThatComeOutOfOrderAreForgottenInTheirs) {
  MemorySharedWorld w;
  const auto take = [&](const char* name, int remember) {
    return w.take({.key = {"k", name}, .remember = Millis{remember}});
  };
  for (const auto& [name, remember] : {std::pair{"a", 300}, {"b", 100}, {"c", 200}})
    EXPECT_EQ(take(name, remember), "first");
  w.clock().advance(Millis{100});
  EXPECT_EQ(take("b", 1'000), "first");
  EXPECT_EQ(take("c", 1'000), " 100");
  w.clock().advance(Millis{100});
  EXPECT_EQ(take("c", 1'000), "first");
  EXPECT_EQ(take("a", 1'000), " 200");
}

} // namespace
} // namespace foyer::engine
