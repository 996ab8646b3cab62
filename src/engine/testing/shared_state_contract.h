// The contract of every shared state beyond its entries: counts and leases.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/shared_state.h"
#include "engine/testing/shared_entries_contract.h"

namespace foyer::engine {

// A shared state, driven by a test.
class SharedWorld : public EntriesWorld {
 public:
  virtual SharedState& state() = 0;
  SharedEntries& entries() override { return state(); }

  // "counted", "1500"
  std::string count(CountRequest request) {
    auto counted = ask<Counted>([&](Completion<Counted> d) { state().count_in_window(request, std::move(d)); });
    if (!counted) return std::string(counted.error().code());
    return counted->within ? "counted" : std::to_string(counted->retry_after.count());
  }
  // "a:1"
  std::string lease(LeaseRequest request) {
    auto lease = ask<Lease>([&](Completion<Lease> d) { state().lease(request, std::move(d)); });
    if (!lease) return std::string(lease.error().code());
    return lease->holder + ":" + std::to_string(lease->term);
  }
  bool end_lease(const SharedKey& key, const std::string& holder, std::uint64_t term) {
    return ask<bool>([&](Completion<bool> d) { state().end_lease(key, holder, term, std::move(d)); }).value_or(false);
  }
};

class SharedStateContract : public testing::TestWithParam<std::function<std::unique_ptr<SharedWorld>()>> {
 protected:
  void SetUp() override { w = GetParam()(); }
  std::unique_ptr<SharedWorld> w;
};

// --- count_in_window ---

TEST_P(SharedStateContract, NoMoreAreCountedThanFitInAnyWindow) {
  const CountRequest request{.key = {"login", "ann"}, .most = 2, .window = Millis{1'000}};
  EXPECT_EQ(w->count(request), "counted");
  w->clock().advance(Millis{400});
  EXPECT_EQ(w->count(request), "counted");
  EXPECT_EQ(w->count(request), "600");
  EXPECT_EQ(w->count({.key = {"login", "bob"}, .most = 2, .window = Millis{1'000}}), "counted");
  w->clock().advance(Millis{600});
  EXPECT_EQ(w->count(request), "counted") << "a refusal counts for nothing";
  EXPECT_EQ(w->count(request), "400");
  EXPECT_EQ(w->count({.key = {"login", "eve"}, .most = 0, .window = Millis{1'000}}), "1000");
}

// --- leases ---

TEST_P(SharedStateContract, ALeaseIsOnesUntilItLapsesAndEachNewOneHasALaterTerm) {
  const SharedKey key{"sweeper", "rooms"};
  const auto ask = [&](const char* holder) { return w->lease({.key = key, .holder = holder, .life = Millis{1'000}}); };
  EXPECT_EQ(ask("a"), "a:1");
  w->clock().advance(Millis{900});
  EXPECT_EQ(ask("b"), "a:1");
  EXPECT_EQ(ask("a"), "a:1") << "renewed";
  w->clock().advance(Millis{900});
  EXPECT_EQ(ask("b"), "a:1");
  w->clock().advance(Millis{100});
  EXPECT_EQ(ask("b"), "b:2");
  w->clock().advance(Millis{1'000});
  EXPECT_EQ(ask("b"), "b:3") << "it had lapsed: another holder may have acted meanwhile";
  EXPECT_EQ(w->lease({.key = {"sweeper", "other"}, .holder = "a", .life = Millis{1'000}}), "a:1");
}

TEST_P(SharedStateContract, ALeaseIsEndedByItsHolderInItsTermAlone) {
  const SharedKey key{"sweeper", "rooms"};
  const auto ask = [&](const char* holder) { return w->lease({.key = key, .holder = holder, .life = Millis{1'000}}); };
  EXPECT_FALSE(w->end_lease(key, "a", 0));
  ASSERT_EQ(ask("a"), "a:1");
  EXPECT_FALSE(w->end_lease(key, "b", 1));
  EXPECT_FALSE(w->end_lease(key, "a", 2));
  EXPECT_EQ(ask("b"), "a:1");
  EXPECT_TRUE(w->end_lease(key, "a", 1));
  EXPECT_FALSE(w->end_lease(key, "a", 1));
  EXPECT_EQ(ask("b"), "b:2");
}

} // namespace foyer::engine
