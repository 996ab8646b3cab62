// The contract of every store of accounts, as one set of tests. store_contract_test.cc
// instantiates the suite for each, with a StorePlace that opens it:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, AccountStoreContract, testing::Values(make_place));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accounts/testing/store_places.h"

namespace foyer::accounts::testing_world {

class AccountStoreContract : public testing::TestWithParam<MakePlace> {
 protected:
  void SetUp() override {
    place = GetParam()();
    store = place->open();
  }
  void TearDown() override {
    place->settle();
    store.reset();
  }

  template <class T>
  Result<T> wait(std::function<void(Completion<T>)> ask) {
    std::optional<Result<T>> out;
    ask([&out](Result<T> result) { out = std::move(result); });
    place->settle();
    EXPECT_TRUE(out) << "not answered";
    return out ? std::move(*out) : Result<T>{refuse(Cause::INTERNAL_ERROR)};
  }

  AuditRow row(std::string action) {
    return {.at = now, .action = std::move(action), .outcome = "OK", .address = "10.0.0.1", .ref = Ref{"r"}};
  }
  UserRow user(std::string name) {
    return {.id = UserId{"id-" + name}, .name = name, .email = "", .password = "phc", .created = now};
  }
  NewSession session(std::string id, std::string of, std::string refresh = {}, std::string cookie = {}) {
    return {.session = {.id = SessionId{id},
                .user = UserId{"id-" + of},
                .created = now,
                .last_seen = now,
                .device = "d",
                .address = "a",
                .cookie_hash = std::move(cookie)},
        .refresh_hash = std::move(refresh)};
  }
  Result<bool> create(
      std::string name, std::optional<NewSession> with = {}, std::optional<std::string> invitation = {}) {
    return wait<bool>(
        [&](auto done) { store->create_user(user(name), invitation, with, row("register"), std::move(done)); });
  }
  Result<bool> open(NewSession made, std::size_t limit = 100) {
    return wait<bool>(
        [&](auto done) { store->open_session(made, std::nullopt, limit, row("login"), std::move(done)); });
  }
  RefreshOutcome refresh(std::string hash, std::string successor) {
    auto out = wait<RefreshOutcome>([&](auto done) {
      store->refresh({.hash = hash, .successor_hash = successor, .policy = {}, .sessions = {}, .audit = row("refresh")},
          std::move(done));
    });
    EXPECT_TRUE(out);
    return out ? std::move(*out) : RefreshOutcome{};
  }
  std::optional<SessionAndUser> find(std::string id) {
    return wait<std::optional<SessionAndUser>>([&](auto done) {
      store->find_session(SessionId{id}, std::move(done));
    }).value();
  }
  std::vector<std::string> live_sessions(std::string of) {
    std::vector<std::string> out;
    const auto rows = wait<std::vector<SessionRow>>([&](auto done) {
      store->sessions_of(UserId{"id-" + of}, std::move(done));
    }).value();
    for (const auto& s : rows) out.push_back(s.id.str());
    return out;
  }
  std::vector<std::string> revocations(std::int64_t after = 0, std::size_t limit = 100) {
    std::vector<std::string> out;
    const auto page =
        wait<RevocationPage>([&](auto done) { store->revocations_after(after, limit, std::move(done)); }).value();
    for (const auto& e : page.events)
      out.push_back(
          std::to_string(static_cast<int>(e.kind)) + ' ' + e.id + ' ' + std::to_string(static_cast<int>(e.reason)));
    return out;
  }
  AuditRow newest_audit() {
    return wait<std::vector<AuditRow>>([&](auto done) { store->audit(1, std::move(done)); }).value().at(0);
  }
  // Equal refusals are one row that counts them.
  std::size_t audit_rows() {
    std::size_t rows = 0;
    for (const auto& row :
        wait<std::vector<AuditRow>>([&](auto done) { store->audit(1'000, std::move(done)); }).value())
      rows += 1 + row.repeats;
    return rows;
  }

  WallTime now = from_unix_seconds(1'700'000'000);
  std::unique_ptr<StorePlace> place;
  std::unique_ptr<AccountStore> store;
};

TEST_P(AccountStoreContract, AUserIsFoundByItsNameInLowerCaseWithAllOfItsRow) {
  UserRow alice = user("Alice");
  alice.email = "a@b.org";
  alice.admin = true;
  ASSERT_TRUE(wait<bool>(
      [&](auto done) { store->create_user(alice, std::nullopt, std::nullopt, row("add"), std::move(done)); }));
  const auto found =
      wait<std::optional<UserRow>>([&](auto done) { store->find_user_by_name("alice", std::move(done)); }).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, alice.id);
  EXPECT_EQ(found->name, "Alice");
  EXPECT_EQ(found->email, "a@b.org");
  EXPECT_EQ(found->password, "phc");
  EXPECT_TRUE(found->admin);
  EXPECT_FALSE(found->disabled);
  EXPECT_EQ(found->created, now);
  EXPECT_FALSE(
      wait<std::optional<UserRow>>([&](auto done) { store->find_user_by_name("bob", std::move(done)); }).value());
  const auto by_id =
      wait<std::optional<UserRow>>([&](auto done) { store->find_user(alice.id, std::move(done)); }).value();
  ASSERT_TRUE(by_id);
  EXPECT_EQ(by_id->name, "Alice");
  EXPECT_FALSE(
      wait<std::optional<UserRow>>([&](auto done) { store->find_user(UserId("nobody"), std::move(done)); }).value());
}

TEST_P(AccountStoreContract, ATakenNameLeavesNothingBehind) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  UserRow other = user("ALICE");
  const auto refused = wait<bool>([&](auto done) {
    store->create_user(other, std::nullopt, session("s2", "ALICE", "r2"), row("register"), std::move(done));
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::NAME_TAKEN);
  EXPECT_FALSE(find("s2"));
  EXPECT_EQ(audit_rows(), 1u);
}

TEST_P(AccountStoreContract, AnInvitationServesOnceAndOnlyASuccess) {
  ASSERT_TRUE(create("alice"));
  ASSERT_TRUE(wait<bool>([&](auto done) {
    store->add_invitation({.hash = "i", .created = now, .expires = now + Millis{1000}}, row("invite"), std::move(done));
  }));
  EXPECT_EQ(create("alice", {}, "i").error().cause, Cause::NAME_TAKEN);
  EXPECT_EQ(create("bob", {}, "j").error().cause, Cause::INVITATION_REJECTED);
  EXPECT_TRUE(create("bob", {}, "i"));
  EXPECT_EQ(create("carol", {}, "i").error().cause, Cause::INVITATION_REJECTED);
  ASSERT_TRUE(wait<bool>([&](auto done) {
    store->add_invitation({.hash = "k", .created = now, .expires = now + Millis{1000}}, row("invite"), std::move(done));
  }));
  now += Millis{1000};
  EXPECT_EQ(create("carol", {}, "k").error().cause, Cause::INVITATION_REJECTED);
}

TEST_P(AccountStoreContract, ASessionIsFoundByIdAndByCookie) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "", "c1")));
  ASSERT_TRUE(open(session("s2", "alice", "r2")));
  EXPECT_EQ(find("s2")->user.name, "alice");
  EXPECT_EQ(find("s2")->session.device, "d");
  const auto by_cookie = wait<std::optional<SessionAndUser>>([&](auto done) {
    store->find_session_by_cookie("c1", std::move(done));
  }).value();
  EXPECT_EQ(by_cookie->session.id, SessionId{"s1"});
  EXPECT_FALSE(wait<std::optional<SessionAndUser>>([&](auto done) {
    store->find_session_by_cookie("", std::move(done));
  }).value());
  EXPECT_FALSE(find("s3"));
}

TEST_P(AccountStoreContract, ADisabledOrUnknownUserOpensNoSession) {
  ASSERT_TRUE(create("alice"));
  ASSERT_TRUE(wait<bool>([&](auto done) {
    store->set_disabled(UserId{"id-alice"}, true, row("disable"), std::move(done));
  }).value());
  EXPECT_EQ(open(session("s1", "alice", "r1")).error().cause, Cause::USER_DISABLED);
  EXPECT_EQ(open(session("s1", "nobody", "r1")).error().cause, Cause::USER_UNKNOWN);
  EXPECT_FALSE(find("s1"));
}

TEST_P(AccountStoreContract, RotationIsAtomicAndRepeatsUntilTheSuccessorWasUsed) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  EXPECT_FALSE(refresh("r1", "r2").refusal);
  now += std::chrono::hours{23};
  EXPECT_FALSE(refresh("r1", "r2").refusal) << "the answer was lost";
  EXPECT_EQ(newest_audit().detail, "s1; same successor repeated 82800 s after the exchange");
  EXPECT_FALSE(refresh("r2", "r3").refusal);
  EXPECT_EQ(newest_audit().detail, "s1");
  const auto killed = refresh("r1", "r2");
  ASSERT_TRUE(killed.refusal);
  EXPECT_EQ(killed.refusal->cause, Cause::REFRESH_REUSED);
  EXPECT_EQ(find("s1")->session.end, SessionEnd::reuse);
  EXPECT_EQ(refresh("r3", "r4").refusal->cause, Cause::REFRESH_REUSED);
  EXPECT_EQ(refresh("r9", "r10").refusal->cause, Cause::REFRESH_UNKNOWN);
  EXPECT_THAT(revocations(), testing::ElementsAre("1 s1 0"));
  EXPECT_EQ(audit_rows(), 7u);
}

TEST_P(AccountStoreContract, EndingSessionsMakesRevocationsInOrder) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  for (const auto* id : {"s2", "s3", "s4"}) {
    now += Millis{1};
    ASSERT_TRUE(open(session(id, "alice", std::string{"of-"} + id)));
  }
  ASSERT_TRUE(create("bob", session("b1", "bob", "rb")));
  const auto end_one = [&](std::string of, std::string id) {
    return wait<bool>([&](auto done) {
      store->end_session(UserId{"id-" + of}, SessionId{id}, SessionEnd::logout, row("logout"), std::move(done));
    }).value();
  };
  EXPECT_FALSE(end_one("bob", "s1"));
  EXPECT_TRUE(end_one("alice", "s1"));
  EXPECT_FALSE(end_one("alice", "s1"));
  EXPECT_THAT(live_sessions("alice"), testing::ElementsAre("s4", "s3", "s2"));
  EXPECT_EQ(wait<std::size_t>([&](auto done) {
    store->end_sessions(UserId{"id-alice"}, SessionId{"s3"}, SessionEnd::ended, row("sessions_end"), std::move(done));
  }).value(),
      2u);
  EXPECT_THAT(live_sessions("alice"), testing::ElementsAre("s3"));
  EXPECT_THAT(live_sessions("bob"), testing::ElementsAre("b1"));
  EXPECT_EQ(revocations().size(), 3u);
  EXPECT_EQ(revocations().front(), "1 s1 0");
  const auto page = wait<RevocationPage>([&](auto done) { store->revocations_after(0, 2, std::move(done)); }).value();
  EXPECT_EQ(page.events.size(), 2u);
  EXPECT_EQ(revocations(page.cursor).size(), 1u);
}

TEST_P(AccountStoreContract, BeyondTheLimitTheSessionUnusedLongestEnds) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  now += Millis{1};
  ASSERT_TRUE(open(session("s2", "alice", "r2")));
  now += Millis{1};
  ASSERT_TRUE(wait<bool>([&](auto done) { store->touch_session(SessionId{"s1"}, now, std::move(done)); }).value());
  now += Millis{1};
  ASSERT_TRUE(open(session("s3", "alice", "r3"), 2));
  EXPECT_THAT(live_sessions("alice"), testing::ElementsAre("s3", "s1"));
  EXPECT_THAT(revocations(), testing::ElementsAre("1 s2 0"));
}

TEST_P(AccountStoreContract, DisablingEnablingAndDeletingAreOneEventEach) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  const UserId alice{"id-alice"};
  const auto set = [&](bool disabled) {
    return wait<bool>([&](auto done) { store->set_disabled(alice, disabled, row("x"), std::move(done)); }).value();
  };
  EXPECT_TRUE(set(true));
  EXPECT_FALSE(set(true));
  EXPECT_TRUE(find("s1")->user.disabled);
  EXPECT_EQ(refresh("r1", "r2").refusal->cause, Cause::USER_DISABLED);
  EXPECT_TRUE(set(false));
  EXPECT_EQ(refresh("r1", "r2").refusal->cause, Cause::REFRESH_UNKNOWN) << "enabling revives no session";
  EXPECT_EQ(find("s1")->session.end, SessionEnd::disabled);
  EXPECT_TRUE(wait<bool>([&](auto done) { store->delete_user(alice, row("delete"), std::move(done)); }));
  EXPECT_FALSE(find("s1"));
  EXPECT_EQ(refresh("r2", "r3").refusal->cause, Cause::REFRESH_UNKNOWN);
  EXPECT_EQ(wait<bool>([&](auto done) { store->delete_user(alice, row("delete"), std::move(done)); }).error().cause,
      Cause::USER_UNKNOWN);
  EXPECT_THAT(revocations(), testing::ElementsAre("3 id-alice 1", "1 s1 0", "3 id-alice 2", "3 id-alice 3"));
  EXPECT_GT(audit_rows(), 0u);
}

TEST_P(AccountStoreContract, ANewPasswordEndsAllSessionsButTheOneKept) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  ASSERT_TRUE(open(session("s2", "alice", "r2")));
  ASSERT_TRUE(wait<bool>([&](auto done) {
    store->set_password(UserId{"id-alice"}, "new", SessionId{"s2"}, row("password"), std::move(done));
  }));
  EXPECT_EQ(find("s1")->session.end, SessionEnd::password);
  EXPECT_EQ(find("s2")->session.end, SessionEnd::none);
  EXPECT_EQ(find("s2")->user.password, "new");
  EXPECT_EQ(wait<bool>([&](auto done) {
    store->set_password(UserId{"nobody"}, "new", std::nullopt, row("password"), std::move(done));
  })
                .error()
                .cause,
      Cause::USER_UNKNOWN);
}

TEST_P(AccountStoreContract, ASessionIsOpenedForThePasswordThatIsStillTheUsers) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  NewSession made = session("s2", "alice", "r2");
  made.verified = "another hash";
  const auto with_better = [&] {
    return wait<bool>([&](auto done) { store->open_session(made, "better", 100, row("login"), std::move(done)); });
  };
  EXPECT_EQ(with_better().error().cause, Cause::CREDENTIALS_REJECTED);
  EXPECT_FALSE(find("s2"));
  EXPECT_EQ(find("s1")->user.password, "phc");
  made.verified = "phc";
  EXPECT_TRUE(with_better());
  EXPECT_EQ(find("s2")->user.password, "better");
}

TEST_P(AccountStoreContract, OfTwoNewPasswordsFromTwoSessionsAtOnceOneIsTaken) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  ASSERT_TRUE(open(session("s2", "alice", "r2")));
  const auto set = [&](std::string phc, std::string from) {
    return wait<bool>([&](auto done) {
      store->set_password(UserId{"id-alice"}, phc, SessionId{from}, row("password"), std::move(done));
    });
  };
  EXPECT_TRUE(set("new", "s1"));
  EXPECT_EQ(set("newer", "s2").error().cause, Cause::SESSION_REVOKED) << "the first one ended it";
  EXPECT_EQ(find("s1")->user.password, "new");
}

TEST_P(AccountStoreContract, EverythingIsThereAgainAfterOpeningAnew) {
  ASSERT_TRUE(create("alice", session("s1", "alice", "r1")));
  const std::string key = store->refresh_key();
  EXPECT_EQ(key.size(), 32u);
  const auto beside = place->open(); // another process
  EXPECT_EQ(beside->refresh_key(), key);
  store.reset();
  store = place->open();
  EXPECT_EQ(store->refresh_key(), key);
  EXPECT_EQ(find("s1")->user.name, "alice");
  EXPECT_FALSE(refresh("r1", "r2").refusal);
  EXPECT_TRUE(store->probe());
}

TEST_P(AccountStoreContract, UsersAreListedByNameWithTheirNewestSession) {
  ASSERT_TRUE(create("bob"));
  ASSERT_TRUE(create("Alice", session("s1", "Alice", "r1")));
  const auto listed = wait<std::vector<UserListing>>([&](auto done) { store->list_users(std::move(done)); }).value();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].user.name, "Alice");
  EXPECT_EQ(listed[0].last_seen, now);
  EXPECT_EQ(listed[1].user.name, "bob");
  EXPECT_FALSE(listed[1].last_seen);
}

TEST_P(AccountStoreContract, EachCostOfPasswordsIsReturnedOnceWithoutItsSalt) {
  int n = 0;
  for (const auto* phc : {"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$dGFnLTE",
           "$argon2id$v=19$m=19456,t=2,p=1$b3RoZXI/$dGFnLTI", "$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$dGFn"}) {
    UserRow row_of = user("user" + std::to_string(n++));
    row_of.password = phc;
    ASSERT_TRUE(wait<bool>(
        [&](auto done) { store->create_user(row_of, std::nullopt, std::nullopt, row("add"), std::move(done)); }));
  }
  EXPECT_THAT(wait<std::vector<std::string>>([&](auto done) { store->password_costs(std::move(done)); }).value(),
      testing::UnorderedElementsAre("$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=47104,t=1,p=1$"));
}

} // namespace foyer::accounts::testing_world
