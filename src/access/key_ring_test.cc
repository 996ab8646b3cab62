#include "access/key_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/api_key.h"
#include "engine/testing/store_worlds.h"

namespace foyer::access {
namespace {

// A ring over a real store; time passes only when a test says so.
struct World {
  engine::SqliteWorld store;
  ManualExecutor control{store.clock()};
  Metrics metrics;
  FixedEntropy entropy;
  std::unique_ptr<KeyRing> ring;

  explicit World(KeyRingPolicy policy = {}) {
    store.open({});
    ring = std::make_unique<KeyRing>(store.store().api_keys(), policy, control, store.clock(), metrics, null_log());
  }
  void settle() {
    do {
      control.run_due();
      store.run();
    } while (!control.idle());
  }
  void pass(Millis time) {
    store.clock().advance(time);
    control.run_repeated();
    settle();
  }
  engine::ApiKeys& keys() { return store.store().api_keys(); }
  std::string add(const std::string& name, std::vector<std::string> rights = {"read:*"}) {
    const std::string key = make_api_key(entropy);
    const WallTime now = store.clock().wall();
    const engine::ApiKeyRow row{.id = "id-" + name,
        .name = name,
        .rights = std::move(rights),
        .secrets = {{.hash = hash_of_api_key(key), .created = now}},
        .created = now};
    EXPECT_TRUE(store.ask<bool>([&](Completion<bool> d) { keys().add_api_key(row, std::move(d)); }));
    return key;
  }
  void add_for_service(const std::string& name, const std::string& service) {
    const engine::ApiKeyRow row{.id = "id-" + name,
        .name = name,
        .rights = {"export"},
        .secrets = {},
        .created = store.clock().wall(),
        .service = service};
    EXPECT_TRUE(store.ask<bool>([&](Completion<bool> d) { keys().add_api_key(row, std::move(d)); }));
  }
  void set_rights(const std::string& name, std::vector<std::string> rights) {
    EXPECT_TRUE(store.ask<engine::ApiKeyRow>(
        [&](Completion<engine::ApiKeyRow> d) { keys().set_api_key_rights(name, std::move(rights), std::move(d)); }));
  }
  void disable(const std::string& name, bool off = true) {
    const auto since = off ? std::optional(store.clock().wall()) : std::nullopt;
    EXPECT_TRUE(store.ask<bool>([&](Completion<bool> d) { keys().disable_api_key(name, since, std::move(d)); }));
  }
  std::string rotate(const std::string& name, std::optional<WallTime> old_ends = std::nullopt) {
    const std::string key = make_api_key(entropy);
    EXPECT_TRUE(store.ask<engine::ApiKeyRow>([&](Completion<engine::ApiKeyRow> d) {
      keys().rotate_api_key(
          name, {.hash = hash_of_api_key(key), .created = store.clock().wall()}, old_ends, std::move(d));
    }));
    return key;
  }
  // The name of the key, or the code of the refusal; "waits" without an answer at once.
  std::string find(const std::string& key, bool settles = true) {
    return answer_of([&](Completion<ApiKeyPtr> done) { ring->find(key, std::move(done)); }, settles);
  }
  std::string find_of_service(const std::string& service, bool settles = true) {
    return answer_of([&](Completion<ApiKeyPtr> done) { ring->find_of_service(service, std::move(done)); }, settles);
  }
  template <class Ask>
  std::string answer_of(Ask ask, bool settles) {
    auto answer = std::make_shared<std::string>("waits");
    ask([answer](Result<ApiKeyPtr> found) { *answer = found ? (*found)->name : std::string(found.error().code()); });
    if (!settles) return *answer;
    settle();
    store.clock().advance(KeyRingPolicy{}.ask_every);
    settle();
    return *answer;
  }
  std::optional<WallTime> used(const std::string& name) {
    auto list = store.ask<std::optional<engine::ApiKeyList>>(
        [&](Completion<std::optional<engine::ApiKeyList>> d) { keys().api_keys_since("", std::move(d)); });
    for (const auto& row : (*list)->keys)
      if (row.name == name) return row.used;
    return std::nullopt;
  }
};

TEST(KeyRing, KnowsTheKeysOfTheStoreFromTheStart) {
  World w;
  const std::string key = w.add("orders", {"publish:orders-*"});
  EXPECT_FALSE(w.ring->any());
  w.ring->start();
  w.settle();
  EXPECT_TRUE(w.ring->any());
  ApiKeyPtr found;
  w.ring->find(key, [&](Result<ApiKeyPtr> r) { found = r.value_or(nullptr); });
  ASSERT_TRUE(found) << "a known key is found at once";
  EXPECT_EQ(found->id, "id-orders");
  EXPECT_TRUE(found->rights.may(rooms::RoomRight::publish, RoomName("orders-7")));
  EXPECT_FALSE(found->rights.may(rooms::RoomRight::read, RoomName("orders-7")));
}

TEST(KeyRing, ANewKeyIsValidAtOnce) {
  World w;
  w.ring->start();
  w.settle();
  const std::string key = w.add("orders");
  EXPECT_EQ(w.find(key, false), "waits");
  w.pass(KeyRingPolicy{}.ask_every);
  EXPECT_EQ(w.find(key), "orders");
}

TEST(KeyRing, AnUnknownKeyIsRefusedAfterTheStoreWasAsked) {
  World w;
  w.add("orders");
  w.ring->start();
  w.settle();
  w.pass(Millis{100});
  EXPECT_EQ(w.find(make_api_key(w.entropy)), "API_KEY_REJECTED");
}

TEST(KeyRing, WhatIsNoKeyIsRefusedWithoutTheStore) {
  World w;
  for (const std::string& text : {std::string(), std::string("secret"), std::string(kApiKeyPrefix),
           std::string(kApiKeyPrefix) + std::string(44, 'a'), std::string(kApiKeyPrefix) + std::string(42, 'a') + "!"})
    EXPECT_EQ(w.find(text, false), "API_KEY_REJECTED") << text;
}

TEST(KeyRing, ADisabledKeyStopsAtTheNextPollAndMayComeBack) {
  World w;
  const std::string key = w.add("orders");
  w.ring->start();
  w.settle();
  w.disable("orders");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.find(key), "API_KEY_REJECTED");
  w.disable("orders", false);
  w.pass(KeyRingPolicy{}.ask_every);
  EXPECT_EQ(w.find(key), "orders");
}

TEST(KeyRing, TwoSecretsLiveUntilTheOlderOneEnds) {
  World w;
  const std::string first = w.add("orders");
  w.ring->start();
  w.settle();
  const std::string second = w.rotate("orders", w.store.clock().wall() + Millis{60'000});
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.find(first), "orders");
  EXPECT_EQ(w.find(second), "orders");
  w.pass(Millis{60'000});
  EXPECT_EQ(w.find(first), "API_KEY_REJECTED");
  EXPECT_EQ(w.find(second), "orders");
  const std::string third = w.rotate("orders");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.find(second), "orders");
  EXPECT_EQ(w.find(third), "orders");
}

TEST(KeyRing, GuessesShareOneQuestionAndTheyAreBounded) {
  World w{{.waiting = 3}};
  const std::string key = w.add("orders");
  w.ring->start();
  w.settle();
  std::vector<std::string> answers;
  for (int i = 0; i < 5; ++i)
    w.ring->find(make_api_key(w.entropy),
        [&](Result<ApiKeyPtr> r) { answers.push_back(r ? "ok" : std::string(r.error().code())); });
  w.control.run_posted();
  EXPECT_THAT(answers, testing::ElementsAre("BUSY", "BUSY"));
  EXPECT_EQ(w.find(key, false), "orders") << "a known key does not wait behind guesses";
  w.pass(KeyRingPolicy{}.ask_every);
  EXPECT_THAT(
      answers, testing::ElementsAre("BUSY", "BUSY", "API_KEY_REJECTED", "API_KEY_REJECTED", "API_KEY_REJECTED"));
}

TEST(KeyRing, AQuestionUnderWayIsNotTrustedForAKeyThatCameAfterIt) {
  World w;
  w.ring->start();
  w.control.run_posted(); // the first question is on its way to the store
  w.store.run();          // and answered there, before the key exists
  const std::string key = w.add("orders");
  EXPECT_EQ(w.find(key, false), "waits");
  w.pass(KeyRingPolicy{}.ask_every);
  EXPECT_EQ(w.find(key, false), "orders");
}

TEST(KeyRing, WhatCannotBeKnownIsNotCalledAWrongKey) {
  World w;
  const std::string key = w.add("orders");
  w.ring->start();
  w.settle();
  w.store.store().close();
  w.pass(Millis{1'000});
  EXPECT_EQ(w.find(key), "orders") << "what was read is good for a while";
  EXPECT_EQ(w.find(make_api_key(w.entropy)), "BUSY");
  w.pass(KeyRingPolicy{}.max_age);
  EXPECT_EQ(w.find(key), "BUSY");
}

TEST(KeyRing, NotesThatAKeyIsUsedNotEachUse) {
  World w;
  const std::string key = w.add("orders");
  w.ring->start();
  w.settle();
  EXPECT_FALSE(w.used("orders"));
  const WallTime first = w.store.clock().wall();
  EXPECT_EQ(w.find(key), "orders");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.used("orders"), first);
  w.pass(Millis{60'000});
  EXPECT_EQ(w.find(key), "orders");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.used("orders"), first);
  w.pass(KeyRingPolicy{}.use_every);
  EXPECT_EQ(w.find(key), "orders");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_GT(w.used("orders"), first);
}

TEST(KeyRing, AKeyWithRightsOfANewerVersionIsRefused) {
  World w;
  const std::string strange = w.add("strange", {"read:*", "teleport"});
  const std::string key = w.add("orders");
  w.ring->start();
  w.settle();
  w.pass(Millis{100});
  EXPECT_EQ(w.find(strange), "API_KEY_REJECTED");
  EXPECT_EQ(w.find(key), "orders");
}

TEST(KeyRing, AKeyOfAServiceIsFoundByTheServiceAndNeverByASecret) {
  World w;
  w.ring->start();
  w.settle();
  EXPECT_EQ(w.find_of_service("billing"), "PERMISSION_DENIED");
  w.add_for_service("bills", "billing");
  w.pass(Millis{100});
  EXPECT_EQ(w.find_of_service("billing"), "bills") << "the store is asked before it is refused";
  EXPECT_EQ(w.find_of_service("billing", false), "bills") << "then it is known";
  EXPECT_TRUE(w.ring->any());
  EXPECT_EQ(w.find_of_service("bills"), "PERMISSION_DENIED") << "the name of the key is not the service";
  EXPECT_EQ(w.find(make_api_key(w.entropy)), "API_KEY_REJECTED");
  w.disable("bills");
  w.pass(KeyRingPolicy{}.poll_every);
  EXPECT_EQ(w.find_of_service("billing"), "API_KEY_REJECTED");
  w.disable("bills", false);
  EXPECT_EQ(w.find_of_service("billing"), "bills");
}

TEST(KeyRing, ChangedRightsHoldAfterTheNextPoll) {
  World w;
  const std::string key = w.add("orders", {"read:*"});
  w.ring->start();
  w.settle();
  w.set_rights("orders", {"export"});
  w.pass(KeyRingPolicy{}.poll_every);
  ApiKeyPtr found;
  w.ring->find(key, [&](Result<ApiKeyPtr> r) { found = r.value_or(nullptr); });
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->rights.may(rooms::ApiRight::export_));
  EXPECT_FALSE(found->rights.may(rooms::RoomRight::read, RoomName("tea")));
}

TEST(KeyRing, AnAnswerThatComesAfterItsEndIsDropped) {
  World w;
  w.ring->start();
  w.control.run_posted();
  w.ring.reset();
  w.settle();
  EXPECT_TRUE(w.control.idle());
}

TEST(ApiKeyText, IsRecognisedByItsFormAndHasAName) {
  FixedEntropy entropy;
  const std::string key = make_api_key(entropy);
  EXPECT_TRUE(looks_like_api_key(key));
  EXPECT_TRUE(key.starts_with("foyer_key_"));
  EXPECT_NE(key, make_api_key(entropy));
  EXPECT_EQ(hash_of_api_key(key).size(), 43U);
  EXPECT_TRUE(check_api_key_name("orders"));
  EXPECT_TRUE(check_api_key_name("Orders.eu_1-b"));
  EXPECT_TRUE(check_api_key_name(std::string(64, 'a')));
  for (const std::string& name : {std::string(), std::string("-a"), std::string("a b"), std::string("a|b"),
           std::string("é"), std::string(65, 'a')})
    EXPECT_EQ(check_api_key_name(name).error().cause, Cause::NAME_INVALID) << name;
}

} // namespace
} // namespace foyer::access
