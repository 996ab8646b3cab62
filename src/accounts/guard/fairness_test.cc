// Requests of one or many strangers neither lock out others nor fill the audit.
#include <gmock/gmock.h>

#include "accounts/testing/accounts_world.h"

namespace foyer::accounts::testing_world {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string login_of(std::string_view name, std::string_view password = "a quiet place") {
  return R"({"name":")" + std::string{name} + R"(","password":")" + std::string{password} + R"("})";
}

struct Flood {
  static constexpr int kLogins = 1'000;
  World& w;
  int answered = 0;

  // Ten logins from each of a hundred addresses, each in its own network.
  void send() {
    for (int i = 0; i < kLogins; ++i) {
      const std::string address = "10.1." + std::to_string(i % 100) + ".7";
      w.send("POST", "/auth/login", {.body = login_of("nobody" + std::to_string(i)), .address = address},
          [this](const Answer&) { ++answered; });
      w.turns.run_posted();
      w.advance(1ms);
    }
  }
};

TEST(FairLogins, AnotherUserSignsInAtTheNextHashWhileAHundredAddressesFlood) {
  for (const bool known : {true, false}) {
    World w;
    w.register_user("ann");
    if (known) w.login("ann", "a quiet place", {.address = "203.0.113.9"});
    w.hashing_queue.emplace(64);
    Flood flood{w};
    flood.send();
    EXPECT_GE(flood.answered, Flood::kLogins - 64) << "the queue is full";
    std::optional<Answer> ann;
    w.send("POST", "/auth/login", {.body = login_of("ann"), .address = "203.0.113.9"},
        [&ann](Answer answer) { ann = std::move(answer); });
    w.turns.run_posted();
    EXPECT_FALSE(ann) << "it waits for its hash, and is not BUSY";
    ASSERT_TRUE(w.hash_next());
    ASSERT_TRUE(ann) << (known ? "known" : "a stranger");
    EXPECT_EQ(ann->status, 200) << ann->body;
    while (w.hash_next()) {}
    EXPECT_EQ(flood.answered, Flood::kLogins) << "dropped requests are answered";
  }
}

TEST(FairLogins, ALoginIsServedBeforeTheRegistrationsThatWait) {
  World w;
  w.register_user("ann");
  w.hashing_queue.emplace(64);
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    w.send("POST", "/auth/register",
        {.body = login_of("new" + std::to_string(i)), .address = "10.2." + std::to_string(i) + ".1"},
        [&order](const Answer&) { order.emplace_back("registration"); });
    w.turns.run_posted();
  }
  w.send("POST", "/auth/login", {.body = login_of("ann"), .address = "203.0.113.9"},
      [&order](const Answer&) { order.emplace_back("login"); });
  w.turns.run_posted();
  while (w.hash_next()) {}
  EXPECT_THAT(order, ElementsAre("login", "registration", "registration", "registration"));
}

TEST(FairLogins, WithoutALiveInvitationNothingIsHashedAndNoTakenNameIsRevealed) {
  auto policy = test_policy();
  World w(policy);
  w.register_user("ann");
  policy.registration = Registration::invite;
  w.restart(policy);
  w.hashing_queue.emplace(64);
  const Answer taken = w.post("/auth/register", R"({"name":"ann","password":"a quiet place","invitation":"guessed"})");
  EXPECT_EQ(taken.code(), "INVITATION_REJECTED");
  EXPECT_EQ(w.hashing_queue->size(), 0u);
}

TEST(AuditOfStrangers, AThousandEqualRefusalsAreOneRowThatCountsThem) {
  World w;
  w.register_user("ann");
  for (int i = 0; i < 4; ++i) w.login("ann", "wrong", {.address = "203.0.113.9"});
  w.login("ann", "wrong", {.address = "203.0.113.10"});
  auto rows = w.wait<std::vector<AuditRow>>([&](auto done) { w.store->audit(100, std::move(done)); });
  ASSERT_TRUE(rows);
  EXPECT_THAT(w.audited(), ElementsAre("login CREDENTIALS_REJECTED", "login CREDENTIALS_REJECTED", "register OK"));
  EXPECT_EQ((*rows)[0].repeats, 0u);
  EXPECT_EQ((*rows)[1].repeats, 3u);
  EXPECT_TRUE((*rows)[1].last_at);
  w.advance(61min);
  w.login("ann", "wrong", {.address = "203.0.113.9"});
  EXPECT_EQ(w.audited().size(), 4u) << "an hour later it is audited again";
}

TEST(AuditOfStrangers, TheOldestRefusalsGoBeyondTheirNumberAndNoOtherRowDoes) {
  World w;
  auto store = open_sqlite_store(w.dir.file("other.sqlite"), {.audit_refusals = 50, .executor = &w.turns}, w.clock,
      w.entropy, w.metrics, null_log());
  ASSERT_TRUE(store);
  const auto append = [&](std::vector<AuditRow> rows) {
    EXPECT_TRUE(w.wait<bool>([&](auto done) { (*store)->append_audit(std::move(rows), std::move(done)); }));
  };
  append({{.at = w.clock.wall(), .action = "user_add", .outcome = "OK"}});
  for (int batch = 0; batch < 12; ++batch) {
    std::vector<AuditRow> rows;
    for (int i = 0; i < 100; ++i)
      rows.push_back({.at = w.clock.wall(),
          .action = "login",
          .outcome = "CREDENTIALS_REJECTED",
          .address = "10." + std::to_string(batch) + "." + std::to_string(i) + ".1"});
    append(std::move(rows));
  }
  const auto rows = w.wait<std::vector<AuditRow>>([&](auto done) { (*store)->audit(10'000, std::move(done)); });
  EXPECT_LE(rows->size(), 51u + 1'000u);
  EXPECT_LT(rows->size(), 300u) << "it was bounded meanwhile";
  EXPECT_EQ(rows->back().action, "user_add");
  EXPECT_EQ(rows->front().address, "10.11.99.1");
}

} // namespace
} // namespace foyer::accounts::testing_world
