#include "access/idempotent_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/store_worlds.h"

namespace foyer::access {
namespace {

json::Object object(std::string_view text) { return json::parse(text)->as_object(); }

TEST(HashOfCall, IsTheSameForTheSameBodyHoweverItIsWritten) {
  const std::string hash = hash_of_call(object(R"({"a":1,"b":{"x":[1,2,{"p":null,"q":"é"}],"y":true}})"));
  EXPECT_EQ(hash, hash_of_call(object(R"({ "b": {"y":true, "x":[1,2,{"q":"\u00e9","p":null}]}, "a" : 1 })")));
  EXPECT_EQ(hash, hash_of_call(object(R"({"idempotency_key":"k","a":1,"b":{"x":[1,2,{"p":null,"q":"é"}],"y":true}})")));
  EXPECT_EQ(hash.size(), 43U);
  for (const char* other : {R"({"a":2,"b":{"x":[1,2,{"p":null,"q":"é"}],"y":true}})",
           R"({"a":1,"b":{"x":[2,1,{"p":null,"q":"é"}],"y":true}})", R"({"a":1,"b":{"x":[1,2,{"p":null,"q":"é"}]}})",
           R"({"a":"1","b":{"x":[1,2,{"p":null,"q":"é"}],"y":true}})", "{}"})
    EXPECT_NE(hash, hash_of_call(object(other))) << other;
}

// Over a real store. A call is a message into a room, or work of another kind that the test ends when it likes.
struct World {
  engine::SqliteWorld store;
  ManualExecutor control{store.clock()};
  Metrics metrics;
  std::unique_ptr<IdempotentCalls> calls;
  int works = 0;
  std::vector<Completion<std::string>> under_way;

  World() {
    store.open({});
    make();
  }
  void make() { calls = std::make_unique<IdempotentCalls>(store.store().calls(), control, store.clock(), metrics); }
  void settle() {
    do {
      control.run_due();
      store.run();
    } while (!control.idle());
  }
  // "answer", "answer again" for a replayed one, or the code of the refusal; "waits" until then.
  using Answer = std::shared_ptr<std::string>;
  static Completion<CallAnswer> into(const Answer& answer) {
    return [answer](Result<CallAnswer> r) {
      *answer = r ? r->text + (r->replayed ? " again" : "") : std::string(r.error().code());
    };
  }
  Answer publish(
      const std::string& key, const std::string& text, const std::string& room = "tea", bool settled = true) {
    const auto answer = std::make_shared<std::string>("waits");
    CallRequest request{.key = {"id-1", "publish", key},
        .body_hash = "hash of " + text,
        .effect = CallEffect::message,
        .answer = [](const rooms::Appended& stored) { return "at " + std::to_string(stored.offset); }};
    calls->run(std::move(request), [this, text, room](rooms::CallRecordPtr record, Completion<std::string> done) {
      auto message = store.message(room, "app:orders", text);
      message.record = std::move(record);
      store.log().append(std::move(message), [done = std::move(done)](Result<engine::Appended> stored) mutable {
        if (!stored) return done(std::unexpected(std::move(stored).error()));
        done("at " + std::to_string(stored->offset));
      });
    }, into(answer));
    if (settled) settle();
    return answer;
  }
  Answer other(const std::string& key, const std::string& hash = "hash") {
    const auto answer = std::make_shared<std::string>("waits");
    calls->run({.key = {"id-1", "disconnect", key}, .body_hash = hash, .effect = CallEffect::other},
        [this](const rooms::CallRecordPtr& record, Completion<std::string> done) {
      EXPECT_FALSE(record);
      ++works;
      under_way.push_back(std::move(done));
    }, into(answer));
    settle();
    return answer;
  }
  void end(std::size_t i, Result<std::string> answer) {
    under_way[i](std::move(answer));
    settle();
  }
};

TEST(IdempotentCalls, AMessageIsPublishedOnceAndItsAnswerRepeated) {
  World w;
  EXPECT_EQ(*w.publish("k", "one"), "at 1");
  EXPECT_EQ(*w.publish("k", "one"), "at 1 again");
  EXPECT_EQ(*w.publish("k2", "one"), "at 2");
  EXPECT_EQ(w.store.page({.room = RoomName("tea")}), "1:one 2:one");
}

TEST(IdempotentCalls, TheAnswerOutlivesTheProcess) {
  World w;
  EXPECT_EQ(*w.publish("k", "one"), "at 1");
  w.calls.reset();
  w.store.open({});
  w.make();
  EXPECT_EQ(*w.publish("k", "one"), "at 1 again");
  EXPECT_EQ(w.store.page({.room = RoomName("tea")}), "1:one");
}

TEST(IdempotentCalls, AnotherBodyUnderAUsedKeyIsRefused) {
  World w;
  EXPECT_EQ(*w.publish("k", "one"), "at 1");
  EXPECT_EQ(*w.publish("k", "two"), "KEY_REUSED");
  const auto first = w.other("k", "h1"); // another method: another key
  EXPECT_EQ(*w.other("k", "h2"), "KEY_REUSED") << "also while the first one runs";
  EXPECT_EQ(*first, "waits");
}

TEST(IdempotentCalls, WhatHasHappenedIsAnsweredAlthoughTheRoomHasEnded) {
  World w;
  ASSERT_TRUE(w.store.create("private:den", "app:orders"));
  EXPECT_EQ(*w.publish("k", "one", "private:den"), "at 1");
  ASSERT_TRUE(w.store.remove_room("private:den"));
  EXPECT_EQ(*w.publish("new", "one", "private:den"), "NOT_A_MEMBER");
  EXPECT_EQ(*w.publish("k", "one", "private:den"), "at 1 again");
  EXPECT_EQ(*w.publish("k", "two", "private:den"), "KEY_REUSED");
}

TEST(IdempotentCalls, ARepeatedMessageWaitsForTheFirst) {
  World w;
  const auto first = w.publish("k", "one", "tea", false);
  const auto second = w.publish("k", "one", "tea", false);
  EXPECT_EQ(*w.publish("k", "two", "tea", false), "KEY_REUSED");
  EXPECT_EQ(*second, "waits");
  w.settle();
  EXPECT_EQ(*first, "at 1");
  EXPECT_EQ(*second, "at 1 again");
  EXPECT_EQ(w.store.page({.room = RoomName("tea")}), "1:one");
}

TEST(IdempotentCalls, ARefusalIsNotKept) {
  World w;
  EXPECT_EQ(*w.publish("k", "one", "private:den"), "NOT_A_MEMBER");
  ASSERT_TRUE(w.store.create("private:den", "app:orders"));
  EXPECT_EQ(*w.publish("k", "one", "private:den"), "at 1");
  const auto refused = w.other("d");
  w.end(0, refuse(Cause::NOT_FOUND));
  EXPECT_EQ(*refused, "NOT_FOUND");
  const auto again = w.other("d");
  w.end(1, "done");
  EXPECT_EQ(*again, "done");
}

TEST(IdempotentCalls, ARepetitionWaitsForTheFirstCall) {
  World w;
  const auto first = w.other("k");
  const auto second = w.other("k");
  const auto third = w.other("k");
  EXPECT_EQ(w.works, 1);
  EXPECT_EQ(*second, "waits");
  w.end(0, "done");
  EXPECT_EQ(*first, "done");
  EXPECT_EQ(*second, "done again");
  EXPECT_EQ(*third, "done again");
  EXPECT_EQ(*w.other("k"), "done again");
  EXPECT_EQ(w.works, 1);
}

TEST(IdempotentCalls, ARepetitionDoesNotWaitForEver) {
  World w;
  const auto first = w.other("k");
  const auto second = w.other("k");
  w.store.clock().advance(IdempotentCalls::kWait - Millis{1});
  w.settle();
  EXPECT_EQ(*second, "waits");
  w.store.clock().advance(Millis{1});
  w.settle();
  EXPECT_EQ(*second, "BUSY");
  w.end(0, "done");
  EXPECT_EQ(*first, "done");
  EXPECT_EQ(*second, "BUSY");
}

TEST(IdempotentCalls, ACallWhoseEndIsUnknownRunsAgain) {
  World w;
  const auto lost = w.other("k");
  w.calls.reset(); // the process ends
  w.make();
  EXPECT_EQ(*lost, "waits");
  EXPECT_EQ(*w.other("k", "another body"), "KEY_REUSED");
  const auto again = w.other("k");
  EXPECT_EQ(w.works, 2);
  w.end(1, "done");
  EXPECT_EQ(*again, "done");
  EXPECT_EQ(*w.other("k"), "done again");
}

TEST(IdempotentCalls, AStoreThatCannotBeAskedIsNoReasonToRun) {
  World w;
  w.store.store().close();
  EXPECT_EQ(*w.publish("k", "one"), "BUSY");
  EXPECT_EQ(*w.other("k"), "BUSY");
  EXPECT_EQ(w.works, 0);
}

TEST(IdempotentCalls, ACallThatAnotherNodeRunsIsWaitedForAndRunsOnce) {
  World w;
  w.calls = std::make_unique<IdempotentCalls>(
      w.store.store().calls(), w.control, w.store.clock(), w.metrics, IdempotentCalls::Nodes::many);
  IdempotentCalls elsewhere(
      w.store.store().calls(), w.control, w.store.clock(), w.metrics, IdempotentCalls::Nodes::many);
  const auto pass = [&](Millis time) {
    for (Millis gone{0}; gone < time; gone += IdempotentCalls::kLookEvery) {
      w.store.clock().advance(IdempotentCalls::kLookEvery);
      w.settle();
    }
  };
  Completion<std::string> end;
  const auto first = std::make_shared<std::string>("waits");
  elsewhere.run({.key = {"id-1", "disconnect", "k"}, .body_hash = "hash", .effect = CallEffect::other},
      [&](const rooms::CallRecordPtr&, Completion<std::string> done) { end = std::move(done); }, World::into(first));
  w.settle();
  const auto second = w.other("k");
  pass(Millis{1'000});
  EXPECT_EQ(*second, "waits");
  end("done");
  pass(Millis{1'000});
  EXPECT_EQ(*first, "done");
  EXPECT_EQ(*second, "done again");
  EXPECT_EQ(w.works, 0);
}

TEST(IdempotentCalls, ACallWhoseNodeHasEndedIsBusyUntilItCountsAsAbandoned) {
  World w;
  {
    IdempotentCalls gone(w.store.store().calls(), w.control, w.store.clock(), w.metrics, IdempotentCalls::Nodes::many);
    gone.run({.key = {"id-1", "disconnect", "k"}, .body_hash = "hash", .effect = CallEffect::other},
        [](const rooms::CallRecordPtr&, const Completion<std::string>&) {}, [](const Result<CallAnswer>&) {});
    w.settle();
  }
  w.calls = std::make_unique<IdempotentCalls>(
      w.store.store().calls(), w.control, w.store.clock(), w.metrics, IdempotentCalls::Nodes::many);
  const auto pass = [&](Millis time) {
    for (Millis gone{0}; gone < time; gone += IdempotentCalls::kLookEvery) {
      w.store.clock().advance(IdempotentCalls::kLookEvery);
      w.settle();
    }
  };
  const auto early = w.other("k");
  pass(IdempotentCalls::kWait + IdempotentCalls::kLookEvery);
  EXPECT_EQ(*early, "BUSY");
  pass(engine::kCallAbandoned);
  const auto later = w.other("k");
  ASSERT_EQ(w.works, 1);
  w.end(0, "done");
  EXPECT_EQ(*later, "done");
}

} // namespace
} // namespace foyer::access
