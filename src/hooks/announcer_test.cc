// What the announcer brings to the outbox of a real store, in virtual time.
#include "hooks/announcer.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/manual_executor.h"
#include "engine/testing/store_worlds.h"

namespace foyer::hooks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AnnouncerTest : public testing::Test {
 protected:
  AnnouncerTest() {
    w.open({});
    want({"room.occupied", "room.vacated", "user.online", "user.offline", "session.revoked"});
  }
  void want(std::vector<std::string> types) {
    const engine::HookRow row{.id = "hook_" + std::to_string(++hooks),
        .url = "https://app.example.com/",
        .types = std::move(types),
        .secret = "sealed",
        .created = w.clock().wall()};
    ASSERT_TRUE(w.ask<bool>([&](Completion<bool> d) { w.store().hooks().add_hook(row, std::move(d)); }));
    ASSERT_TRUE(w.ask<bool>([&](Completion<bool> d) { w.store().outbox().refresh_hooks(std::move(d)); }));
  }
  // What came to the outbox within that time.
  std::vector<std::string> after(Millis time) {
    control.run_posted();
    pass(w.clock(), control, time);
    w.run();
    auto events = w.ask<std::vector<engine::HookEvent>>([&](Completion<std::vector<engine::HookEvent>> d) {
      w.store().outbox().waiting("hook_1", std::nullopt, seen, 100'000, std::move(d));
    });
    EXPECT_TRUE(events);
    std::vector<std::string> out;
    for (const auto& event : *events) {
      seen = event.number;
      out.push_back(event.type + " " + event.room + " " + event.data);
    }
    return out;
  }

  engine::SqliteWorld w;
  ManualExecutor control{w.clock()};
  Metrics metrics;
  int hooks = 0;
  std::uint64_t seen = 0;
  std::unique_ptr<Announcer> made;
  Announcer& announcer() {
    if (!made) made = std::make_unique<Announcer>(w.store().outbox(), control, w.clock(), metrics);
    return *made;
  }
};

TEST_F(AnnouncerTest, EventsReachTheOutboxMarkedAsBestEffort) {
  announcer().occupied("tea");
  announcer().vacated("tea");
  const WallTime now = w.clock().wall();
  announcer().revoked("session", "s1", now);
  announcer().revoked("user", "ann", now);
  EXPECT_THAT(after(Announcer::kGather),
      ElementsAre(R"(room.occupied tea {"room":"tea","best_effort":true})",
          R"(room.vacated tea {"room":"tea","best_effort":true})",
          R"(session.revoked  {"session":"s1","best_effort":true})",
          R"(session.revoked  {"user":"ann","issued_before":")" + rfc3339(now) + R"(","best_effort":true})"));
}

TEST_F(AnnouncerTest, AUserWhoReturnsSoonWasNotAway) {
  announcer().online("ann");
  EXPECT_THAT(after(Announcer::kGather), ElementsAre(R"(user.online  {"user":"ann","best_effort":true})"));
  announcer().offline("ann");
  EXPECT_THAT(after(Announcer::kAway / 2), IsEmpty());
  announcer().online("ann");
  EXPECT_THAT(after(Announcer::kAway * 2), IsEmpty());
  announcer().offline("ann");
  EXPECT_THAT(after(Announcer::kAway / 2), IsEmpty());
  announcer().online("ann");
  announcer().offline("ann");
  EXPECT_THAT(after(Announcer::kAway - Millis{1}), IsEmpty()) << "from the last time";
  EXPECT_THAT(after(Announcer::kGather * 2), ElementsAre(R"(user.offline  {"user":"ann","best_effort":true})"));
}

TEST_F(AnnouncerTest, WhatNoHookWantsCostsNothing) {
  SCOPED_TRACE("a store without hooks");
  engine::SqliteWorld bare;
  bare.open({});
  Announcer of_nothing(bare.store().outbox(), control, bare.clock(), metrics);
  of_nothing.occupied("tea");
  of_nothing.online("ann");
  of_nothing.offline("ann");
  of_nothing.revoked("session", "s1", bare.clock().wall());
  EXPECT_TRUE(control.idle());
}

TEST_F(AnnouncerTest, WhatDoesNotFitIsDroppedAndCounted) {
  for (std::size_t i = 0; i < Announcer::kQueued + 3; ++i) announcer().occupied("tea");
  EXPECT_EQ(after(Announcer::kGather).size(), Announcer::kQueued);
  EXPECT_THAT(metrics.text(), testing::HasSubstr("foyer_webhook_dropped_total 3"));
}

} // namespace
} // namespace foyer::hooks
