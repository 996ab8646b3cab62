// The contract of every store of calls.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class CallRecordsContract : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  static CallKey key(const std::string& name, const std::string& method = "publish", const std::string& of = "id-1") {
    return {.api_key = of, .method = method, .idempotency_key = name};
  }
  // "none", "begun HASH", "done HASH ANSWER"
  static std::string words(const Result<std::optional<StoredCall>>& call) {
    if (!call) return std::string(call.error().code());
    if (!*call) return "none";
    const StoredCall& found = **call;
    return found.done ? "done " + found.body_hash + " " + found.answer : "begun " + found.body_hash;
  }
  std::string find(const CallKey& key) {
    return words(w->ask<std::optional<StoredCall>>(
        [&](Completion<std::optional<StoredCall>> d) { w->store().calls().find_call(key, std::move(d)); }));
  }
  std::string begin(const CallKey& key, const std::string& hash) {
    return words(w->ask<std::optional<StoredCall>>(
        [&](Completion<std::optional<StoredCall>> d) { w->store().calls().begin_call(key, hash, std::move(d)); }));
  }
  Result<bool> finish(const CallKey& key, const std::string& hash, const std::string& answer) {
    return w->ask<bool>([&](Completion<bool> d) { w->store().calls().finish_call(key, hash, answer, std::move(d)); });
  }
  Result<bool> forget(const CallKey& key) {
    return w->ask<bool>([&](Completion<bool> d) { w->store().calls().forget_call(key, std::move(d)); });
  }
  rooms::CallRecordPtr record(const CallKey& key, const std::string& hash) {
    return std::make_shared<const rooms::CallRecord>(
        key, hash, [](const Appended& stored) { return std::to_string(stored.offset); });
  }
  std::unique_ptr<StoreWorld> w;
};

TEST_P(CallRecordsContract, ACallBeginsOnceAndItsAnswerIsKept) {
  EXPECT_EQ(find(key("a")), "none");
  EXPECT_EQ(begin(key("a"), "h1"), "none");
  EXPECT_EQ(begin(key("a"), "h2"), "begun h1");
  EXPECT_EQ(find(key("a")), "begun h1");
  ASSERT_TRUE(finish(key("a"), "h1", R"({"result":{}})"));
  w->open({});
  EXPECT_EQ(find(key("a")), R"(done h1 {"result":{}})");
  EXPECT_EQ(begin(key("a"), "h2"), R"(done h1 {"result":{}})");
}

TEST_P(CallRecordsContract, AKeyBelongsToItsMethodAndItsApiKey) {
  EXPECT_EQ(begin(key("a"), "h1"), "none");
  EXPECT_EQ(begin(key("a", "room_create"), "h2"), "none");
  EXPECT_EQ(begin(key("a", "publish", "id-2"), "h3"), "none");
  EXPECT_EQ(find(key("a")), "begun h1");
}

TEST_P(CallRecordsContract, OneWithoutAnEffectIsForgottenAndOneThatIsDoneIsNot) {
  EXPECT_EQ(begin(key("a"), "h1"), "none");
  EXPECT_EQ(forget(key("a")), true);
  EXPECT_EQ(forget(key("a")), false);
  EXPECT_EQ(begin(key("a"), "h2"), "none");
  ASSERT_TRUE(finish(key("a"), "h2", "x"));
  EXPECT_EQ(forget(key("a")), false);
  EXPECT_EQ(find(key("a")), "done h2 x");
}

TEST_P(CallRecordsContract, AnAnswerNeedsNoBeginning) {
  ASSERT_TRUE(finish(key("a"), "h1", "x"));
  EXPECT_EQ(find(key("a")), "done h1 x");
}

TEST_P(CallRecordsContract, OfTwoAnswersTheFirstStays) {
  ASSERT_TRUE(finish(key("a"), "h1", "x"));
  ASSERT_TRUE(finish(key("a"), "h1", "y"));
  EXPECT_EQ(find(key("a")), "done h1 x");
  w->clock().advance(kCallLife);
  ASSERT_TRUE(finish(key("a"), "h2", "z"));
  EXPECT_EQ(find(key("a")), "done h2 z");
}

TEST_P(CallRecordsContract, AfterADayItIsAnotherCall) {
  ASSERT_TRUE(finish(key("a"), "h1", "x"));
  w->clock().advance(kCallLife - Millis{1});
  EXPECT_EQ(find(key("a")), "done h1 x");
  w->clock().advance(Millis{1});
  EXPECT_EQ(find(key("a")), "none");
  EXPECT_EQ(begin(key("a"), "h2"), "none");
  EXPECT_EQ(find(key("a")), "begun h2");
}

TEST_P(CallRecordsContract, TheRecordOfAMessageIsStoredWithIt) {
  AppendRequest first = w->message("tea", "app:orders", "one");
  first.record = record(key("a"), "h1");
  AppendRequest second = w->message("tea", "app:orders", "two");
  second.record = record(key("b"), "h2");
  w->log().append(first, [](const Result<Appended>& r) { EXPECT_TRUE(r); });
  w->log().append(second, [](const Result<Appended>& r) { EXPECT_TRUE(r); });
  EXPECT_FALSE(first.record->stored());
  w->run();
  EXPECT_TRUE(first.record->stored());
  w->open({});
  EXPECT_EQ(find(key("a")), "done h1 1");
  EXPECT_EQ(find(key("b")), "done h2 2");
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:one 2:two");
}

TEST_P(CallRecordsContract, ARefusedMessageHasNoRecord) {
  ASSERT_TRUE(w->say("tea", "app:orders", "one", "k"));
  AppendRequest other = w->message("tea", "app:orders", "another text", "k");
  other.record = record(key("a"), "h1");
  EXPECT_EQ(code_of(w->append(other)), "KEY_REUSED");
  EXPECT_FALSE(other.record->stored());
  EXPECT_EQ(find(key("a")), "none");
  AppendRequest outside = w->message("private:none", "app:orders", "text");
  outside.record = record(key("b"), "h2");
  EXPECT_EQ(code_of(w->append(outside)), "NOT_A_MEMBER");
  EXPECT_EQ(find(key("b")), "none");
}

TEST_P(CallRecordsContract, AMessageWhoseCallIsRecordedIsRefusedAndTheOthersAreStored) {
  const auto message = [&](const std::string& text, const std::string& call) {
    AppendRequest request = w->message("tea", "app:orders", text);
    if (!call.empty()) request.record = record(key(call), "hash of " + text);
    return request;
  };
  ASSERT_TRUE(w->append(message("one", "a")));
  const std::vector<AppendRequest> batch = {
      message("two", "b"), message("one", "a"), message("another", "a"), message("three", "c"), message("four", "")};
  std::string answers;
  for (const AppendRequest& each : batch)
    w->log().append(each, [&](const Result<Appended>& r) {
      answers += r ? std::to_string(r->offset) + ' ' : std::string(r.error().code()) + ' ' + r.error().field + ' ';
    });
  w->run();
  EXPECT_EQ(answers, "2 KEY_REUSED idempotency_key KEY_REUSED idempotency_key 3 4 ");
  EXPECT_EQ(w->page({.room = RoomName("tea")}), "1:one 2:two 3:three 4:four");
  EXPECT_FALSE(batch[1].record->stored());
  ASSERT_TRUE(batch[1].record->earlier());
  EXPECT_EQ(batch[1].record->earlier()->answer, "1");
  EXPECT_EQ(batch[2].record->earlier()->body_hash, "hash of one");
  EXPECT_FALSE(batch[3].record->earlier());
  EXPECT_EQ(find(key("b")), "done hash of two 2");
  EXPECT_EQ(find(key("c")), "done hash of three 3");
  w->clock().advance(kCallLife);
  EXPECT_EQ(w->append(message("five", "a"))->offset, 5U) << "after a day it is another call";
  EXPECT_EQ(find(key("a")), "done hash of five 5");
}

TEST_P(CallRecordsContract, ARepeatedMessageHasTheRecordOfTheFirst) {
  ASSERT_TRUE(w->say("tea", "app:orders", "one", "k"));
  AppendRequest again = w->message("tea", "app:orders", "one", "k");
  again.record = record(key("a"), "h1");
  EXPECT_EQ(w->append(again)->offset, 1U);
  EXPECT_EQ(find(key("a")), "done h1 1");
}

} // namespace foyer::engine
