// The checker can fail: each promise, broken in a few messages, is a fault, and the same
// messages as they should be are none.
#include "harness/invariants.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

using foyer::harness::Invariants;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct InvariantsTest : testing::Test {
  Invariants seen;

  static std::string row(
      int offset, std::string_view text, std::string_view epoch = "e1", std::string_view author = "ann") {
    return fmt::format(
        R"({{"type":"message","room":"tea","epoch":"{}","offset":{},"from":{{"id":"{}","name":"Ann"}},"message":"{}","time":"t-{}"}})",
        epoch, offset, author, text, text);
  }
  void join(const std::string& who, int since = -1, std::string_view epoch = "e1") {
    seen.said(who,
        since < 0
            ? R"({"type":"join","room":"tea"})"
            : fmt::format(R"({{"type":"join","room":"tea","since":{{"epoch":"{}","offset":{}}}}})", epoch, since));
  }
  void joined(const std::string& who, int offset, bool recovered, const std::vector<std::string>& rows = {},
      std::string_view epoch = "e1") {
    seen.heard(who,
        fmt::format(
            R"({{"type":"joined","room":"tea","epoch":"{}","offset":{},"recovered":{},"more":false,"messages":[{}]}})",
            epoch, offset, recovered, fmt::join(rows, ",")));
  }
  void hears(const std::string& who, int offset, std::string_view text, std::string_view epoch = "e1") {
    seen.heard(who, row(offset, text, epoch));
  }
  void acknowledged(const std::string& who, int offset, std::string_view text) {
    seen.said(who, fmt::format(R"({{"type":"chat","id":{},"room":"tea","message":"{}"}})", offset, text));
    seen.heard(who,
        fmt::format(
            R"({{"type":"sent","id":{0},"room":"tea","epoch":"e1","offset":{0},"time":"t-{1}","duplicate":false}})",
            offset, text));
  }
  void in_the_room(const std::string& who, int offset = 0) {
    join(who);
    joined(who, offset, false);
  }
};

TEST_F(InvariantsTest, AnOrdinaryConversationHasNoFault) {
  in_the_room("bob");
  acknowledged("ann", 1, "one");
  hears("bob", 1, "one");
  seen.ended("bob");
  acknowledged("ann", 2, "two");
  join("bob", 1);
  joined("bob", 2, true, {row(2, "two")});
  hears("bob", 3, "three");
  seen.at_rest();
  EXPECT_THAT(seen.faults(), IsEmpty());
}

TEST_F(InvariantsTest, AnOffsetWithTwoContentsIsAFaultWhoeverTellsThem) {
  in_the_room("bob");
  hears("bob", 1, "one");
  join("eve", 0);
  joined("eve", 1, true, {row(1, "another")});
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("two contents")));
}

TEST_F(InvariantsTest, AnAcknowledgementThatContradictsWhatOthersHearIsAFault) {
  in_the_room("bob");
  hears("bob", 1, "one");
  acknowledged("ann", 1, "another");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("two contents")));
}

TEST_F(InvariantsTest, ADeletedTextAndALostNameAreNoOtherContent) {
  in_the_room("bob");
  hears("bob", 1, "one");
  join("eve", 0);
  joined("eve", 1, true,
      {R"({"room":"tea","epoch":"e1","offset":1,"from":{"id":"ann","name":"deleted user"},"message":"","deleted":true,"time":"t-one"})"});
  EXPECT_THAT(seen.faults(), IsEmpty());
}

TEST_F(InvariantsTest, AGapThatNothingMakesGoodIsAFault) {
  in_the_room("bob");
  hears("bob", 1, "one");
  hears("bob", 3, "three");
  EXPECT_THAT(seen.faults(), IsEmpty()) << "a close may follow";
  seen.at_rest();
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("a gap in tea")));
}

TEST_F(InvariantsTest, AGapThatACloseFollowsOrThatARejoinFromBeforeItMakesGoodIsNone) {
  in_the_room("bob");
  in_the_room("eve");
  in_the_room("dan");
  for (const char* who : {"bob", "eve", "dan"}) hears(who, 1, "one"), hears(who, 3, "three");
  seen.ended("bob");
  join("eve", 1);
  joined("eve", 3, true, {row(2, "two"), row(3, "three")});
  join("dan", 3);
  joined("dan", 3, false);
  seen.at_rest();
  EXPECT_THAT(seen.faults(), IsEmpty());
}

TEST_F(InvariantsTest, ARecoveryFromBehindTheGapDoesNotMakeItGood) {
  in_the_room("bob");
  hears("bob", 1, "one");
  hears("bob", 3, "three");
  join("bob", 3);
  joined("bob", 3, true);
  seen.at_rest();
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("a gap in tea")));
}

TEST_F(InvariantsTest, DataIsTheContentOfItsMessageAndAnEmptyTextTellsNothing) {
  const auto hears_data = [this](const std::string& who, const std::string& body) {
    seen.heard(who, R"({"type":"message","room":"tea","epoch":"e1","offset":1,)" + body + "}");
  };
  for (const char* who : {"bob", "eve", "dan"}) in_the_room(who);
  hears_data("eve", R"("message":"")");
  hears_data("bob", R"("data":{"a":1})");
  EXPECT_THAT(seen.faults(), IsEmpty()) << "eve does not know data";
  hears_data("dan", R"("data":{"a":2})");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("two contents")));
}

TEST_F(InvariantsTest, AMessageTwiceIsAFault) {
  in_the_room("bob");
  hears("bob", 1, "one");
  hears("bob", 1, "one");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("a message that it has")));
}

TEST_F(InvariantsTest, AMessageOfARoomThatWasNotJoinedIsAFault) {
  hears("bob", 1, "one");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("not in")));
}

TEST_F(InvariantsTest, AMessageOfAnotherEpochIsAFault) {
  in_the_room("bob");
  hears("bob", 1, "one", "e2");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("another epoch")));
}

TEST_F(InvariantsTest, ARecoveryWithAHoleIsAFault) {
  join("bob", 1);
  joined("bob", 3, true, {row(3, "three")});
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("without offset 2")));
}

TEST_F(InvariantsTest, ARecoveryThatEndsTooEarlyIsAFault) {
  join("bob", 1);
  joined("bob", 3, true, {row(2, "two")});
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("without offset 3")));
}

TEST_F(InvariantsTest, ARecoveryOfAnotherEpochIsAFault) {
  join("bob", 1, "e0");
  joined("bob", 1, true);
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("no position of this epoch")));
}

TEST_F(InvariantsTest, ARecoveryOfAHistoryThatWentBackIsAFaultForAClientThatKnowsTheOldOne) {
  for (const bool recovered : {true, false}) {
    seen = {};
    in_the_room("bob");
    hears("bob", 1, "one");
    hears("bob", 2, "old two");
    seen.ended("bob");
    seen.went_back({{{"tea", "e1"}, 1}});
    acknowledged("ann", 2, "new two");
    acknowledged("ann", 3, "three");
    EXPECT_THAT(seen.faults(), IsEmpty()) << "the test said that the data went back";
    join("bob", 2);
    joined("bob", 3, recovered, recovered ? std::vector{row(3, "three")} : std::vector<std::string>{});
    if (recovered)
      EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("another offset 2")));
    else
      EXPECT_THAT(seen.faults(), IsEmpty());
  }
}

TEST_F(InvariantsTest, WhatWasAcknowledgedAndNotHeardIsAFaultOnlyForThoseWhoAreInTheRoom) {
  in_the_room("bob");
  in_the_room("eve");
  seen.ended("eve");
  in_the_room("dan");
  seen.deaf("dan");
  in_the_room("fay");
  seen.heard("fay", R"({"type":"left","room":"tea"})");
  acknowledged("ann", 1, "one");
  seen.at_rest();
  EXPECT_THAT(seen.faults(), ElementsAre(testing::AllOf(HasSubstr("bob"), HasSubstr("was acknowledged"))));
}

TEST_F(InvariantsTest, BehindAResetNothingOfTheRoomMayComeBeforeTheNextJoin) {
  in_the_room("bob");
  seen.heard("bob", R"({"type":"room_reset","room":"tea","epoch":"e2","offset":1})");
  hears("bob", 2, "two", "e2");
  EXPECT_THAT(seen.faults(), ElementsAre(HasSubstr("not in")));
}

} // namespace
