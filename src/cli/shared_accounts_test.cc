// What auth services on one database agree on: each of them is a process of its own, here with one thread.
#include "app/shared_accounts.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include "accounts/session/tickets.h"
#include "base/manual_executor.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::cli {
namespace {

using testing_world::Postgres;

struct Services {
  testing_world::TempDir dir;
  ManualClock clock;
  Metrics metrics;
  config::Config config;
  ManualExecutor turns{clock};
  std::vector<app::SharedAccounts> services;

  explicit Services(std::string url) {
    config.data = dir.path();
    config.database_url = std::move(url);
    start();
    start();
  }
  void start() {
    auto opened = app::open_shared_accounts(config,
        {.clock = clock, .entropy = system_entropy(), .metrics = metrics, .log = null_log(), .executor = &turns},
        turns);
    ASSERT_TRUE(opened) << opened.error().operator_text();
    services.push_back(std::move(*opened));
  }
  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> r) { answer = std::move(r); });
    EXPECT_FALSE(answer && services[0].writer) << "answers come on the control plane";
    turns.run_posted();
    return answer ? std::move(*answer) : Result<T>(refuse(Cause::INTERNAL_ERROR, "no answer"));
  }
  // Each call is to the service of this number.
  std::string mint(std::size_t service, const std::string& ticket) {
    accounts::Tickets tickets(*services[service].entries);
    accounts::TicketGrant grant;
    grant.identity.user = UserId{"ann"};
    auto minted =
        ask<bool>([&](Completion<bool> d) { tickets.mint(ticket, grant, std::chrono::minutes{1}, std::move(d)); });
    return minted ? "minted" : std::string(minted.error().code());
  }
  std::string redeem(std::size_t service, const std::string& ticket, const std::string& attempt) {
    accounts::Tickets tickets(*services[service].entries);
    auto seen = ask<Identity>([&](Completion<Identity> d) {
      tickets.redeem({.ticket = ticket, .attempt = attempt},
          [](Identity identity, Completion<Identity> good) { good(std::move(identity)); }, std::move(d));
    });
    return seen ? seen->user.str() : std::string(seen.error().code());
  }
  // "first", "again"
  std::string nonce(std::size_t service, const std::string& name) {
    auto taken = ask<engine::Taken>([&](Completion<engine::Taken> d) {
      services[service].entries->take_once(
          {.key = {"nonce", name}, .remember = std::chrono::minutes{2}, .most = 100}, std::move(d));
    });
    if (!taken) return std::string(taken.error().code());
    return taken->first ? "first" : "again";
  }
};

TEST(SharedAccounts, ATicketOfOneServiceIsRedeemedAtAnotherOnce) {
  Services s(Postgres::shared().fresh());
  EXPECT_EQ(s.mint(0, "t"), "minted");
  EXPECT_EQ(s.redeem(1, "t", "1"), "ann");
  EXPECT_EQ(s.redeem(0, "t", "1"), "ann") << "a repetition of that attempt, whose answer was lost";
  EXPECT_EQ(s.redeem(0, "t", "2"), "TICKET_USED");
  EXPECT_EQ(s.redeem(1, "t", "2"), "TICKET_USED");
  EXPECT_EQ(s.redeem(1, "another", "1"), "TICKET_UNKNOWN");
}

TEST(SharedAccounts, WhatAServiceKnewOutlivesIt) {
  Services s(Postgres::shared().fresh());
  EXPECT_EQ(s.mint(0, "t"), "minted");
  EXPECT_EQ(s.nonce(0, "n"), "first");
  s.services.clear();
  s.start();
  EXPECT_EQ(s.nonce(0, "n"), "again");
  EXPECT_EQ(s.redeem(0, "t", "1"), "ann");
}

TEST(SharedAccounts, WhileTheServerIsAwayNothingIsAccepted) {
  Services s(Postgres::shared().fresh());
  EXPECT_EQ(s.mint(0, "t"), "minted");
  Postgres::shared().stop(Postgres::Stop::kill);
  EXPECT_EQ(s.redeem(1, "t", "1"), "DATABASE_UNREACHABLE");
  EXPECT_EQ(s.nonce(0, "n"), "DATABASE_UNREACHABLE");
  EXPECT_EQ(s.mint(0, "u"), "DATABASE_UNREACHABLE");
  auto guess = s.ask<bool>(
      [&](Completion<bool> d) { s.services[0].lockouts->begin({.name = "ann", .address = "::1"}, std::move(d)); });
  EXPECT_EQ(guess.error().cause, Cause::DATABASE_UNREACHABLE);
  Postgres::shared().start();
  s.clock.advance(std::chrono::minutes{1}); // connections are tried again
  EXPECT_EQ(s.redeem(1, "t", "1"), "ann");
  EXPECT_EQ(s.nonce(0, "n"), "first");
}

TEST(SharedAccounts, WithFilesAProcessKnowsWhatItDid) {
  Services s("");
  EXPECT_EQ(s.mint(0, "t"), "minted");
  EXPECT_EQ(s.redeem(1, "t", "1"), "TICKET_UNKNOWN");
  EXPECT_EQ(s.redeem(0, "t", "1"), "ann");
}

} // namespace
} // namespace foyer::cli
