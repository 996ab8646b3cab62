// The contract of every store of API keys.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class ApiKeysContract : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  [[nodiscard]] ApiKeys& keys() { return w->store().api_keys(); }
  [[nodiscard]] WallTime now() { return w->clock().wall(); }

  ApiKeyRow key(const std::string& name, std::vector<std::string> rights = {"read:*"}) {
    return {.id = "id-" + name,
        .name = name,
        .rights = std::move(rights),
        .secrets = {{.hash = "hash-" + name, .created = now()}},
        .created = now()};
  }
  Result<bool> add(const ApiKeyRow& row) {
    return w->ask<bool>([&](Completion<bool> d) { keys().add_api_key(row, std::move(d)); });
  }
  Result<ApiKeyRow> rotate(
      const std::string& name, const std::string& hash, std::optional<WallTime> old_ends = std::nullopt) {
    return w->ask<ApiKeyRow>([&](Completion<ApiKeyRow> d) {
      keys().rotate_api_key(name, {.hash = hash, .created = now()}, old_ends, std::move(d));
    });
  }
  Result<ApiKeyRow> drop_old(const std::string& name) {
    return w->ask<ApiKeyRow>([&](Completion<ApiKeyRow> d) { keys().drop_old_api_secrets(name, std::move(d)); });
  }
  Result<bool> disable(const std::string& name, std::optional<WallTime> since) {
    return w->ask<bool>([&](Completion<bool> d) { keys().disable_api_key(name, since, std::move(d)); });
  }
  Result<ApiKeyRow> set_rights(const std::string& name, std::vector<std::string> rights) {
    return w->ask<ApiKeyRow>(
        [&](Completion<ApiKeyRow> d) { keys().set_api_key_rights(name, std::move(rights), std::move(d)); });
  }
  ApiKeyRow key_of_service(const std::string& name, const std::string& service) {
    ApiKeyRow row = key(name);
    row.secrets.clear();
    row.service = service;
    return row;
  }
  std::optional<ApiKeyList> since(const std::string& version) {
    auto got = w->ask<std::optional<ApiKeyList>>(
        [&](Completion<std::optional<ApiKeyList>> d) { keys().api_keys_since(version, std::move(d)); });
    EXPECT_TRUE(got) << got.error().operator_text();
    return got.value_or(std::nullopt);
  }
  ApiKeyList all() { return since("").value_or(ApiKeyList{}); }
  bool used(const std::string& id, WallTime at) {
    return w->ask<bool>([&](Completion<bool> d) { keys().note_api_key_uses({{id, at}}, std::move(d)); }).has_value();
  }
  static std::vector<std::string> hashes(const ApiKeyRow& row) {
    std::vector<std::string> out;
    for (const ApiSecret& secret : row.secrets) out.push_back(secret.hash);
    return out;
  }
  std::unique_ptr<StoreWorld> w;
};

TEST_P(ApiKeysContract, AKeyIsFoundAgainAsItWasAdded) {
  EXPECT_THAT(all().keys, testing::IsEmpty());
  ASSERT_TRUE(add(key("orders", {"publish:orders-*", "users:read"})));
  ASSERT_TRUE(add(key("mail")));
  w->open({});
  const ApiKeyList list = all();
  ASSERT_EQ(list.keys.size(), 2U);
  EXPECT_EQ(list.keys[0].name, "mail");
  const ApiKeyRow& row = list.keys[1];
  EXPECT_EQ(row.id, "id-orders");
  EXPECT_EQ(row.name, "orders");
  EXPECT_THAT(row.rights, testing::ElementsAre("publish:orders-*", "users:read"));
  EXPECT_THAT(hashes(row), testing::ElementsAre("hash-orders"));
  EXPECT_EQ(row.secrets.front().created, now());
  EXPECT_FALSE(row.secrets.front().ends);
  EXPECT_EQ(row.created, now());
  EXPECT_FALSE(row.disabled);
  EXPECT_FALSE(row.used);
}

TEST_P(ApiKeysContract, AKeyMayHaveNoRights) {
  ASSERT_TRUE(add(key("idle", {})));
  EXPECT_THAT(all().keys.at(0).rights, testing::IsEmpty());
}

TEST_P(ApiKeysContract, AKeyOfAServiceHasNoSecretsAndAServiceHasOneKey) {
  ASSERT_TRUE(add(key("orders")));
  ASSERT_TRUE(add(key_of_service("billing-key", "billing")));
  EXPECT_EQ(all().keys.at(0).service, "billing");
  EXPECT_THAT(all().keys.at(0).secrets, testing::IsEmpty());
  EXPECT_EQ(all().keys.at(1).service, "");
  const auto second = add(key_of_service("another", "billing"));
  ASSERT_EQ(code_of(second), "NAME_TAKEN");
  EXPECT_EQ(second.error().field, "service");
  EXPECT_THAT(second.error().evidence, testing::HasSubstr("has the API key billing-key"));
  ASSERT_TRUE(add(key_of_service("another", "ledger")));
}

TEST_P(ApiKeysContract, TheRightsOfAKeyAreReplaced) {
  ASSERT_TRUE(add(key("orders", {"read:*", "export"})));
  const auto changed = set_rights("orders", {"publish:orders-*"});
  ASSERT_TRUE(changed);
  EXPECT_THAT(changed->rights, testing::ElementsAre("publish:orders-*"));
  EXPECT_THAT(hashes(*changed), testing::ElementsAre("hash-orders"));
  EXPECT_THAT(all().keys.at(0).rights, testing::ElementsAre("publish:orders-*"));
}

TEST_P(ApiKeysContract, ANameBelongsToOneKey) {
  ASSERT_TRUE(add(key("orders")));
  ApiKeyRow second = key("orders");
  second.id = "other", second.secrets.front().hash = "other";
  EXPECT_EQ(code_of(add(second)), "NAME_TAKEN");
  EXPECT_THAT(hashes(all().keys.at(0)), testing::ElementsAre("hash-orders"));
}

TEST_P(ApiKeysContract, ARotationKeepsTheSecretBeforeAndNoOlderOne) {
  ASSERT_TRUE(add(key("orders")));
  auto second = rotate("orders", "second"); // in the same millisecond
  ASSERT_TRUE(second);
  EXPECT_THAT(hashes(*second), testing::ElementsAre("second", "hash-orders"));
  EXPECT_FALSE(second->secrets[1].ends);
  w->clock().advance(Millis{1'000});
  const WallTime soon = now() + Millis{60'000};
  auto third = rotate("orders", "third", soon);
  ASSERT_TRUE(third);
  EXPECT_THAT(hashes(*third), testing::ElementsAre("third", "second"));
  EXPECT_EQ(third->secrets[1].ends, soon);
  EXPECT_FALSE(third->secrets[0].ends);
  EXPECT_THAT(hashes(all().keys.at(0)), testing::ElementsAre("third", "second"));
}

TEST_P(ApiKeysContract, TheNewestSecretIsTheLastOneEvenIfAClockWentBack) {
  ApiKeyRow ahead = key("orders");
  ahead.secrets.front().created = now() + Millis{3'600'000};
  ASSERT_TRUE(add(ahead));
  EXPECT_THAT(hashes(*rotate("orders", "second")), testing::ElementsAre("second", "hash-orders"));
}

TEST_P(ApiKeysContract, OldSecretsAreDropped) {
  ASSERT_TRUE(add(key("orders")));
  ASSERT_TRUE(rotate("orders", "second"));
  EXPECT_THAT(hashes(*drop_old("orders")), testing::ElementsAre("second"));
  EXPECT_THAT(hashes(*drop_old("orders")), testing::ElementsAre("second"));
}

TEST_P(ApiKeysContract, AKeyIsDisabledAndEnabled) {
  ASSERT_TRUE(add(key("orders")));
  EXPECT_EQ(disable("orders", now()), true);
  EXPECT_EQ(all().keys.at(0).disabled, now());
  EXPECT_EQ(disable("orders", now() + Millis{5}), false);
  EXPECT_EQ(all().keys.at(0).disabled, now());
  EXPECT_EQ(disable("orders", std::nullopt), true);
  EXPECT_FALSE(all().keys.at(0).disabled);
  EXPECT_EQ(disable("orders", std::nullopt), false);
}

TEST_P(ApiKeysContract, AnUnknownNameIsNotFound) {
  EXPECT_EQ(code_of(rotate("none", "x")), "NOT_FOUND");
  EXPECT_EQ(code_of(drop_old("none")), "NOT_FOUND");
  EXPECT_EQ(code_of(disable("none", now())), "NOT_FOUND");
  EXPECT_EQ(code_of(set_rights("none", {"read:*"})), "NOT_FOUND");
}

TEST_P(ApiKeysContract, EveryChangeIsAnotherVersion) {
  std::string version = all().version;
  EXPECT_FALSE(since(version));
  const auto changed = [&](const char* what) {
    const auto list = since(version);
    EXPECT_TRUE(list) << what;
    if (list) version = list->version;
    EXPECT_FALSE(since(version)) << what;
  };
  ASSERT_TRUE(add(key("orders")));
  changed("add");
  ASSERT_TRUE(rotate("orders", "second"));
  changed("rotate");
  ASSERT_TRUE(set_rights("orders", {"export"}));
  changed("set rights");
  ASSERT_TRUE(drop_old("orders"));
  changed("drop");
  ASSERT_TRUE(disable("orders", now()));
  changed("disable");
  ASSERT_TRUE(disable("orders", std::nullopt));
  changed("enable");
  w->open({});
  EXPECT_FALSE(since(version));
}

TEST_P(ApiKeysContract, ItsLastUseOnlyRisesAndIsNoChange) {
  ASSERT_TRUE(add(key("orders")));
  const std::string version = all().version;
  EXPECT_TRUE(used("id-orders", now()));
  EXPECT_TRUE(used("id-orders", now() - Millis{5}));
  EXPECT_TRUE(used("none", now()));
  EXPECT_FALSE(since(version));
  EXPECT_EQ(all().keys.at(0).used, now());
}

TEST_P(ApiKeysContract, KeysAreManyButNotCountless) {
  for (std::size_t i = 0; i < kMostApiKeys; ++i)
    keys().add_api_key(key("k" + std::to_string(i)), [](Result<bool> added) { EXPECT_TRUE(added); });
  w->run();
  EXPECT_EQ(all().keys.size(), kMostApiKeys);
  EXPECT_EQ(code_of(add(key("one-more"))), "INVALID_VALUE");
}

} // namespace foyer::engine
