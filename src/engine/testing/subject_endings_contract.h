// The contract of every store of blocks and revocations.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class SubjectEndingsContract : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  [[nodiscard]] WallTime now() { return w->clock().wall(); }
  Result<bool> put(EndingKind kind, const std::string& id, std::optional<WallTime> until = {}, Millis before = {}) {
    const Ending ending{.kind = kind, .id = id, .at = now() - before, .until = until};
    return w->ask<bool>([&](Completion<bool> d) { w->store().endings().put_ending(ending, std::move(d)); });
  }
  Result<bool> block(const std::string& user, std::optional<WallTime> until = {}) {
    return put(EndingKind::block, user, until);
  }
  Result<bool> lift(const std::string& user) {
    return w->ask<bool>([&](Completion<bool> d) { w->store().endings().lift_block(user, std::move(d)); });
  }
  EndingPage page(std::uint64_t after = 0, std::size_t limit = 100) {
    auto got = w->ask<EndingPage>(
        [&](Completion<EndingPage> d) { w->store().endings().endings_after(after, limit, std::move(d)); });
    EXPECT_TRUE(got) << got.error().operator_text();
    return got.value_or(EndingPage{});
  }
  // "block ann, token j1, before bob"
  static std::string words(const EndingPage& page) {
    std::string out;
    for (const Ending& each : page.endings) {
      const char* kind = each.kind == EndingKind::block ? "block "
          : each.kind == EndingKind::token              ? "token "
                                                        : "before ";
      out += (out.empty() ? "" : ", ") + std::string(each.lifted ? "lifted " : "") + kind + each.id;
    }
    return out + (page.more ? " +" : "");
  }
  std::unique_ptr<StoreWorld> w;
};

TEST_P(SubjectEndingsContract, EachIsReadInTheOrderOfTheChangesAlsoAfterARestart) {
  EXPECT_EQ(page().change, 0U);
  EXPECT_EQ(words(page()), "");
  ASSERT_TRUE(block("shop|ann", now() + Millis{60'000}));
  ASSERT_TRUE(put(EndingKind::token, "j1"));
  ASSERT_TRUE(put(EndingKind::before, "bob"));
  w->open({});
  const EndingPage all = page();
  EXPECT_EQ(words(all), "block shop|ann, token j1, before bob");
  EXPECT_EQ(all.endings[0].at, now());
  EXPECT_EQ(all.endings[0].until, now() + Millis{60'000});
  EXPECT_FALSE(all.endings[2].until);
  EXPECT_EQ(words(page(all.change)), "");
  ASSERT_TRUE(block("eve"));
  EXPECT_EQ(words(page(all.change)), "block eve");
}

TEST_P(SubjectEndingsContract, ABlockIsLiftedAndSetAgain) {
  EXPECT_EQ(lift("ann"), false);
  ASSERT_TRUE(block("ann"));
  const std::uint64_t first = page().change;
  EXPECT_EQ(lift("ann"), true);
  EXPECT_EQ(words(page(first)), "lifted block ann");
  EXPECT_EQ(lift("ann"), false);
  const std::uint64_t second = page().change;
  ASSERT_TRUE(block("ann", now() + Millis{5}));
  EXPECT_EQ(words(page(second)), "block ann");
  EXPECT_EQ(page(second).endings[0].until, now() + Millis{5});
}

TEST_P(SubjectEndingsContract, ABlockThatEndedByItselfNeedsNoLifting) {
  ASSERT_TRUE(block("ann", now() + Millis{5}));
  w->clock().advance(Millis{5});
  EXPECT_EQ(lift("ann"), false);
}

TEST_P(SubjectEndingsContract, ALaterBlockTakesThePlaceOfTheEarlierOne) {
  ASSERT_TRUE(block("ann", now() + Millis{5}));
  ASSERT_TRUE(block("ann"));
  ASSERT_EQ(words(page()), "block ann");
  EXPECT_FALSE(page().endings[0].until);
}

TEST_P(SubjectEndingsContract, BeforeOnlyRisesAndATokenIsRevokedOnce) {
  ASSERT_TRUE(put(EndingKind::before, "ann"));
  ASSERT_TRUE(put(EndingKind::token, "j1"));
  const std::uint64_t first = page().change;
  const WallTime at = now();
  ASSERT_TRUE(put(EndingKind::before, "ann", {}, Millis{1'000}));
  ASSERT_TRUE(put(EndingKind::token, "j1"));
  EXPECT_EQ(words(page(first)), "");
  w->clock().advance(Millis{1'000});
  ASSERT_TRUE(put(EndingKind::before, "ann"));
  ASSERT_EQ(words(page(first)), "before ann");
  EXPECT_EQ(page(first).endings[0].at, at + Millis{1'000});
}

TEST_P(SubjectEndingsContract, AUserAndATokenOfTheSameNameAreTwoThings) {
  ASSERT_TRUE(block("x"));
  ASSERT_TRUE(put(EndingKind::token, "x"));
  ASSERT_TRUE(put(EndingKind::before, "x"));
  EXPECT_EQ(words(page()), "block x, token x, before x");
}

TEST_P(SubjectEndingsContract, ManyAreReadPageByPage) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(EndingKind::token, "j" + std::to_string(i)));
  const EndingPage first = page(0, 2);
  EXPECT_EQ(words(first), "token j0, token j1 +");
  const EndingPage second = page(first.change, 2);
  EXPECT_EQ(words(second), "token j2, token j3 +");
  EXPECT_EQ(words(page(second.change, 2)), "token j4");
  EXPECT_EQ(page(second.change, 2).change, page().change);
}

TEST_P(SubjectEndingsContract, AStoreThatIsBehindShowsAllOfIt) {
  ASSERT_TRUE(block("ann"));
  ASSERT_TRUE(put(EndingKind::token, "j1"));
  const EndingPage whole = page(100);
  EXPECT_EQ(words(whole), "block ann, token j1");
  EXPECT_LT(whole.change, 100U);
}

TEST_P(SubjectEndingsContract, WhatEndsNothingAnyMoreIsDeleted) {
  ASSERT_TRUE(put(EndingKind::token, "old"));
  ASSERT_TRUE(put(EndingKind::before, "old"));
  ASSERT_TRUE(block("for-ever"));
  ASSERT_TRUE(block("for-a-while", now() + Millis{5}));
  ASSERT_TRUE(block("lifted"));
  ASSERT_TRUE(lift("lifted"));
  w->clock().advance(std::chrono::days{32});
  ASSERT_TRUE(put(EndingKind::token, "new"));
  w->store().upkeep_now();
  w->run();
  EXPECT_EQ(words(page()), "block for-ever, token new");
}

} // namespace foyer::engine
