// The contract of store_contract.h, continued: tokens, second factors, services, keys, and several processes at once.
#pragma once

#include "accounts/testing/store_contract.h"

namespace foyer::accounts::testing_world {

// --- tokens and revocations ---

TEST_P(AccountStoreContract, LookingAtARefreshTokenDoesNotUseIt) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  const auto look = [&](std::string hash) {
    return wait<std::optional<RefreshTokenInfo>>([&](auto done) {
      store->find_refresh(hash, std::move(done));
    }).value();
  };
  ASSERT_TRUE(look("r1"));
  EXPECT_EQ(look("r1")->who.session.id, SessionId{"s1"});
  EXPECT_EQ(look("r1")->who.user.name, "alice");
  EXPECT_FALSE(look("r1")->token.used);
  EXPECT_FALSE(refresh("r1", "r2").refusal);
  EXPECT_EQ(look("r1")->token.used, now);
  EXPECT_FALSE(look("r2")->token.used);
  EXPECT_FALSE(look("r3"));
}

TEST_P(AccountStoreContract, ATokenAndAllBeforeATimeAreRevokedByRowsInOrder) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  const auto revoked = [&](std::string token) {
    return wait<bool>([&](auto done) { store->token_revoked(TokenId{token}, std::move(done)); }).value();
  };
  EXPECT_FALSE(revoked("t1"));
  EXPECT_TRUE(wait<bool>([&](auto done) { store->revoke_token(TokenId{"t1"}, row("revoke"), std::move(done)); }));
  EXPECT_TRUE(revoked("t1"));
  EXPECT_FALSE(revoked("t2"));
  EXPECT_FALSE(revoked("s1")) << "a session's id is not a token's id";
  EXPECT_TRUE(
      wait<bool>([&](auto done) { store->revoke_before(UserId{"id-alice"}, now, row("revoke"), std::move(done)); }));
  EXPECT_EQ(wait<bool>([&](auto done) { store->revoke_before(UserId{"nobody"}, now, row("revoke"), std::move(done)); })
                .error()
                .cause,
      Cause::USER_UNKNOWN);
  EXPECT_EQ(find("s1")->session.end, SessionEnd::ended);
  EXPECT_THAT(revocations(), testing::ElementsAre("0 t1 0", "2 id-alice 0", "1 s1 0"));
}

TEST_P(AccountStoreContract, TheNameOfTheTableOfRevocationsStaysAndIsNobodyElses) {
  const std::string name = store->stream();
  EXPECT_GE(name.size(), 32u);
  store.reset();
  store = place->open();
  EXPECT_EQ(store->stream(), name);
}

// --- second factors ---

TEST_P(AccountStoreContract, ASecondFactorIsKeptReplacedAndRemovedWithItsRecoveryCodes) {
  ASSERT_TRUE(create("alice"));
  const UserId alice{"id-alice"};
  const auto look = [&] {
    return wait<std::optional<SecondFactorRow>>([&](auto done) {
      store->find_second_factor(alice, std::move(done));
    }).value();
  };
  const auto put = [&](SecondFactorRow factor) {
    return wait<bool>([&](auto done) { store->put_second_factor(factor, row("totp"), std::move(done)); });
  };
  EXPECT_FALSE(look());
  EXPECT_EQ(put({.user = UserId{"nobody"}, .sealed_secret = "x"}).error().cause, Cause::USER_UNKNOWN);
  ASSERT_TRUE(put({.user = alice,
      .sealed_secret = "first",
      .confirmed = false,
      .created = now,
      .last_step = 0,
      .recovery = {"a"}}));
  ASSERT_TRUE(put({.user = alice,
      .sealed_secret = "second",
      .confirmed = true,
      .created = now,
      .last_step = 7,
      .recovery = {"c", "b"}}));
  ASSERT_TRUE(look());
  EXPECT_EQ(look()->sealed_secret, "second");
  EXPECT_TRUE(look()->confirmed);
  EXPECT_EQ(look()->created, now);
  EXPECT_EQ(look()->last_step, 7);
  EXPECT_THAT(look()->recovery, testing::ElementsAre("b", "c"));
  EXPECT_TRUE(
      wait<bool>([&](auto done) { store->remove_second_factor(alice, row("totp_off"), std::move(done)); }).value());
  EXPECT_FALSE(look());
  EXPECT_FALSE(
      wait<bool>([&](auto done) { store->remove_second_factor(alice, row("totp_off"), std::move(done)); }).value());
  ASSERT_TRUE(put({.user = alice, .sealed_secret = "third", .recovery = {"d"}}));
  EXPECT_TRUE(wait<bool>([&](auto done) { store->delete_user(alice, row("delete"), std::move(done)); }));
  EXPECT_FALSE(look());
}

TEST_P(AccountStoreContract, AConfirmedFactorIsNotReplacedByOneThatIsNotAndForgetsNoStep) {
  ASSERT_TRUE(create("alice"));
  const UserId alice{"id-alice"};
  const auto put = [&](SecondFactorRow factor) {
    return wait<bool>([&](auto done) { store->put_second_factor(factor, row("totp"), std::move(done)); });
  };
  ASSERT_TRUE(put({.user = alice, .sealed_secret = "s", .confirmed = true, .last_step = 10}));
  EXPECT_EQ(put({.user = alice, .sealed_secret = "t", .confirmed = false}).error().cause, Cause::TOTP_ALREADY_ON);
  EXPECT_TRUE(wait<bool>([&](auto done) { store->use_second_factor(alice, 12, std::move(done)); }).value());
  ASSERT_TRUE(put({.user = alice, .sealed_secret = "s", .confirmed = true, .last_step = 10, .recovery = {"a"}}));
  EXPECT_FALSE(wait<bool>([&](auto done) { store->use_second_factor(alice, 12, std::move(done)); }).value())
      << "used after the row was read";
}

TEST_P(AccountStoreContract, OfTwoUsesOfOneCodeAtOnceOneIsTaken) {
  ASSERT_TRUE(create("alice"));
  const UserId alice{"id-alice"};
  ASSERT_TRUE(wait<bool>([&](auto done) {
    store->put_second_factor(
        {.user = alice, .sealed_secret = "s", .confirmed = true, .last_step = 10, .recovery = {"a", "b"}}, row("totp"),
        std::move(done));
  }));
  const auto beside = place->open();
  std::vector<bool> codes;
  std::vector<bool> steps;
  for (AccountStore* at : {store.get(), beside.get(), store.get()}) {
    at->use_recovery_code(alice, "a", row("recovery"), [&](Result<bool> taken) { codes.push_back(taken.value()); });
    at->use_second_factor(alice, 11, [&](Result<bool> taken) { steps.push_back(taken.value()); });
  }
  place->settle();
  EXPECT_EQ(std::ranges::count(codes, true), 1);
  EXPECT_EQ(std::ranges::count(steps, true), 1);
  EXPECT_EQ(codes.size() + steps.size(), 6u);
  EXPECT_FALSE(wait<bool>([&](auto done) { store->use_second_factor(alice, 10, std::move(done)); }).value())
      << "no step up to the newest is accepted again";
  EXPECT_TRUE(wait<bool>([&](auto done) { store->use_second_factor(alice, 12, std::move(done)); }).value());
  EXPECT_THAT(
      wait<std::optional<SecondFactorRow>>([&](auto done) { store->find_second_factor(alice, std::move(done)); })
          .value()
          ->recovery,
      testing::ElementsAre("b"));
}

// --- services and keys ---

TEST_P(AccountStoreContract, AServiceIsAddedOnceFoundListedAndChangedAsAWhole) {
  ServiceRow gateway{.id = "gateway",
      .secrets = {{.sealed_key = "new", .created = now, .fingerprints = {{"as it is", "11"}, {"plus a newline", "22"}}},
          {.sealed_key = "old", .created = now - Millis{5}}},
      .may_call = {"auth", "billing"},
      .disabled = false,
      .created = now};
  const auto add = [&](ServiceRow service) {
    return wait<bool>([&](auto done) { store->add_service(service, row("service"), std::move(done)); });
  };
  const auto change = [&](ServiceRow service) {
    return wait<bool>([&](auto done) { store->change_service(service, row("service"), std::move(done)); });
  };
  const auto look = [&](std::string id) {
    return wait<std::optional<ServiceRow>>([&](auto done) { store->find_service(id, std::move(done)); }).value();
  };
  EXPECT_TRUE(add(gateway));
  EXPECT_EQ(add({.id = "gateway", .secrets = {{.sealed_key = "other"}}}).error().cause, Cause::NAME_TAKEN);
  EXPECT_TRUE(add({.id = "auth", .created = now}));
  ASSERT_TRUE(look("gateway"));
  EXPECT_THAT(look("gateway")->may_call, testing::ElementsAre("auth", "billing"));
  ASSERT_EQ(look("gateway")->secrets.size(), 2u);
  EXPECT_EQ(look("gateway")->secrets[0].sealed_key, "new");
  EXPECT_EQ(look("gateway")->secrets[0].fingerprints, gateway.secrets[0].fingerprints);
  EXPECT_EQ(look("gateway")->secrets[1].created, now - Millis{5});
  gateway.secrets.pop_back();
  gateway.may_call = {};
  gateway.disabled = true;
  EXPECT_TRUE(change(gateway));
  EXPECT_EQ(change({.id = "nobody"}).error().cause, Cause::SERVICE_UNKNOWN);
  EXPECT_TRUE(look("gateway")->disabled);
  EXPECT_TRUE(look("gateway")->may_call.empty());
  EXPECT_EQ(look("gateway")->secrets.size(), 1u);
  EXPECT_EQ(look("gateway")->created, now);
  const auto all = wait<std::vector<ServiceRow>>([&](auto done) { store->list_services(std::move(done)); }).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, "auth");
  EXPECT_EQ(all[1].secrets.size(), 1u);
  EXPECT_FALSE(look("nobody"));
}

TEST_P(AccountStoreContract, ANewSigningKeyRetiresThoseBeforeItAndARefusedOneNone) {
  const auto add = [&](std::string kid, WallTime from) {
    return wait<bool>([&](auto done) {
      store->add_signing_key({.kid = kid, .sealed_jwk = "sealed-" + kid, .created = now, .active_from = from},
          row("key"), std::move(done));
    });
  };
  const auto list = [&] {
    std::vector<std::string> out;
    const auto keys =
        wait<std::vector<SigningKeyRow>>([&](auto done) { store->list_signing_keys(std::move(done)); }).value();
    for (const auto& key : keys)
      out.push_back(key.kid + (key.retired ? " until " + std::to_string((*key.retired - now).count()) : ""));
    return out;
  };
  EXPECT_TRUE(add("k1", now));
  EXPECT_EQ(add("k1", now + Millis{50}).error().cause, Cause::NAME_TAKEN);
  EXPECT_THAT(list(), testing::ElementsAre("k1"));
  EXPECT_TRUE(add("k2", now + Millis{100}));
  EXPECT_TRUE(add("k3", now + Millis{200}));
  EXPECT_THAT(list(), testing::ElementsAre("k1 until 100", "k2 until 200", "k3"));
  EXPECT_TRUE(wait<bool>([&](auto done) { store->remove_signing_key("k1", row("key"), std::move(done)); }).value());
  EXPECT_FALSE(wait<bool>([&](auto done) { store->remove_signing_key("k1", row("key"), std::move(done)); }).value());
  EXPECT_THAT(list(), testing::ElementsAre("k2 until 200", "k3"));
  int more = 0;
  for (; more < 100; ++more)
    if (const auto added = add("more-" + std::to_string(more), now + Millis{300}); !added) {
      EXPECT_EQ(added.error().cause, Cause::ROTATION_UNSUPPORTED);
      break;
    }
  EXPECT_EQ(more, 30) << "a key set of 64 always has room for the one that signs";
}

// --- several processes at once ---

TEST_P(AccountStoreContract, FiftyRefreshesOfOneTokenAtOnceAreOneRotation) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  std::vector<std::unique_ptr<AccountStore>> processes;
  for (int i = 0; i < 5; ++i) processes.push_back(place->open_on_threads());
  std::promise<void> all;
  std::atomic<int> answered{0};
  std::atomic<int> well{0};
  for (int i = 0; i < 50; ++i)
    processes[static_cast<std::size_t>(i) % 5]->refresh(
        {.hash = "r1", .successor_hash = "r2", .policy = {}, .sessions = {}, .audit = row("refresh")},
        [&](Result<RefreshOutcome> out) {
      if (out && !out->refusal) ++well;
      if (++answered == 50) all.set_value();
    });
  all.get_future().wait();
  processes.clear();
  EXPECT_EQ(well, 50);
  EXPECT_THAT(live_sessions("alice"), testing::ElementsAre("s1"));
  EXPECT_TRUE(revocations().empty());
  EXPECT_EQ(audit_rows(), 51u);
  EXPECT_FALSE(refresh("r2", "r3").refusal) << "the one successor";
  EXPECT_EQ(refresh("r9", "r10").refusal->cause, Cause::REFRESH_UNKNOWN);
}

TEST_P(AccountStoreContract, AFollowerOfManyRevocationsMissesNone) {
  constexpr int kEach = 40;
  std::vector<std::unique_ptr<AccountStore>> processes;
  for (int i = 0; i < 4; ++i) processes.push_back(place->open_on_threads());
  std::atomic<int> to_come{4 * kEach};
  for (int n = 0; n < kEach; ++n)
    for (std::size_t i = 0; i < 4; ++i)
      processes[i]->revoke_token(TokenId{"t" + std::to_string(i) + "-" + std::to_string(n)}, row("revoke"),
          [&](Result<bool> done) { to_come -= done ? 1 : 1'000; });
  std::int64_t cursor = 0;
  std::size_t seen = 0;
  for (bool last = false; !last;) {
    last = to_come <= 0; // read once more after the last answer
    std::promise<RevocationPage> page;
    processes[0]->revocations_after(cursor, 7, [&](Result<RevocationPage> got) { page.set_value(got.value()); });
    const auto got = page.get_future().get();
    cursor = got.cursor;
    seen += got.events.size();
    if (!got.events.empty()) last = false;
  }
  EXPECT_EQ(to_come, 0);
  EXPECT_EQ(seen, 4u * kEach);
}

} // namespace foyer::accounts::testing_world
