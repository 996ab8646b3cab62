#include "engine/memory/presence_store.h"

#include "engine/testing/presence_store_contract.h"

namespace foyer::engine {
namespace {

class MemoryPresenceWorld final : public PresenceWorld {
 public:
  MemoryPresenceStore& store() override { return store_; }
  void run() override {} // answers everything at once

 private:
  MemoryPresenceStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, PresenceStoreContract,
    testing::Values([]() -> std::unique_ptr<PresenceWorld> { return std::make_unique<MemoryPresenceWorld>(); }));

TEST(MemoryPresenceStore, KeepsNothingOfARoomThatEverybodyHasLeft) {
  MemoryPresenceWorld w;
  w.touch("tea", "ann");
  EXPECT_EQ(w.store().rooms(), 1U);
  w.leave("tea", "ann");
  EXPECT_EQ(w.store().rooms(), 0U);
}

} // namespace
} // namespace foyer::engine
