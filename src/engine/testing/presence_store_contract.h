// The contract of every presence store, as seen by one node.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/presence_store.h"

namespace foyer::engine {

class PresenceWorld {
 public:
  virtual ~PresenceWorld() = default;
  virtual PresenceStore& store() = 0;
  virtual void run() = 0; // until all requests are answered

  // "came 2", "- 2"
  std::string touch(const char* room, const char* user, const std::string& name = "somebody") {
    return in_words([&](Completion<PresenceChange> d) {
      store().touch(RoomName(room), {UserId(user), name}, std::move(d));
    }, "came ");
  }
  // "Ann left 1", "- 1"
  std::string leave(const char* room, const char* user) {
    return in_words(
        [&](Completion<PresenceChange> d) { store().leave(RoomName(room), UserId(user), std::move(d)); }, " left ");
  }
  PresentMembers members(const char* room, std::size_t most = 100) {
    PresentMembers present;
    store().members(RoomName(room), most, [&](Result<PresentMembers> r) { present = std::move(r).value(); });
    run();
    return present;
  }
  std::vector<std::string> names(const char* room) {
    std::vector<std::string> out;
    for (const auto& member : members(room).members) out.push_back(member.id.str() + "=" + member.name);
    return out;
  }

 private:
  std::string in_words(const std::function<void(Completion<PresenceChange>)>& question, const std::string& word) {
    std::string answer = "no answer";
    question([&](Result<PresenceChange> r) {
      answer = !r ? std::string(r.error().code()) : (r->changed ? r->name + word : "- ") + std::to_string(r->count);
    });
    run();
    return answer;
  }
};

class PresenceStoreContract : public testing::TestWithParam<std::function<std::unique_ptr<PresenceWorld>()>> {
 protected:
  void SetUp() override { w = GetParam()(); }
  std::unique_ptr<PresenceWorld> w;
};

TEST_P(PresenceStoreContract, AUserComesOnceAndLeavesOnce) {
  EXPECT_EQ(w->touch("tea", "ann"), "came 1");
  EXPECT_EQ(w->touch("tea", "ann"), "- 1");
  EXPECT_EQ(w->touch("tea", "bob"), "came 2");
  EXPECT_EQ(w->leave("tea", "ann"), "somebody left 1");
  EXPECT_EQ(w->leave("tea", "ann"), "- 1");
  EXPECT_EQ(w->leave("tea", "eve"), "- 1");
  EXPECT_EQ(w->touch("tea", "ann"), "came 2");
  EXPECT_EQ(w->leave("never", "ann"), "- 0");
}

TEST_P(PresenceStoreContract, EachRoomHasItsOwnMembersWithTheNamesTheyCameWith) {
  w->touch("tea", "ann", "Ann");
  w->touch("tea", "ann", "Other");
  w->touch("tea", "bob", "Bob");
  w->touch("milk", "ann", "Anna");
  EXPECT_THAT(w->names("tea"), testing::UnorderedElementsAre("ann=Ann", "bob=Bob"));
  EXPECT_THAT(w->names("milk"), testing::ElementsAre("ann=Anna"));
  EXPECT_EQ(w->leave("tea", "ann"), "Ann left 1");
  EXPECT_THAT(w->names("tea"), testing::ElementsAre("bob=Bob"));
  EXPECT_THAT(w->names("milk"), testing::ElementsAre("ann=Anna"));
  w->touch("tea", "ann", "Other");
  EXPECT_THAT(w->names("tea"), testing::UnorderedElementsAre("ann=Other", "bob=Bob"));
  EXPECT_EQ(w->members("never").count, 0U);
}

TEST_P(PresenceStoreContract, NoMoreMembersAreShownThanAskedForAndAllAreCounted) {
  for (int i = 0; i < 7; ++i) w->touch("tea", ("u" + std::to_string(i)).c_str());
  EXPECT_EQ(w->members("tea", 3).members.size(), 3U);
  EXPECT_EQ(w->members("tea", 3).count, 7U);
  EXPECT_TRUE(w->members("tea", 0).members.empty());
  EXPECT_EQ(w->members("tea", 7).members.size(), 7U);
}

} // namespace foyer::engine
