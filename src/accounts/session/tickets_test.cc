#include "accounts/session/tickets.h"

#include <gtest/gtest.h>

namespace foyer::accounts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Desk {
  ManualClock clock;
  Tickets tickets;
  explicit Desk(TicketPolicy policy = {}) : tickets(policy) {}

  Result<bool> mint(std::string_view ticket, std::optional<std::string> origin = "https://chat.example",
      std::optional<std::string> address = {}) {
    Identity alice;
    alice.user = UserId{"alice"};
    return tickets.mint(ticket,
        {.identity = std::move(alice), .origin = std::move(origin), .address = std::move(address)}, seconds{30},
        clock.mono());
  }
  Result<Identity> redeem(std::string_view ticket, std::string_view attempt,
      std::optional<std::string> origin = "https://chat.example", std::string_view address = "10.0.0.1") {
    return tickets.redeem(
        {.ticket = ticket, .origin = std::move(origin), .address = address, .attempt = attempt}, clock.mono());
  }
  Cause refused(
      std::string_view ticket, std::string_view attempt, std::optional<std::string> origin = "https://chat.example") {
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
  d.clock.advance(minutes{10});
  EXPECT_EQ(d.refused("late", "2"), Cause::TICKET_EXPIRED);
  EXPECT_EQ(d.refused("used", "3"), Cause::TICKET_USED);
  d.clock.advance(Millis{1});
  EXPECT_EQ(d.refused("late", "4"), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.refused("used", "5"), Cause::TICKET_UNKNOWN);
  EXPECT_EQ(d.tickets.size(), 0u);
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
  EXPECT_TRUE(d.tickets.examine({.ticket = "t", .attempt = "1"}, d.clock.mono()));
  EXPECT_TRUE(d.tickets.examine({.ticket = "t", .attempt = "2"}, d.clock.mono()));
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
