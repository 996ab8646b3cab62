// The contract of what is known of failed guesses, by one process or by many.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "accounts/guard/lockouts.h"

namespace foyer::accounts::testing_world {

// One or more processes that guess. Those of one process all are number 0.
class LockoutsPlace {
 public:
  virtual ~LockoutsPlace() = default;
  virtual Lockouts& of(std::size_t process) = 0;
  virtual void settle() = 0; // until all requests are answered
  virtual void advance(Millis by) = 0;

  // "OK", "LOGIN_LOCKED 60000"
  std::string begin(const GuessKey& key, std::size_t process = 0) {
    return answer([&](Completion<bool> done) { of(process).begin(key, std::move(done)); });
  }
  std::string end(const GuessKey& key, GuessEnd how, std::size_t process = 0) {
    return answer([&](Completion<bool> done) { of(process).end(key, how, std::move(done)); });
  }
  void fail(int times, const GuessKey& key, std::size_t process = 0) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(begin(key, process), "OK");
      ASSERT_EQ(end(key, GuessEnd::wrong, process), "OK");
    }
  }

 private:
  std::string answer(const std::function<void(Completion<bool>)>& ask) {
    std::optional<Result<bool>> out;
    ask([&out](Result<bool> result) { out = std::move(result); });
    settle();
    if (!out) return "no answer";
    if (*out) return "OK";
    const Refusal& why = out->error();
    return std::string(why.code()) + (why.retry_after ? " " + std::to_string(why.retry_after->count()) : "");
  }
};

class LockoutsContract : public testing::TestWithParam<std::function<std::unique_ptr<LockoutsPlace>()>> {
 protected:
  const std::unique_ptr<LockoutsPlace> p = GetParam()();
  const GuessKey ann{.name = "ann", .address = "10.0.0.1"};
};

TEST_P(LockoutsContract, FiveWrongGuessesLockForAMinuteAndTheNextOneForTwo) {
  p->fail(5, ann);
  EXPECT_EQ(p->begin(ann), "LOGIN_LOCKED 60000");
  p->advance(Millis{60'000});
  p->fail(1, ann);
  EXPECT_EQ(p->begin(ann), "LOGIN_LOCKED 120000");
}

TEST_P(LockoutsContract, OnlyThePairIsLockedAndKindsAreApart) {
  p->fail(5, ann);
  EXPECT_EQ(p->begin({.name = "ann", .address = "10.0.0.2"}), "OK");
  EXPECT_EQ(p->begin({.name = "bob", .address = "10.0.0.1"}), "OK");
  GuessKey factor = ann;
  factor.kind = GuessKind::factor;
  p->fail(19, factor);
  EXPECT_EQ(p->begin(factor), "OK") << "twenty are free";
}

TEST_P(LockoutsContract, GuessesInProgressCountAsIfTheyWouldFail) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(p->begin(ann), "OK");
  EXPECT_EQ(p->begin(ann), "LOGIN_LOCKED 1000");
  EXPECT_EQ(p->end(ann, GuessEnd::neither), "OK");
  EXPECT_EQ(p->begin(ann), "OK");
}

TEST_P(LockoutsContract, ARightGuessForgetsTheFailures) {
  p->fail(4, ann);
  EXPECT_EQ(p->begin(ann), "OK");
  EXPECT_EQ(p->end(ann, GuessEnd::right), "OK");
  p->fail(4, ann);
  EXPECT_EQ(p->begin(ann), "OK");
}

TEST_P(LockoutsContract, WhatWasNeitherRightNorWrongForgetsNothingUntilItIsForgiven) {
  p->fail(4, ann);
  EXPECT_EQ(p->begin(ann), "OK");
  EXPECT_EQ(p->end(ann, GuessEnd::neither), "OK");
  p->fail(1, ann);
  p->advance(Millis{60'000});
  EXPECT_EQ(p->begin(ann), "OK");
  EXPECT_EQ(p->end(ann, GuessEnd::neither), "OK");
  p->of(0).forgive(ann);
  p->settle();
  p->fail(4, ann);
  EXPECT_EQ(p->begin(ann), "OK");
}

TEST_P(LockoutsContract, AnHourWithoutAFailureForgetsThem) {
  p->fail(4, ann);
  p->advance(Millis{3'600'000});
  p->fail(4, ann);
  EXPECT_EQ(p->begin(ann), "OK");
}

} // namespace foyer::accounts::testing_world
