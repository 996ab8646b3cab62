// The contract of every room log. Implementations instantiate it, each with a LogWorld
// around it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/testing/changes_contract.h"
#include "engine/testing/log_world.h"

namespace foyer::engine {

class RoomLogContract : public testing::TestWithParam<std::function<std::unique_ptr<LogWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  std::unique_ptr<LogWorld> w;
};

// --- where a room stands ---

TEST_P(RoomLogContract, ARoomThatIsWhereItWasKnownKeepsItsEpoch) {
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  const RoomRow row = *w->stands("tea");
  EXPECT_EQ(row.time, w->clock().wall());
  for (const Offset known : {0U, 1U}) {
    const auto confirmed = w->stands("tea", {row.epoch, known});
    ASSERT_TRUE(confirmed);
    EXPECT_EQ(confirmed->epoch, row.epoch);
    EXPECT_EQ(confirmed->offset, 1U);
    EXPECT_EQ(confirmed->time, row.time);
  }
}

TEST_P(RoomLogContract, ARoomThatIsBehindWhatIsKnownOfItGetsANewEpoch) {
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  const Epoch before = w->stands("tea")->epoch;
  const auto confirmed = w->stands("tea", {before, 5});
  ASSERT_TRUE(confirmed);
  EXPECT_NE(confirmed->epoch, before);
  EXPECT_EQ(confirmed->offset, 1U);
  EXPECT_EQ(w->stands("tea")->epoch, confirmed->epoch);
  EXPECT_EQ(w->history({.room = RoomName("tea")})->epoch, confirmed->epoch);
  if (!w->durable()) return;
  w->open({});
  EXPECT_EQ(w->stands("tea")->epoch, confirmed->epoch);
}

TEST_P(RoomLogContract, AMessageOfARoomThatIsBehindIsOfTheNewEpoch) {
  const auto first = w->say("tea", "ann", "one", "k1");
  const Epoch before = w->stands("tea")->epoch;
  EXPECT_EQ(first->epoch, before);
  AppendRequest next = w->message("tea", "ann", "two");
  next.known = {before, 7};
  const auto appended = w->append(next);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->offset, 2U);
  EXPECT_NE(appended->epoch, before);
  EXPECT_EQ(w->stands("tea")->epoch, appended->epoch);
  EXPECT_EQ(w->say("tea", "ann", "one", "k1")->epoch, appended->epoch) << "a repetition, too";
  // Knowledge of another epoch has no effect.
  AppendRequest third = w->message("tea", "ann", "three");
  third.known = {before, 9};
  EXPECT_EQ(w->append(third)->epoch, appended->epoch);
}

TEST_P(RoomLogContract, TheFirstDoubtCountsUntilTheRoomHasAnotherEpoch) {
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  const Epoch epoch = w->stands("tea")->epoch;
  EXPECT_FALSE(w->stands("tea")->doubted);
  EXPECT_EQ(*w->doubt("tea", epoch, 1), 1U);
  EXPECT_EQ(*w->doubt("tea", epoch, 9), 1U);
  EXPECT_EQ(*w->doubt("tea", Epoch("other"), 9), 9U) << "not kept: that epoch is over";
  if (w->durable()) w->open({});
  EXPECT_EQ(w->stands("tea")->doubted, 1U);
  ASSERT_TRUE(w->stands("tea", {epoch, 5}));
  EXPECT_FALSE(w->stands("tea")->doubted);
}

TEST_P(RoomLogContract, APageHasTheRoomsPositionAndTheTimeOfAMessage) {
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  const WallTime first = w->clock().wall();
  w->clock().advance(Millis{1'500});
  ASSERT_TRUE(w->say("tea", "ann", "two"));
  auto page = w->history({.room = RoomName("tea"), .limit = 0, .time_of = 1});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->epoch, w->stands("tea")->epoch);
  EXPECT_EQ(page->head, 2U);
  EXPECT_EQ(page->time_of, first);
  EXPECT_TRUE(page->messages.empty());
  EXPECT_FALSE(w->history({.room = RoomName("tea"), .time_of = 3})->time_of);
}

TEST_P(RoomLogContract, ARestartKeepsEpochAndOffsetOrBeginsAnotherEpoch) {
  const Epoch epoch = w->stands("tea")->epoch;
  ASSERT_EQ(w->say("tea", "ann", "one")->offset, 1U);
  w->open({});
  EXPECT_EQ(w->stands("tea")->epoch == epoch, w->durable());
  EXPECT_EQ(w->stands("tea")->offset, w->durable() ? 1U : 0U);
  EXPECT_EQ(w->say("tea", "ann", "two")->offset, w->durable() ? 2U : 1U);
}

TEST_P(RoomLogContract, ARoomThatNobodyUsesIsKeptOrBeginsAnotherEpoch) {
  const Epoch epoch = w->stands("tea")->epoch;
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  ASSERT_TRUE(w->say("milk", "ann", "other"));
  w->log().release(RoomName("tea"));
  w->log().release(RoomName("never there"));
  EXPECT_EQ(w->stands("tea")->epoch == epoch, w->durable());
  EXPECT_EQ(w->page({.room = RoomName("tea")}), w->durable() ? "1:one" : "");
  EXPECT_EQ(w->page({.room = RoomName("milk")}), "1:other");
}

// --- messages ---

TEST_P(RoomLogContract, OffsetsAreGivenInTheOrderOfTheCalls) {
  std::vector<std::string> order;
  for (const char* text : {"a", "b", "c"})
    w->log().append(w->message("tea", "ann", text),
        [&order, text](Result<Appended> r) { order.push_back(text + std::to_string(r ? r->offset : 0)); });
  w->log().append(w->message("milk", "ann", "d"),
      [&order](Result<Appended> r) { order.push_back("d" + std::to_string(r ? r->offset : 0)); });
  if (w->works_in_run()) EXPECT_EQ(order.empty(), w->durable()) << "a durable log has committed nothing yet";
  w->run();
  EXPECT_THAT(order, testing::ElementsAre("a1", "b2", "c3", "d1"));
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:a 2:b 3:c");
}

TEST_P(RoomLogContract, AMessageComesBackAsItWasSaid) {
  const std::string text = "käse \xF0\x9F\xA7\x80 \"quoted\"\nnext'; DROP TABLE messages;--";
  const WallTime then = w->clock().wall();
  ASSERT_TRUE(w->say("tea", "ann", text, "k1"));
  w->clock().advance(Millis{60'000});
  auto got = w->history({.room = RoomName("tea")});
  ASSERT_TRUE(got);
  ASSERT_EQ(got->messages.size(), 1U);
  const Message& m = got->messages[0];
  EXPECT_EQ(m.offset, 1U);
  EXPECT_EQ(m.from.id, UserId("ann"));
  EXPECT_EQ(m.from.name, "ann's name");
  EXPECT_EQ(m.text, text);
  EXPECT_EQ(m.time, then);
  EXPECT_EQ(m.key, "k1");
  EXPECT_FALSE(m.deleted);
}

TEST_P(RoomLogContract, DataComesBackByteByByteInEveryPage) {
  const std::string data = R"({"b":[1.50,"käse \u0000"],"a":null})";
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  ASSERT_TRUE(w->append(w->data("tea", "ann", data, "k")));
  ASSERT_TRUE(w->append(w->data("tea", "ann", "0")));
  for (const auto& question :
      {HistoryRequest{.room = RoomName("tea")}, HistoryRequest{.room = RoomName("tea"), .after = 0}}) {
    const auto got = w->history(question);
    ASSERT_TRUE(got);
    ASSERT_EQ(got->messages.size(), 3U);
    EXPECT_EQ(got->messages[0].type, BodyType::text);
    EXPECT_EQ(got->messages[1].type, BodyType::data);
    EXPECT_EQ(got->messages[1].text, data);
    EXPECT_EQ(got->messages[2].type, BodyType::data);
    EXPECT_EQ(got->messages[2].text, "0");
  }
}

TEST_P(RoomLogContract, AKeyBelongsToDataOrToATextAndNeverToBoth) {
  ASSERT_TRUE(w->append(w->data("tea", "ann", "1", "k1")));
  ASSERT_TRUE(w->say("tea", "ann", "1", "k2"));
  EXPECT_TRUE(w->append(w->data("tea", "ann", "1", "k1"))->duplicate);
  EXPECT_EQ(code_of(w->append(w->data("tea", "ann", "2", "k1"))), "KEY_REUSED");
  EXPECT_EQ(code_of(w->say("tea", "ann", "1", "k1")), "KEY_REUSED");
  EXPECT_EQ(code_of(w->append(w->data("tea", "ann", "1", "k2"))), "KEY_REUSED");
}

TEST_P(RoomLogContract, ErasedDataIsAnErasedMessageLikeAnyOther) {
  ASSERT_TRUE(w->append(w->data("tea", "ann", "{}")));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  const Message erased = w->history({.room = RoomName("tea")})->messages.at(0);
  EXPECT_TRUE(erased.deleted);
  EXPECT_EQ(erased.text, "");
  EXPECT_EQ(erased.type, BodyType::text);
}

TEST_P(RoomLogContract, AMessageMakesAPublicRoomAndNoOtherName) {
  EXPECT_EQ(w->say("tea", "ann", "x")->offset, 1U);
  EXPECT_EQ(code_of(w->say("BAD NAME", "ann", "x")), "ROOM_NAME_INVALID");
}

TEST_P(RoomLogContract, TheSameKeyAndTextIsTheFirstMessageAgain) {
  const WallTime then = w->clock().wall();
  ASSERT_EQ(w->say("tea", "ann", "hello", "k1")->offset, 1U);
  ASSERT_EQ(w->say("tea", "ann", "more")->offset, 2U);
  w->clock().advance(Millis{120'000});
  for (const bool restarted : {false, true}) {
    if (restarted && w->durable()) w->open({});
    auto again = w->say("tea", "ann", "hello", "k1");
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->offset, 1U);
    EXPECT_EQ(again->time, then);
  }
  EXPECT_EQ(code_of(w->say("tea", "ann", "other", "k1")), "KEY_REUSED");
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:hello 2:more");
  EXPECT_EQ(w->say("tea", "ann", "third")->offset, 3U) << "neither a repetition nor a refusal leaves a hole";
}

TEST_P(RoomLogContract, AKeyIsOneUsersInOneRoom) {
  EXPECT_EQ(w->say("tea", "ann", "a", "k1")->offset, 1U);
  EXPECT_EQ(w->say("tea", "bob", "b", "k1")->offset, 2U);
  EXPECT_EQ(w->say("milk", "ann", "c", "k1")->offset, 1U);
}

TEST_P(RoomLogContract, TwoOfTheSameKeyAtOnceAreOneMessage) {
  std::vector<Appended> answers;
  for (int i = 0; i < 2; ++i)
    w->log().append(w->message("tea", "ann", "hello", "k1"), [&](Result<Appended> r) { answers.push_back(r.value()); });
  w->run();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0].duplicate);
  EXPECT_TRUE(answers[1].duplicate);
  EXPECT_EQ(answers[1].offset, answers[0].offset);
}

// --- history ---

TEST_P(RoomLogContract, HistoryIsReadInPagesBothWays) {
  for (int i = 1; i <= 7; ++i) ASSERT_TRUE(w->say("tea", "ann", "m" + std::to_string(i)));
  const RoomName tea("tea");
  EXPECT_EQ(w->page({.room = tea, .limit = 3}), "5:m5 6:m6 7:m7 +");
  EXPECT_EQ(w->page({.room = tea, .before = 5, .limit = 3}), "2:m2 3:m3 4:m4 +");
  EXPECT_EQ(w->page({.room = tea, .before = 2, .limit = 3}), "1:m1");
  EXPECT_EQ(w->page({.room = tea, .before = 1, .limit = 3}), "");
  EXPECT_EQ(w->page({.room = tea, .after = 0, .limit = 3}), "1:m1 2:m2 3:m3 +");
  EXPECT_EQ(w->page({.room = tea, .after = 3, .limit = 9}), "4:m4 5:m5 6:m6 7:m7");
  EXPECT_EQ(w->page({.room = tea, .after = 3, .up_to = 5, .limit = 9}), "4:m4 5:m5");
  EXPECT_EQ(w->page({.room = tea, .up_to = 4, .limit = 2}), "3:m3 4:m4 +");
  EXPECT_EQ(w->page({.room = tea, .after = 7}), "");
  EXPECT_EQ(w->page({.room = tea, .limit = 0}), " +");
  EXPECT_EQ(w->page({.room = RoomName("empty")}), "");
}

TEST_P(RoomLogContract, APageIsNeverLongerThanTheLimit) {
  for (std::uint32_t i = 0; i < kHistoryLimit + 5; ++i)
    w->log().append(w->message("tea", "ann", "x"), [](Result<Appended>) {});
  w->run();
  auto got = w->history({.room = RoomName("tea"), .limit = 1'000'000});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->messages.size(), kHistoryLimit);
  EXPECT_EQ(got->messages.front().offset, 6U);
  EXPECT_TRUE(got->more);
}

TEST_P(RoomLogContract, RetentionByNumberHidesTheOldestAtOnceAndKeepsTheOffset) {
  w->open({.history_messages = 2});
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(w->say("tea", "ann", "m" + std::to_string(i)));
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "4:m4 5:m5");
  EXPECT_EQ(w->page({.room = RoomName("tea"), .after = 0}), "4:m4 5:m5");
  if (w->durable()) w->open({});
  EXPECT_EQ(w->say("tea", "ann", "m6")->offset, 6U);
}

TEST_P(RoomLogContract, ARuleSaysHowMuchOfItsRoomsIsShown) {
  w->open({.history_messages = 3,
      .rules = RoomRules({{.match = "none-*", .history_messages = 0}, {.match = "two-*", .history_messages = 2}})});
  for (const std::string room : {"none-1", "two-1", "tea"})
    for (int i = 1; i <= 4; ++i) ASSERT_TRUE(w->say(room, "ann", "m" + std::to_string(i)));
  EXPECT_EQ(w->page({.room = RoomName("none-1")}), "");
  EXPECT_EQ(w->page({.room = RoomName("two-1")}), "3:m3 4:m4");
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "2:m2 3:m3 4:m4");
  EXPECT_EQ(w->say("none-1", "ann", "m5")->offset, 5U) << "offsets go on";
}

TEST_P(RoomLogContract, RetentionByAgeHidesTheOldestAndKeepsTheOffset) {
  if (!w->durable()) GTEST_SKIP() << "keeps by number alone";
  w->open({.history_days = 2});
  ASSERT_TRUE(w->say("tea", "ann", "old"));
  w->clock().advance(std::chrono::hours{36});
  ASSERT_TRUE(w->say("tea", "ann", "newer"));
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:old 2:newer");
  w->clock().advance(std::chrono::hours{24});
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "2:newer");
  w->clock().advance(std::chrono::hours{48});
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "");
  EXPECT_EQ(w->stands("tea")->offset, 2U);
  w->open({.history_days = 2});
  EXPECT_EQ(w->say("tea", "ann", "third")->offset, 3U);
}

TEST_P(RoomLogContract, AKeyIsRememberedForItsTimeEvenWhenTheMessageIsHidden) {
  w->open({.history_messages = 1});
  ASSERT_EQ(w->say("tea", "ann", "first", "k1")->offset, 1U);
  ASSERT_EQ(w->say("tea", "ann", "second")->offset, 2U);
  w->clock().advance(kKeyLife - Millis{1'000});
  if (w->durable()) w->open({.history_messages = 1}); // a restart begins a sweep
  ASSERT_EQ(w->say("tea", "ann", "third")->offset, 3U);
  EXPECT_TRUE(w->say("tea", "ann", "first", "k1")->duplicate);
}

// --- deletion ---

TEST_P(RoomLogContract, AnErasedMessageKeepsItsPlaceAndLosesItsText) {
  for (const char* text : {"one", "two", "three"}) ASSERT_TRUE(w->say("tea", "ann", text, text));
  EXPECT_EQ(code_of(w->erase("tea", 2, "bob")), "PERMISSION_DENIED");
  EXPECT_EQ(w->erase("tea", 2, "ann").value(), 2U);
  EXPECT_EQ(w->erase("tea", 2, "ann").value(), 2U) << "again is no error";
  EXPECT_EQ(w->erase("tea", 3, "root", true).value(), 3U);
  EXPECT_EQ(code_of(w->erase("tea", 4, "ann")), "NOT_FOUND");
  EXPECT_EQ(code_of(w->erase("none", 1, "ann", true)), "NOT_FOUND");
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:one 2:deleted 3:deleted");
  EXPECT_EQ(w->history({.room = RoomName("tea")})->messages[1].text, "");
  EXPECT_TRUE(w->say("tea", "ann", "two", "two")->duplicate) << "a late repetition does not restore it";
  EXPECT_EQ(w->say("tea", "ann", "four")->offset, 4U);
}

// Of the room tea, in the log of a test.
inline ChangingRoom changing_room(LogWorld& w) {
  return {.say = [&w](const std::string& user, const std::string& text) { ASSERT_TRUE(w.say("tea", user, text)); },
      .erase = [&w](Offset offset, const std::string& by) { return w.erased("tea", offset, by); },
      .detach = [&w](const std::string& user) { ASSERT_TRUE(w.detach(user)); },
      .forget = [&w](const std::string& user) { ASSERT_TRUE(w.detached(user, Forget::name_and_texts)); },
      .changes_after = [&w](Offset after) {
    return w.history({.room = RoomName("tea"), .limit = 0, .changes_after = after}).value();
  }};
}

TEST_P(RoomLogContract, ChangesAreNumberedWithoutGaps) { changes_are_numbered_without_gaps(changing_room(*w)); }
TEST_P(RoomLogContract, NoMoreChangesAreRecoveredThanTheLimit) {
  no_more_changes_are_recovered_than_the_limit(changing_room(*w));
}

TEST_P(RoomLogContract, TheNumberOfTheLastChangeOutlivesARestart) {
  if (!w->durable()) GTEST_SKIP() << "begins anew";
  ASSERT_TRUE(w->say("tea", "ann", "one"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  w->open({});
  EXPECT_EQ(w->stands("tea")->change, 1U);
  EXPECT_EQ(changing_room(*w).changes(0), "1:deleted@1 =1");
}

TEST_P(RoomLogContract, TheEndOfAnAccountChangesTheRoomsItHasWrittenInAndNoOthers) {
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  ASSERT_TRUE(w->say("milk", "bob", "hi"));
  const auto detached = w->detached("ann");
  ASSERT_TRUE(detached);
  EXPECT_THAT(rooms_in(*detached), testing::ElementsAre("tea@1"));
  EXPECT_EQ(w->stands("milk")->change, 0U);
}

TEST_P(RoomLogContract, AClearedRoomHasNoMessagesAndKeepsItsPosition) {
  ASSERT_TRUE(w->say("tea", "ann", "one", "k1"));
  ASSERT_TRUE(w->say("tea", "ann", "two"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  const RoomRow before = *w->stands("tea");
  EXPECT_EQ(w->clear("tea"), true);
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "");
  const RoomRow after = *w->stands("tea", {before.epoch, before.offset});
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.offset, 2U);
  EXPECT_EQ(after.change, 1U);
  EXPECT_EQ(w->history({.room = RoomName("tea"), .changes_after = 0})->changes.size(), 1U);
  EXPECT_EQ(w->say("tea", "ann", "another text", "k1")->offset, 3U) << "its keys are forgotten";
  EXPECT_EQ(w->page({.room = RoomName("tea"), .after = 0}), "3:another text");
  EXPECT_EQ(code_of(w->erase("tea", 2, "ann")), "NOT_FOUND");
  EXPECT_EQ(code_of(w->clear("milk")), "NOT_FOUND");
  if (!w->durable()) return;
  w->open({});
  EXPECT_EQ(w->page({.room = RoomName("tea"), .after = 0}), "3:another text");
  EXPECT_EQ(w->stands("tea")->offset, 3U);
}

TEST_P(RoomLogContract, APageEndsWhenItsTextsAreLongEnough) {
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(w->say("tea", "ann", std::to_string(i) + std::string(99, 'x')));
  const auto size = [&](HistoryRequest question) {
    question.room = RoomName("tea");
    question.bytes = 250;
    const auto page = w->history(question);
    return std::to_string(page->messages.front().offset) + "-" + std::to_string(page->messages.back().offset) +
        (page->more ? "+" : "");
  };
  EXPECT_EQ(size({.after = 0}), "1-3+");
  EXPECT_EQ(size({}), "3-5+");
  EXPECT_EQ(size({.after = 3}), "4-5");
}

TEST_P(RoomLogContract, TheEndOfAnAccountLeavesItsMessagesWithoutItsName) {
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  ASSERT_TRUE(w->say("tea", "bob", "hi"));
  EXPECT_EQ(w->detach("ann"), true);
  auto page = w->history({.room = RoomName("tea")});
  ASSERT_EQ(page->messages.size(), 2U);
  EXPECT_EQ(page->messages[0].from.id, UserId("ann"));
  EXPECT_EQ(page->messages[0].from.name, kDetachedName);
  EXPECT_EQ(page->messages[0].text, "hello");
  EXPECT_EQ(page->messages[1].from.name, "bob's name");
  EXPECT_EQ(w->detach("nobody"), false);
}

TEST_P(RoomLogContract, AForgottenAuthorLosesNameAndTextsInEveryRoom) {
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  ASSERT_TRUE(w->append(w->data("tea", "ann", R"({"secret":1})")));
  ASSERT_TRUE(w->say("tea", "bob", "hi"));
  ASSERT_TRUE(w->say("coffee", "ann", "secret", "key"));
  ASSERT_TRUE(w->erase("tea", 1, "ann"));
  EXPECT_TRUE(w->detached("ann", Forget::name_and_texts)->any);
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:deleted 2:deleted 3:hi");
  EXPECT_EQ(w->page({.room = RoomName("coffee")}), "1:deleted");
  const auto page = w->history({.room = RoomName("tea")});
  EXPECT_EQ(page->messages[1].text, "");
  EXPECT_EQ(page->messages[1].type, BodyType::text);
  EXPECT_EQ(page->messages[1].from.id, UserId("ann"));
  EXPECT_EQ(page->messages[1].from.name, kDetachedName);
  EXPECT_EQ(page->messages[2].from.name, "bob's name");
  EXPECT_FALSE(w->detached("nobody", Forget::name_and_texts)->any);
}

TEST_P(RoomLogContract, AnAuthorWhoLostTheNameBeforeIsForgottenToo) {
  ASSERT_TRUE(w->say("tea", "ann", "hello"));
  ASSERT_TRUE(w->detach("ann"));
  const auto forgotten = w->detached("ann", Forget::name_and_texts);
  ASSERT_TRUE(forgotten);
  EXPECT_TRUE(forgotten->any);
  ASSERT_EQ(forgotten->rooms.size(), 1U);
  EXPECT_EQ(forgotten->rooms[0].change, 2U);
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:deleted");
}

} // namespace foyer::engine
