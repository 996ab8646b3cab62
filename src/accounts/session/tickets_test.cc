#include "accounts/session/tickets.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "engine/memory/shared_state.h"

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kNoCheck = [](Identity identity, Completion<Identity> good) { good(std::move(identity)); };

struct Desk {
  ManualClock clock;
  engine::MemorySharedState shared{clock};
  Tickets tickets;
  explicit Desk(TicketPolicy policy = {}) : tickets(shared, policy) {}

  // Answers everything at once.
  template <class T>
  static Result<T> now(const std::function<void(Completion<T>)>& question) {
    std::optional<Result<T>> answer;
    question([&](Result<T> r) { answer = std::move(r); });
    return std::move(answer).value();
  }
  Result<bool> mint(std::string_view ticket, std::optional<std::string> origin = "https://chat.example",
      std::optional<std::string> address = {}) {
    Identity alice;
    alice.user = UserId{"alice"};
    const TicketGrant grant{.identity = std::move(alice), .origin = std::move(origin), .address = std::move(address)};
    return now<bool>([&](Completion<bool> d) { tickets.mint(ticket, grant, seconds{30}, std::move(d)); });
  }
  Result<Identity> redeem(const std::string& ticket, const std::string& attempt,
      std::optional<std::string> origin = "https://chat.example", const std::string& address = "10.0.0.1") {
    return now<Identity>([&](Completion<Identity> d) {
      tickets.redeem({.ticket = ticket, .origin = std::move(origin), .address = address, .attempt = attempt}, kNoCheck,
          std::move(d));
    });
  }
  Result<Identity> examine(const std::string& ticket, const std::string& attempt) {
    return now<Identity>(
        [&](Completion<Identity> d) { tickets.examine({.ticket = ticket, .attempt = attempt}, std::move(d)); });
  }
  Cause refused(const std::string& ticket, const std::string& attempt,
      std::optional<std::string> origin = "https://chat.example") {
    return redeem(ticket, attempt, std::move(origin)).error().cause;
  }
};

TEST(Tickets, ATicketIsUsedOnce) {
  Desk d;
  ASSERT_TRUE(d.mint("t"));
  EXPECT_EQ(d.redeem("t", "1")->user, UserId{"alice"});
  EXPECT_EQ(d.refused("t", "2"), Cause::TICKET_USED);
  EXPECT_EQ(d.refused("t", ""), Cause::TICKET_USED);
}

TEST(Tickets, TheSameAttemptWithinAMinuteGetsTheSameAnswer) {
  Desk d;
  ASSERT_TRUE(d.mint("t"));
  d.clock.advance(seconds{29});
  ASSERT_TRUE(d.redeem("t", "1"));
  d.clock.advance(seconds{60});
  EXPECT_TRUE(d.redeem("t", "1")); // also after the ticket's own end
  d.clock.advance(Millis{1});
  EXPECT_EQ(d.refused("t", "1"), Cause::TICKET_USED);
}

TEST(Tickets, NoAttemptIdIsNeverTheSameAttempt) {
  Desk d;
  ASSERT_TRUE(d.mint("t"));
  ASSERT_TRUE(d.redeem("t", ""));
  EXPECT_EQ(d.refused("t", ""), Cause::TICKET_USED);
}

TEST(Tickets, ATicketExpiresAndItsEndIsRememberedForTenMinutes) {
  Desk d;
  ASSERT_TRUE(d.mint("late"));
  ASSERT_TRUE(d.mint("used"));
  ASSERT_TRUE(d.redeem("used", "1"));
  d.clock.advance(seconds{30});
  EXPECT_EQ(d.refused("late", "1"), Cause::TICKET_EXPIRED);
  d.clock.advance(minutes{10} - Millis{1});
  EXPECT_EQ(d.refused("late", "2"), Cause::TICKET_EXPIRED);
  EXPECT_EQ(d.refused("used", "3"), Cause::TICKET_USED);
  d.clock.advance(Millis{1});
  EXPECT_EQ(d.refused("late", "4"), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.refused("used", "5"), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.tickets.size(), 0u);
}

TEST(Tickets, WhatItSpeaksForIsWhatItWasMintedFor) {
  Desk d;
  const WallTime now = d.clock.wall();
  const Identity zoe{.user = UserId{"zoe"},
      .name = "Zo\xC3\xAB \"Z\"",
      .session = SessionId{"s1"},
      .token = TokenId{"t1"},
      .permissions = {.chat_read = true, .admin = true},
      .issued_at = now,
      .expires_at = now + minutes{15},
      .own_account = true};
  ASSERT_TRUE(d.now<bool>(
      [&](Completion<bool> done) { d.tickets.mint("t", {.identity = zoe}, seconds{30}, std::move(done)); }));
  const auto got = d.redeem("t", "1", std::nullopt);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->user, zoe.user);
  EXPECT_EQ(got->name, zoe.name);
  EXPECT_EQ(got->session, zoe.session);
  EXPECT_EQ(got->token, zoe.token);
  EXPECT_EQ(got->permissions, zoe.permissions);
  EXPECT_EQ(got->issued_at, now);
  EXPECT_EQ(got->expires_at, zoe.expires_at);
  EXPECT_TRUE(got->own_account);
}

TEST(Tickets, ATicketIsUsedOnceWhicheverServiceIsAsked) {
  Desk d;
  Tickets another(d.shared);
  ASSERT_TRUE(d.mint("t"));
  ASSERT_TRUE(d.redeem("t", "1"));
  const auto there = d.now<Identity>([&](Completion<Identity> done) {
    another.redeem(
        {.ticket = "t", .origin = "https://chat.example", .address = {}, .attempt = "2"}, kNoCheck, std::move(done));
  });
  EXPECT_EQ(there.error().cause, Cause::TICKET_USED);
}

TEST(Tickets, ATicketBoundElsewhereIsUnknownHereAndNotUsedUp) {
  Desk d;
  ASSERT_TRUE(d.mint("t", "https://chat.example", "10.0.0.1"));
  EXPECT_EQ(d.refused("t", "1", "https://evil.example"), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.refused("t", "2", std::nullopt), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.redeem("t", "3", "https://chat.example", "10.9.9.9").error().cause, Cause::TICKET_UNKNOWN);
  EXPECT_TRUE(d.redeem("t", "4"));
}

TEST(Tickets, AnUnboundTicketServesAnyOriginAndNone) {
  Desk d;
  ASSERT_TRUE(d.mint("a", std::nullopt));
  ASSERT_TRUE(d.mint("b", std::nullopt));
  EXPECT_TRUE(d.redeem("a", "1", std::nullopt));
  EXPECT_TRUE(d.redeem("b", "1", "https://anywhere.example"));
}

TEST(Tickets, ExaminingUsesNothingUp) {
  Desk d;
  ASSERT_TRUE(d.mint("t", std::nullopt));
  EXPECT_TRUE(d.examine("t", "1"));
  EXPECT_TRUE(d.examine("t", "2"));
  EXPECT_TRUE(d.redeem("t", "3"));
}

TEST(Tickets, AFullTableForgetsWhatHasEndedAndElseSaysBusy) {
  Desk d({.max_tickets = 2});
  ASSERT_TRUE(d.mint("a"));
  d.clock.advance(seconds{10});
  ASSERT_TRUE(d.mint("b"));
  const auto busy = d.mint("c");
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().cause, Cause::BUSY);
  EXPECT_EQ(busy.error().retry_after, Millis{20'000});
  d.clock.advance(seconds{20});
  EXPECT_TRUE(d.mint("c"));
  EXPECT_EQ(d.refused("a", "1"), Cause::TICKET_UNKNOWN);
  EXPECT_TRUE(d.redeem("b", "1"));
}

} // namespace
} // namespace foyer::accounts
