// The contract of everything that remembers what was used and values until their end, on one node or on many.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/shared_state.h"

namespace foyer::engine {

// Shared entries, driven by a test.
class EntriesWorld {
 public:
  virtual ~EntriesWorld() = default;
  virtual SharedEntries& entries() = 0;
  virtual void run() = 0; // until all requests are answered
  virtual ManualClock& clock() = 0;

  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> r) { answer = std::move(r); });
    run();
    if (!answer) return refuse(Cause::INTERNAL_ERROR, "no answer");
    return std::move(*answer);
  }
  // "first", "ann 1500", "BUSY"
  std::string take(TakeRequest request) {
    auto taken = ask<Taken>([&](Completion<Taken> d) { entries().take_once(request, std::move(d)); });
    if (!taken) return std::string(taken.error().code());
    return taken->first ? "first" : taken->by + " " + std::to_string(taken->ago.count());
  }
  // "put", "there", "BUSY"
  std::string put(PutRequest request) {
    auto put = ask<bool>([&](Completion<bool> d) { entries().put_until(request, std::move(d)); });
    return !put ? std::string(put.error().code()) : *put ? "put" : "there";
  }
  // "value 5000", "value -200 by ann 300", "nothing"
  std::string find(const SharedKey& key) {
    auto kept = ask<std::optional<Kept>>([&](Completion<std::optional<Kept>> d) { entries().find(key, std::move(d)); });
    if (!kept) return std::string(kept.error().code());
    if (!*kept) return "nothing";
    std::string out = (*kept)->value + " " + std::to_string((*kept)->left.count());
    if (const auto& taken = (*kept)->taken) out += " by " + taken->by + " " + std::to_string(taken->ago.count());
    return out;
  }
};

class SharedEntriesContract : public testing::TestWithParam<std::function<std::unique_ptr<EntriesWorld>()>> {
 protected:
  void SetUp() override { w = GetParam()(); }
  std::unique_ptr<EntriesWorld> w;
};

// --- take_once ---

TEST_P(SharedEntriesContract, TheFirstTakesItAndTheOthersLearnWho) {
  EXPECT_EQ(w->take({.key = {"nonce", "n1"}, .by = "ann", .remember = Millis{60'000}}), "first");
  w->clock().advance(Millis{1'500});
  EXPECT_EQ(w->take({.key = {"nonce", "n1"}, .by = "bob", .remember = Millis{60'000}}), "ann 1500");
  EXPECT_EQ(w->take({.key = {"nonce", "n1"}, .by = "ann", .remember = Millis{60'000}}), "ann 1500");
  EXPECT_EQ(w->take({.key = {"nonce", "n2"}, .by = "bob", .remember = Millis{60'000}}), "first");
  EXPECT_EQ(w->take({.key = {"ticket", "n1"}, .by = "bob", .remember = Millis{60'000}}), "first") << "another kind";
}

TEST_P(SharedEntriesContract, OfTwoConcurrentTakersOneIsFirst) {
  int first = 0, later = 0;
  for (int i = 0; i < 2; ++i)
    w->entries().take_once({.key = {"nonce", "n"}, .by = std::to_string(i), .remember = Millis{1'000}},
        [&](Result<Taken> t) { ++(t.value().first ? first : later); });
  w->run();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(later, 1);
}

TEST_P(SharedEntriesContract, WhatWasTakenIsRememberedForItsTimeAndAnotherTryDoesNotProlongIt) {
  const TakeRequest request{.key = {"nonce", "n"}, .by = "ann", .remember = Millis{1'000}};
  EXPECT_EQ(w->take(request), "first");
  w->clock().advance(Millis{999});
  EXPECT_EQ(w->take(request), "ann 999");
  w->clock().advance(Millis{1});
  EXPECT_EQ(w->take(request), "first");
}

TEST_P(SharedEntriesContract, NoMoreOfAKindAreTakenThanTheCallerAllows) {
  const auto take = [&](const char* name, std::size_t most) {
    return w->take({.key = {"nonce", name}, .remember = Millis{1'000}, .most = most});
  };
  EXPECT_EQ(take("a", 2), "first");
  EXPECT_EQ(take("b", 2), "first");
  EXPECT_EQ(take("c", 2), "BUSY");
  EXPECT_EQ(w->entries().remembered("nonce"), 2U);
  EXPECT_EQ(take("a", 2), " 0") << "remembered entries are still reported";
  EXPECT_EQ(take("c", 3), "first") << "another caller may have a share of its own";
  EXPECT_EQ(w->take({.key = {"ticket", "a"}, .remember = Millis{1'000}, .most = 1}), "first");
  w->clock().advance(Millis{1'000});
  EXPECT_EQ(take("d", 2), "first");
}

// --- put_until ---

TEST_P(SharedEntriesContract, AValueIsThereUntilItsEndAndRememberedAWhileAfterIt) {
  const SharedKey key{"ticket", "t"};
  EXPECT_EQ(w->find(key), "nothing");
  EXPECT_EQ(w->put({.key = key, .value = "v", .life = Millis{1'000}, .remember = Millis{500}}), "put");
  EXPECT_EQ(w->find(key), "v 1000");
  w->clock().advance(Millis{400});
  EXPECT_EQ(w->find(key), "v 600");
  EXPECT_EQ(w->find({"nonce", "t"}), "nothing");
  w->clock().advance(Millis{1'000});
  EXPECT_EQ(w->find(key), "v -400");
  w->clock().advance(Millis{100});
  EXPECT_EQ(w->find(key), "nothing");
}

TEST_P(SharedEntriesContract, AValueIsNotReplaced) {
  const SharedKey key{"ticket", std::string("\0\n:", 3)};
  EXPECT_EQ(w->put({.key = key, .value = "first", .life = Millis{1'000}}), "put");
  EXPECT_EQ(w->put({.key = key, .value = "second", .life = Millis{9'000}}), "there");
  EXPECT_EQ(w->find(key), "first 1000");
}

TEST_P(SharedEntriesContract, WhereNoMoreFitsWhatHasEndedMakesWayAndWhatLivesDoesNot) {
  const auto put = [&](const char* name, Millis life) {
    return w->put({.key = {"ticket", name}, .value = name, .life = life, .remember = Millis{60'000}, .most = 2});
  };
  EXPECT_EQ(put("a", Millis{1'000}), "put");
  EXPECT_EQ(put("b", Millis{2'000}), "put");
  EXPECT_EQ(put("c", Millis{2'000}), "BUSY");
  w->clock().advance(Millis{1'000});
  EXPECT_EQ(w->find({"ticket", "a"}), "a 0");
  EXPECT_EQ(put("c", Millis{2'000}), "put");
  EXPECT_EQ(w->find({"ticket", "a"}), "nothing");
  EXPECT_EQ(w->find({"ticket", "b"}), "b 1000");
  EXPECT_EQ(w->entries().remembered("ticket"), 2U);
  EXPECT_EQ(w->entries().remembered("nonce"), 0U);
}

TEST_P(SharedEntriesContract, AValueIsTakenOnceAndFoundAsTakenAsLongAsItIsRemembered) {
  const SharedKey key{"ticket", "t"};
  ASSERT_EQ(w->put({.key = key, .value = "v", .life = Millis{1'000}, .remember = Millis{500}}), "put");
  EXPECT_EQ(w->find(key), "v 1000");
  w->clock().advance(Millis{900});
  EXPECT_EQ(w->take({.key = key, .by = "ann", .remember = Millis{1}, .most = 0}), "first");
  EXPECT_EQ(w->entries().remembered("ticket"), 1U);
  w->clock().advance(Millis{300});
  EXPECT_EQ(w->find(key), "v -200 by ann 300");
  EXPECT_EQ(w->take({.key = key, .by = "bob", .remember = Millis{1}}), "ann 300");
  w->clock().advance(Millis{300});
  EXPECT_EQ(w->find(key), "nothing");
  EXPECT_EQ(w->put({.key = key, .value = "w", .life = Millis{1'000}}), "put");
  EXPECT_EQ(w->find(key), "w 1000");
}

} // namespace foyer::engine
