#include "rooms/model/stream_follower.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

using namespace foyer;
using namespace foyer::rooms;

namespace {

const char* name_of(LossReason reason) {
  switch (reason) {
    case LossReason::epoch_changed: return "epoch_changed";
    case LossReason::went_back: return "went_back";
    case LossReason::not_kept: return "not_kept";
    case LossReason::unreadable: return "unreadable";
  }
  return "";
}

std::string shown(const Event& event) {
  if (event.delivery == Delivery::ephemeral) return "typing";
  if (event.delivery == Delivery::about_history) return fmt::format("change of {}", event.offset);
  const auto& message = std::get<Message>(event.body);
  return fmt::format("{}{}", event.offset, message.deleted ? " deleted" : "");
}

std::string shown(const Action& action) {
  if (const auto* d = std::get_if<Deliver>(&action)) return shown(*d->event);
  if (const auto* r = std::get_if<ReadHistory>(&action)) return fmt::format("read ({}, {}]", r->after, r->to);
  if (const auto* l = std::get_if<Lost>(&action))
    return fmt::format("lost {}, now {} {}", name_of(l->reason), l->epoch.str(), l->offset);
  return "confirm";
}

EventPtr message(Offset offset, const char* epoch = "e1", std::size_t bytes = 1, bool deleted = false) {
  return std::make_shared<Event>(Event{.epoch = Epoch(epoch),
      .offset = offset,
      .delivery = Delivery::history,
      .body = Message{
          .offset = offset, .from = {}, .text = std::string(deleted ? 0 : bytes, 'x'), .key = {}, .deleted = deleted}});
}
EventPtr change(Offset offset, const char* epoch = "e1") {
  return std::make_shared<Event>(Event{.epoch = Epoch(epoch),
      .offset = offset,
      .delivery = Delivery::about_history,
      .body = Change{.number = 1, .kind = ChangeKind::deleted, .offset = offset}});
}
EventPtr typing() { return std::make_shared<Event>(Event{.delivery = Delivery::ephemeral}); }

// A listener that joined at {e1, 4}; each call answers with the follower's actions.
class StreamFollowerTest : public testing::Test {
 protected:
  StreamFollowerTest() { follower.follow(Epoch("e1"), 4); }

  std::string hear(const Actions& actions) {
    std::vector<std::string> all;
    for (const Action& action : actions) {
      if (const auto* read = std::get_if<ReadHistory>(&action)) last_read = read->read;
      all.push_back(shown(action));
    }
    return fmt::format("{}", fmt::join(all, "; "));
  }
  std::string arrives(EventPtr event) { return hear(follower.arrived(std::move(event), now)); }
  std::string arrives(Offset offset) { return arrives(message(offset)); }
  std::string page(Offset from, Offset to, Offset head, const char* epoch = "e1") {
    Page page{.read = last_read, .epoch = Epoch(epoch), .head = head};
    for (Offset o = from; o <= to; ++o) page.events.push_back(message(o, epoch));
    return hear(follower.page(page, now));
  }
  std::string empty_page(Offset head, const char* epoch = "e1") { return page(1, 0, head, epoch); }
  std::string read_fails() { return hear(follower.read_failed(last_read, "away", now)); }
  std::string position(const char* epoch, Offset head) { return position(epoch, head, follower.standpoint()); }
  std::string position(const char* epoch, Offset head, Standpoint asked) {
    return hear(follower.position({.epoch = Epoch(epoch), .head = head, .asked = std::move(asked)}, now));
  }
  std::string passes(Millis time) {
    now += time;
    return hear(follower.tick(now));
  }

  FollowerLimits limits{.held_events = 3, .held_bytes = 100};
  StreamFollower follower{limits};
  MonoTime now{std::chrono::seconds{1'000}};
  std::uint64_t last_read = 0;
};

TEST_F(StreamFollowerTest, EventsInOrderAreDeliveredAtOnce) {
  EXPECT_EQ(arrives(5), "5");
  EXPECT_EQ(arrives(6), "6");
  EXPECT_FALSE(follower.due());
}

TEST_F(StreamFollowerTest, ADuplicateIsNotDeliveredAgain) {
  EXPECT_EQ(arrives(5), "5");
  EXPECT_EQ(arrives(5), "");
  EXPECT_EQ(arrives(3), "") << "nor messages from before the join";
}

TEST_F(StreamFollowerTest, LostEventsAreReadAndDeliveredBeforeLaterOnes) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  EXPECT_EQ(arrives(8), "") << "one read at a time";
  EXPECT_EQ(page(5, 6, 8), "5; 6; 7; 8");
}

TEST_F(StreamFollowerTest, WhatIsLateClosesItsGapByItself) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(6), "") << "duplicated while it is held back";
  EXPECT_EQ(arrives(5), "5; 6");
  EXPECT_EQ(page(5, 5, 6), "") << "the read was not needed any more";
  EXPECT_EQ(arrives(7), "7");
}

TEST_F(StreamFollowerTest, ALongGapIsReadInPages) {
  EXPECT_EQ(arrives(10), "read (4, 9]");
  EXPECT_EQ(page(5, 7, 10), "5; 6; 7; read (7, 9]");
  EXPECT_EQ(page(8, 9, 10), "8; 9; 10");
}

TEST_F(StreamFollowerTest, ASecondGapBehindTheFirstIsReadToo) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(9), "");
  EXPECT_EQ(page(5, 5, 9), "5; 6; read (6, 8]");
  EXPECT_EQ(page(7, 8, 9), "7; 8; 9");
}

TEST_F(StreamFollowerTest, MoreThanMayBeHeldBackIsReadLaterAndStillDeliveredOnce) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  for (Offset o = 7; o <= 12; ++o) EXPECT_EQ(arrives(o), "");
  EXPECT_EQ(follower.held_events(), 3U) << "6, 7, 8";
  EXPECT_EQ(page(5, 5, 12), "5; 6; 7; 8; read (8, 12]");
  EXPECT_EQ(page(9, 12, 12), "9; 10; 11; 12");
}

TEST_F(StreamFollowerTest, LongTextsAreHeldBackWithinTheirOwnBound) {
  EXPECT_EQ(arrives(message(8, "e1", 60)), "read (4, 7]");
  EXPECT_EQ(arrives(message(7, "e1", 60)), "") << "the next in order is kept, the later one is dropped";
  EXPECT_EQ(follower.held_bytes(), 60U);
  EXPECT_EQ(arrives(message(9, "e1", 1'000)), "");
  EXPECT_EQ(page(5, 7, 9), "5; 6; 7; read (7, 9]") << "the page holds 7 as well";
  EXPECT_EQ(follower.held_bytes(), 0U);
  EXPECT_EQ(page(8, 9, 9), "8; 9");
}

TEST_F(StreamFollowerTest, AReadThatFailsIsRepeatedAfterATimeThatDoubles) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(read_fails(), "");
  EXPECT_EQ(follower.due(), now + Millis{100});
  EXPECT_EQ(passes(Millis{99}), "");
  EXPECT_EQ(arrives(7), "") << "events behind the gap do not cause an earlier read";
  EXPECT_EQ(passes(Millis{1}), "read (4, 5]");
  EXPECT_EQ(read_fails(), "");
  EXPECT_EQ(follower.due(), now + Millis{200});
  EXPECT_EQ(passes(Millis{200}), "read (4, 5]");
  EXPECT_EQ(page(5, 5, 7), "5; 6; 7");
  EXPECT_FALSE(follower.due());
}

TEST_F(StreamFollowerTest, WhatCannotBeReadForLongIsLostAndWhatComesLaterGoesOnBehindIt) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  for (int tries = 0; tries < 2; ++tries) {
    EXPECT_EQ(read_fails(), "");
    EXPECT_EQ(passes(Millis{2'000}), "read (4, 6]");
  }
  now += Millis{1'000};
  EXPECT_EQ(read_fails(), "lost unreadable, now e1 7");
  EXPECT_EQ(arrives(6), "") << "late; a client that joins again gets it";
  EXPECT_EQ(arrives(8), "8");
}

TEST_F(StreamFollowerTest, AReadThatIsNeverAnsweredIsLostWhenPatienceEnds) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  EXPECT_EQ(follower.due(), now + Millis{5'000});
  EXPECT_EQ(passes(Millis{4'999}), "");
  EXPECT_EQ(passes(Millis{1}), "lost unreadable, now e1 7");
  EXPECT_EQ(page(5, 6, 7), "") << "the answer comes after all";
  EXPECT_EQ(arrives(8), "8");
  EXPECT_FALSE(follower.due());
}

TEST_F(StreamFollowerTest, APositionThatIsNeverToldIsWaitedForAsLong) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  follower.await_position();
  EXPECT_EQ(passes(Millis{5'000}), "lost unreadable, now e1 7");
  EXPECT_EQ(arrives(8), "8");
  EXPECT_EQ(position("e1", 8), "");
}

TEST_F(StreamFollowerTest, PatienceRestartsWithEachDeliveredEvent) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(8), "");
  now += Millis{4'999};
  EXPECT_EQ(arrives(5), "5; 6");
  EXPECT_EQ(page(5, 5, 8), "read (6, 7]");
  now += Millis{4'999};
  EXPECT_EQ(read_fails(), "");
  EXPECT_EQ(passes(Millis{1}), "lost unreadable, now e1 8");
}

TEST_F(StreamFollowerTest, AReaderThatLagsIsAskedAgainAndTheWriterWhetherItLags) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  EXPECT_EQ(empty_page(4), "confirm");
  EXPECT_EQ(position("e1", 7), "") << "the reader still has time";
  EXPECT_EQ(passes(Millis{100}), "read (4, 6]");
  EXPECT_EQ(page(5, 5, 5), "5; read (5, 6]");
  EXPECT_EQ(page(6, 6, 6), "6; 7");
}

TEST_F(StreamFollowerTest, EventsDeletedByAgeBeforeDeliveryAreLost) {
  EXPECT_EQ(arrives(8), "read (4, 7]");
  EXPECT_EQ(page(6, 7, 8), "lost not_kept, now e1 8");
  EXPECT_EQ(arrives(9), "9");
}

TEST_F(StreamFollowerTest, APositionAheadMeansThatEventsAreMissing) {
  EXPECT_EQ(position("e1", 4), "");
  EXPECT_EQ(position("e1", 6), "read (4, 6]");
  EXPECT_EQ(page(5, 6, 6), "5; 6");
}

TEST_F(StreamFollowerTest, AHeadThatIsAnnouncedTooLateDoesNoHarm) {
  EXPECT_EQ(hear(follower.announced(Epoch("e1"), 3, now)), "");
  EXPECT_EQ(hear(follower.announced(Epoch("e1"), 5, now)), "read (4, 5]");
}

TEST_F(StreamFollowerTest, AnotherEpochIsReportedBeforeAnyEventOfIt) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(message(5, "e2")), "confirm") << "newer or older: the event does not show it";
  EXPECT_EQ(position("e2", 5), "lost epoch_changed, now e2 5");
  EXPECT_EQ(page(5, 5, 6), "") << "of the previous history";
  EXPECT_EQ(arrives(message(6, "e2")), "6");
  EXPECT_EQ(arrives(6), "") << "an epoch that was left never comes back";
  EXPECT_EQ(arrives(7), "");
}

TEST_F(StreamFollowerTest, LateEventsOfAnOlderEpochCostOneQuestion) {
  EXPECT_EQ(arrives(message(9, "e0")), "confirm");
  EXPECT_EQ(arrives(message(10, "e0")), "");
  EXPECT_EQ(position("e1", 4), "");
  EXPECT_EQ(arrives(message(11, "e0")), "");
  EXPECT_EQ(arrives(5), "5");
}

TEST_F(StreamFollowerTest, AnAnswerThatWasAskedForBeforeTheDoubtDoesNotSettleIt) {
  const Standpoint before = follower.standpoint();
  EXPECT_EQ(arrives(message(5, "e2")), "confirm");
  EXPECT_EQ(position("e1", 4, before), "confirm");
  EXPECT_EQ(position("e2", 5), "lost epoch_changed, now e2 5");
}

TEST_F(StreamFollowerTest, APositionThatIsOvertakenByEventsIsNoStepBack) {
  const Standpoint asked = follower.standpoint();
  EXPECT_EQ(arrives(5), "5");
  EXPECT_EQ(arrives(6), "6");
  EXPECT_EQ(position("e1", 4, asked), "");
  EXPECT_EQ(arrives(7), "7");
}

TEST_F(StreamFollowerTest, AnAnswerAboutTheHistoryBeforeTheLastResetChangesNothing) {
  const Standpoint asked = follower.standpoint();
  EXPECT_EQ(position("e2", 3), "lost epoch_changed, now e2 3");
  EXPECT_EQ(position("e1", 4, asked), "");
  EXPECT_EQ(position("e3", 4, asked), "confirm") << "newer than e2, or between e1 and e2";
  EXPECT_EQ(position("e2", 3), "");
}

TEST_F(StreamFollowerTest, AHistoryThatWentBackIsLostAndSilentUntilItHasANewEpoch) {
  EXPECT_EQ(arrives(5), "5");
  EXPECT_EQ(position("e1", 4), "lost went_back, now e1 4");
  EXPECT_EQ(arrives(5), "") << "perhaps another 5";
  EXPECT_EQ(arrives(6), "");
  EXPECT_EQ(position("e1", 6), "") << "growing again does not help";
  EXPECT_EQ(passes(Millis{100}), "confirm");
  EXPECT_EQ(passes(Millis{200}), "confirm");
  EXPECT_EQ(follower.standpoint().stored, 5U) << "used in requests to the store";
  EXPECT_EQ(position("e2", 6), "lost epoch_changed, now e2 6");
  EXPECT_EQ(arrives(message(7, "e2")), "7");
}

TEST_F(StreamFollowerTest, MissingStoredEventsAreAStepBackEvenIfUndelivered) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(position("e1", 4), "lost went_back, now e1 4");
}

TEST_F(StreamFollowerTest, AnEpochThatWasLeftIsNotFollowedAgain) {
  EXPECT_EQ(position("e2", 4), "lost epoch_changed, now e2 4");
  EXPECT_EQ(position("e1", 9), "lost epoch_changed, now e1 9");
  EXPECT_EQ(arrives(message(10, "e1")), "");
  EXPECT_EQ(arrives(message(5, "e2")), "");
  EXPECT_EQ(position("e3", 9), "lost epoch_changed, now e3 9");
  EXPECT_EQ(arrives(message(10, "e3")), "10");
}

TEST_F(StreamFollowerTest, APageOfAnotherEpochIsDroppedAndThePositionIsConfirmed) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(page(5, 5, 6, "e2"), "confirm");
  EXPECT_EQ(passes(Millis{1'000}), "") << "nothing is read before the answer";
  EXPECT_EQ(position("e2", 6), "lost epoch_changed, now e2 6");
}

TEST_F(StreamFollowerTest, AStoreWithAnotherConnectionIsAskedBeforeItIsRead) {
  EXPECT_EQ(arrives(7), "read (4, 6]");
  follower.await_position();
  EXPECT_EQ(page(5, 6, 7), "") << "of the previous connection";
  EXPECT_EQ(position("e1", 7), "read (4, 6]");
  EXPECT_EQ(page(5, 6, 7), "5; 6; 7");
}

TEST_F(StreamFollowerTest, APositionThatCannotBeHadIsWaitedForWithPatienceOnlyWhileSomethingIsMissing) {
  follower.await_position();
  now += Millis{60'000};
  EXPECT_EQ(hear(follower.position_failed("away", now)), "");
  EXPECT_EQ(arrives(6), "");
  now += Millis{5'000};
  EXPECT_EQ(hear(follower.position_failed("away", now)), "lost unreadable, now e1 6");
}

TEST_F(StreamFollowerTest, TypingIsDeliveredInSpiteOfGaps) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(typing()), "typing");
}

TEST_F(StreamFollowerTest, AChangeOfADeliveredMessageIsDeliveredAtOnce) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(change(3)), "change of 3");
  EXPECT_EQ(page(5, 5, 6), "5; 6");
}

TEST_F(StreamFollowerTest, AMessageWhoseChangeOvertookItIsReadFromTheRecord) {
  EXPECT_EQ(arrives(change(5)), "change of 5; read (4, 5]");
  EXPECT_EQ(arrives(5), "") << "as it was before the change";
  const Page page{
      .read = last_read, .epoch = Epoch("e1"), .head = 5, .change = 1, .events = {message(5, "e1", 0, true)}};
  EXPECT_EQ(hear(follower.page(page, now)), "5 deleted");
}

TEST_F(StreamFollowerTest, AMessageThatIsChangedWhileItIsHeldBackIsReadFromTheRecord) {
  EXPECT_EQ(arrives(6), "read (4, 5]");
  EXPECT_EQ(arrives(change(6)), "change of 6");
  EXPECT_EQ(page(5, 6, 6), "read (4, 6]") << "that page was requested before the change";
  const Page again{.read = last_read,
      .epoch = Epoch("e1"),
      .head = 6,
      .change = 1,
      .events = {message(5), message(6, "e1", 0, true)}};
  EXPECT_EQ(hear(follower.page(again, now)), "5; 6 deleted");
}

TEST_F(StreamFollowerTest, AReaderThatLagsBehindAChangeIsNotBelieved) {
  EXPECT_EQ(arrives(change(5)), "change of 5; read (4, 5]");
  EXPECT_EQ(page(5, 5, 5), "confirm") << "it does not show change 1";
  EXPECT_EQ(position("e1", 5), "");
  EXPECT_EQ(passes(Millis{100}), "read (4, 5]");
  const Page page{
      .read = last_read, .epoch = Epoch("e1"), .head = 5, .change = 1, .events = {message(5, "e1", 0, true)}};
  EXPECT_EQ(hear(follower.page(page, now)), "5 deleted");
}

TEST_F(StreamFollowerTest, AChangeInAnotherEpochIsNotDelivered) { EXPECT_EQ(arrives(change(3, "e0")), "confirm"); }

} // namespace
