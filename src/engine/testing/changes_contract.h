// The contract of changes for every history, in a database or in memory.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine/values.h"

namespace foyer::engine {

// One room, driven by a test.
struct ChangingRoom {
  std::function<void(const std::string& user, const std::string& text)> say;
  std::function<Result<Erased>(Offset, const std::string& by)> erase;
  std::function<void(const std::string& user)> detach;
  std::function<void(const std::string& user)> forget; // with the texts
  std::function<HistoryPage(Offset after)> changes_after;

  // "1:deleted@2 2:detached(ann) =2", followed by a question mark if some are missing.
  [[nodiscard]] std::string changes(Offset after) const {
    const HistoryPage page = changes_after(after);
    std::string out;
    for (const Change& c : page.changes)
      out += std::to_string(c.number) +
          (c.kind == ChangeKind::deleted                  ? ":deleted@" + std::to_string(c.offset)
                  : c.kind == ChangeKind::author_detached ? ":detached(" + c.user.str() + ")"
                                                          : ":erased(" + c.user.str() + ")") +
          " ";
    return out + "=" + std::to_string(page.change) + (page.changes_whole ? "" : " ?");
  }
};

inline void changes_are_numbered_without_gaps(const ChangingRoom& room) {
  EXPECT_EQ(room.changes(0), "=0");
  for (const char* text : {"one", "two", "three"}) room.say("ann", text);
  room.say("bob", "four");
  EXPECT_EQ(room.erase(2, "ann")->change, 1U);
  EXPECT_EQ(room.erase(1, "ann")->change, 2U);
  EXPECT_EQ(room.erase(2, "ann")->change, 1U) << "again: the same change";
  EXPECT_FALSE(room.erase(3, "bob")) << "a refusal is no change";
  EXPECT_EQ(room.changes(0), "1:deleted@2 2:deleted@1 =2");
  EXPECT_EQ(room.changes(1), "2:deleted@1 =2");
  EXPECT_EQ(room.changes(2), "=2");
  EXPECT_EQ(room.changes(3), "=2 ?") << "a number that was never given";
  room.detach("ann");
  EXPECT_EQ(room.changes(2), "3:detached(ann) =3");
  room.detach("ann");
  room.detach("nobody");
  EXPECT_EQ(room.changes(2), "3:detached(ann) =3") << "again, and without anything to change, is no change";
  EXPECT_EQ(room.erase(4, "bob")->change, 4U);
  room.say("bob", "five");
  room.forget("bob");
  EXPECT_EQ(room.changes(4), "5:erased(bob) =5");
}

inline void no_more_changes_are_recovered_than_the_limit(const ChangingRoom& room) {
  constexpr Offset kMany = kRecoverableChanges + 70;
  for (Offset o = 1; o <= kMany; ++o) room.say("ann", "x");
  for (Offset o = 1; o <= kMany; ++o) ASSERT_EQ(room.erase(o, "ann")->change, o);
  EXPECT_FALSE(room.changes_after(0).changes_whole);
  EXPECT_FALSE(room.changes_after(kMany - kRecoverableChanges - 1).changes_whole);
  const HistoryPage page = room.changes_after(kMany - kRecoverableChanges);
  EXPECT_TRUE(page.changes_whole);
  EXPECT_EQ(page.changes.size(), kRecoverableChanges);
  EXPECT_EQ(page.change, kMany);
}

} // namespace foyer::engine
