// The machine of one hook, against an outbox in memory and in virtual time.
#include "hooks/delivery.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>

namespace foyer::hooks {
namespace {

using engine::HookEvent;
using Kind = Outcome::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeliveryTest : public testing::Test {
 protected:
  // Into the outbox.
  void happens(const std::string& room, int times = 1) {
    for (int i = 0; i < times; ++i) {
      ++last;
      outbox[last] = {.number = last,
          .id = "evt_" + std::to_string(last),
          .type = "message.published",
          .room = room,
          .at = clock.wall(),
          .queued = clock.wall(),
          .data = "{}"};
    }
    machine().written();
  }
  Delivery& machine() {
    if (!delivery) delivery = std::make_unique<Delivery>(policy, entropy);
    return *delivery;
  }
  // Everything that is due; reads the outbox. The numbers that go out.
  std::vector<std::uint64_t> turn() {
    std::vector<std::uint64_t> out;
    for (;;) {
      Delivery::Todo todo = machine().next(clock.mono(), clock.wall());
      if (todo.nothing()) return out;
      for (const auto& event : todo.send) out.push_back(event.number), sent_ids.push_back(event.id);
      for (const auto number : todo.sent) outbox.erase(number);
      for (const auto& buried : todo.bury) {
        dead.push_back(std::to_string(buried.number) + " after " + std::to_string(buried.tries));
        last_why = buried.why;
        outbox.erase(buried.number);
      }
      if (todo.disable) disabled = *todo.disable;
      if (todo.read) machine().read(*todo.read, page(*todo.read));
    }
  }
  std::vector<HookEvent> page(const Delivery::Page& of) {
    ++reads;
    std::vector<HookEvent> out;
    for (const auto& [number, event] : outbox)
      if (number > of.after && out.size() < of.limit && (!of.room || *of.room == event.room)) out.push_back(event);
    return out;
  }
  void answer(std::uint64_t number, Kind kind, std::optional<Millis> retry_after = {}) {
    machine().answered(number,
        {.kind = kind, .cause = Cause::WEBHOOK_REFUSED, .evidence = "of the test", .retry_after = retry_after},
        clock.mono(), clock.wall());
  }
  // Until it asks to be woken.
  std::vector<std::uint64_t> later() {
    const auto wakes = machine().wakes();
    if (!wakes) return {};
    clock.advance(*wakes - clock.mono());
    return turn();
  }

  ManualClock clock;
  FixedEntropy entropy;
  DeliveryPolicy policy;
  std::unique_ptr<Delivery> delivery;
  std::map<std::uint64_t, HookEvent> outbox;
  std::uint64_t last = 0;
  std::vector<std::string> dead, sent_ids;
  std::string last_why, disabled;
  int reads = 0;
};

TEST_F(DeliveryTest, EventsOfARoomGoOneAfterTheOtherAndRoomsBesideEachOther) {
  happens("tea", 2);
  happens("chess");
  EXPECT_THAT(turn(), ElementsAre(1, 3));
  answer(3, Kind::sent);
  EXPECT_THAT(turn(), IsEmpty()) << "1 is on its way";
  answer(1, Kind::sent);
  EXPECT_THAT(turn(), ElementsAre(2));
  answer(2, Kind::sent);
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(machine().oldest(), std::nullopt);
}

TEST_F(DeliveryTest, AFailedEventIsTriedAgainAndHoldsBackItsRoomOnly) {
  happens("tea", 2);
  happens("chess", 2);
  EXPECT_THAT(turn(), ElementsAre(1, 3));
  answer(1, Kind::failed);
  answer(3, Kind::sent);
  EXPECT_THAT(turn(), ElementsAre(4));
  answer(4, Kind::sent);
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_THAT(later(), ElementsAre(1));
  answer(1, Kind::sent);
  EXPECT_THAT(turn(), ElementsAre(2));
  EXPECT_THAT(sent_ids, ElementsAre("evt_1", "evt_3", "evt_4", "evt_1", "evt_2")) << "the same id again";
}

TEST_F(DeliveryTest, PausesGrowToTheLongestAndNeverEndEarly) {
  happens("tea");
  EXPECT_THAT(turn(), ElementsAre(1));
  Millis whole = policy.first_pause;
  for (int i = 0; i < 14; ++i) {
    answer(1, Kind::failed);
    const auto wait = *machine().wakes() - clock.mono();
    EXPECT_GE(wait, whole / 2);
    EXPECT_LE(wait, whole);
    EXPECT_THAT(later(), ElementsAre(1));
    whole = std::min(whole * 2, policy.longest_pause);
  }
}

TEST_F(DeliveryTest, ARetryAfterIsKeptUpToTheLongestPause) {
  happens("tea");
  turn();
  answer(1, Kind::failed, std::chrono::seconds{90});
  EXPECT_EQ(*machine().wakes() - clock.mono(), std::chrono::seconds{90});
  later();
  answer(1, Kind::failed, std::chrono::days{300});
  EXPECT_EQ(*machine().wakes() - clock.mono(), policy.longest_pause);
}

TEST_F(DeliveryTest, ARefusedEventIsGivenUpAfterThreeTriesAndTheRoomGoesOn) {
  happens("tea", 2);
  EXPECT_THAT(turn(), ElementsAre(1));
  answer(1, Kind::refused);
  EXPECT_THAT(later(), ElementsAre(1));
  answer(1, Kind::refused);
  EXPECT_THAT(later(), ElementsAre(1));
  answer(1, Kind::refused);
  EXPECT_THAT(turn(), ElementsAre(2)) << "at once";
  EXPECT_THAT(dead, ElementsAre("1 after 3"));
  EXPECT_EQ(last_why, "WEBHOOK_REFUSED: of the test");
}

TEST_F(DeliveryTest, AnEventThatFailsForADayIsGivenUpAndSoAreThoseBehindIt) {
  happens("tea", 300);
  EXPECT_THAT(turn(), ElementsAre(1));
  while (dead.empty()) {
    answer(1, Kind::failed);
    later();
    turn();
  }
  EXPECT_GE(clock.wall() - WallTime{Millis{1'700'000'000'000}}, policy.give_up);
  happens("tea");
  turn();
  EXPECT_THAT(later(), IsEmpty());
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_EQ(dead.size(), 300U) << "each of them waited for a day";
  EXPECT_EQ(machine().in_flight(), 1U) << "the new one is tried";
}

TEST_F(DeliveryTest, AReceiverThatWantsNoMoreEndsIt) {
  happens("tea", 2);
  happens("chess", 2);
  EXPECT_THAT(turn(), ElementsAre(1, 3));
  answer(1, Kind::gone);
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_THAT(disabled, HasSubstr("of the test"));
  answer(3, Kind::sent);
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_EQ(machine().wakes(), std::nullopt);
  EXPECT_EQ(outbox.size(), 3U) << "what was not sent waits";
}

TEST_F(DeliveryTest, NoMoreRequestsAtOnceThanAllowed) {
  for (int i = 0; i < 50; ++i) happens("room" + std::to_string(i));
  const auto first = turn();
  EXPECT_EQ(first.size(), policy.concurrency);
  answer(first.front(), Kind::sent);
  EXPECT_EQ(turn().size(), 1U);
}

TEST_F(DeliveryTest, ARoomWithManyEventsIsReadAgainInOrder) {
  happens("tea", 1'000);
  happens("chess");
  std::vector<std::uint64_t> order = turn();
  EXPECT_THAT(order, ElementsAre(1, 1'001)) << "one long room does not hide another";
  answer(1'001, Kind::sent);
  for (std::uint64_t next = 1; next <= 1'000; ++next) {
    answer(next, Kind::sent);
    const auto then = turn();
    if (next < 1'000) {
      ASSERT_THAT(then, ElementsAre(next + 1));
    }
    if (next % 100 == 0) happens("tea"); // while it goes on
  }
  for (std::uint64_t next = 1'002; next <= 1'011; ++next) {
    answer(next, Kind::sent);
    turn();
  }
  EXPECT_TRUE(outbox.empty());
}

TEST_F(DeliveryTest, MemoryIsBoundedWhileEverythingFails) {
  policy.in_memory = 20;
  policy.page = 8;
  for (int i = 0; i < 200; ++i) happens("room" + std::to_string(i));
  turn();
  EXPECT_LE(reads, 4);
  EXPECT_EQ(machine().in_flight(), policy.concurrency);
}

TEST_F(DeliveryTest, AReadThatFailedIsAskedForAgain) {
  happens("tea");
  auto todo = machine().next(clock.mono(), clock.wall());
  ASSERT_TRUE(todo.read);
  EXPECT_TRUE(machine().next(clock.mono(), clock.wall()).nothing()) << "one at a time";
  machine().read_failed(*todo.read);
  EXPECT_THAT(turn(), ElementsAre(1));
}

TEST_F(DeliveryTest, AfterARestartNothingIsLostAndIdsAreTheSame) {
  happens("tea", 3);
  EXPECT_THAT(turn(), ElementsAre(1));
  answer(1, Kind::sent); // the process ends before it writes this back
  delivery.reset();
  machine().written();
  EXPECT_THAT(turn(), ElementsAre(1));
  EXPECT_THAT(sent_ids, ElementsAre("evt_1", "evt_1"));
}

// Receivers that fail at random: every event arrives, each room in its order.
TEST_F(DeliveryTest, HoweverAReceiverFailsEveryRoomArrivesWholeAndInOrder) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    FixedEntropy random(seed);
    delivery.reset();
    outbox.clear();
    std::vector<std::uint64_t> open;
    std::map<std::string, std::vector<std::uint64_t>> arrived;
    const std::uint64_t before = last;
    std::map<std::uint64_t, std::string> rooms;
    const auto start = [&] {
      for (const auto number : turn()) open.push_back(number);
    };
    for (int step = 0; step < 4'000 && (step < 500 || !outbox.empty()); ++step) {
      if (step < 500 && random.below(2) == 0) {
        const std::string room = "room" + std::to_string(random.below(4));
        happens(room, static_cast<int>(random.below(5)));
        for (const auto& [number, event] : outbox) rooms[number] = event.room;
      }
      start();
      if (!open.empty()) {
        const auto pick = static_cast<std::size_t>(random.below(open.size()));
        const auto number = open[pick];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
        const bool works = step > 500 || random.below(3) != 0;
        if (works) arrived[rooms[number]].push_back(number);
        answer(number, works ? Kind::sent : Kind::failed);
        start();
      } else {
        for (const auto number : later()) open.push_back(number);
      }
    }
    EXPECT_TRUE(outbox.empty()) << seed;
    std::size_t all = 0;
    for (const auto& [room, numbers] : arrived) {
      EXPECT_TRUE(std::ranges::is_sorted(numbers)) << seed;
      all += numbers.size();
    }
    EXPECT_EQ(all, last - before) << seed;
  }
}

} // namespace
} // namespace foyer::hooks
