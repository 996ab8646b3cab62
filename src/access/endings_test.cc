#include "access/endings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/store_worlds.h"

namespace foyer::access {
namespace {

// A clock of the wall that can be wrong.
struct WallClock final : Clock {
  const Clock& real;
  Millis off{0};
  explicit WallClock(const Clock& c) : real(c) {}
  [[nodiscard]] WallTime wall() const override { return real.wall() + off; }
  [[nodiscard]] MonoTime mono() const override { return real.mono(); }
};

// Over a real store; time passes only when a test says so.
struct World {
  engine::SqliteWorld store;
  WallClock clock{store.clock()};
  ManualExecutor control{store.clock()};
  auth::RevocationTable table{{}, {auth::RevocationSource::chat_store}};
  int changed = 0;
  std::unique_ptr<Endings> endings;

  World() {
    store.open({});
    make();
  }
  void make() {
    endings = std::make_unique<Endings>(EndingsDeps{
        .store = store.store().endings(), .table = table, .control = control, .clock = clock, .changed = [this] {
      ++changed;
    }});
  }
  void settle() {
    do {
      control.run_due();
      store.run();
    } while (!control.idle());
  }
  void start() {
    EXPECT_EQ(ask([&](Completion<bool> d) { endings->start(std::move(d)); }), "yes");
  }
  void pass(Millis time) {
    store.clock().advance(time);
    control.run_repeated();
    settle();
  }
  [[nodiscard]] WallTime now() { return clock.wall(); }
  std::string ask(const std::function<void(Completion<bool>)>& question) {
    std::string answer = "waits";
    question([&](Result<bool> r) { answer = r ? *r ? "yes" : "no" : std::string(r.error().code()); });
    settle();
    return answer;
  }
  std::string block(const std::string& user, std::optional<WallTime> until = {}) {
    return ask([&](Completion<bool> d) { endings->block_user(UserId{user}, until, std::move(d)); });
  }
  std::string unblock(const std::string& user) {
    return ask([&](Completion<bool> d) { endings->unblock_user(UserId{user}, std::move(d)); });
  }
  std::string revoke(const std::string& token) {
    return ask([&](Completion<bool> d) { endings->revoke_token(TokenId{token}, std::move(d)); });
  }
  std::string invalidate(const std::string& user, std::optional<WallTime> before = {}) {
    return ask([&](Completion<bool> d) { endings->invalidate_user_tokens(UserId{user}, before, std::move(d)); });
  }
  // What another process writes.
  void elsewhere(const engine::Ending& ending) {
    EXPECT_TRUE(store.ask<bool>([&](Completion<bool> d) { store.store().endings().put_ending(ending, std::move(d)); }));
  }
  std::string admits(const std::string& user, const std::string& token = "j1", std::optional<WallTime> issued = {}) {
    Identity identity;
    identity.user = UserId{user};
    identity.token = TokenId{token};
    identity.issued_at = issued.value_or(std::chrono::floor<std::chrono::seconds>(now()));
    const auto refusal = table.check(identity, store.clock().mono());
    return refusal ? std::string(refusal->code()) : "ok";
  }
};

TEST(Endings, NobodyIsAdmittedBeforeTheyAreRead) {
  World w;
  EXPECT_EQ(w.admits("ann"), "REVOCATION_UNCHECKED");
  w.start();
  EXPECT_EQ(w.admits("ann"), "ok");
}

TEST(Endings, WhatIsStoredHoldsFromTheStart) {
  World w;
  w.elsewhere({.kind = engine::EndingKind::block, .id = "shop|ann", .at = w.now()});
  w.elsewhere({.kind = engine::EndingKind::token, .id = "j7", .at = w.now()});
  w.start();
  EXPECT_EQ(w.admits("shop|ann"), "USER_BLOCKED");
  EXPECT_EQ(w.admits("bob", "j7"), "TOKEN_REVOKED");
  EXPECT_EQ(w.admits("bob"), "ok");
}

TEST(Endings, ABlockHoldsWhenItIsAnswered) {
  World w;
  w.start();
  const int before = w.changed;
  EXPECT_EQ(w.block("ann"), "yes");
  EXPECT_EQ(w.admits("ann"), "USER_BLOCKED");
  EXPECT_EQ(w.changed, before + 1) << "open connections are checked";
  EXPECT_EQ(w.unblock("ann"), "yes");
  EXPECT_EQ(w.admits("ann"), "ok");
  EXPECT_EQ(w.unblock("ann"), "no");
}

TEST(Endings, ABlockEndsByItself) {
  World w;
  w.start();
  EXPECT_EQ(w.block("ann", w.now() + Millis{60'000}), "yes");
  EXPECT_EQ(w.block("bob", w.now() + Millis{90'000}), "yes");
  w.pass(Millis{59'000});
  EXPECT_EQ(w.admits("ann"), "USER_BLOCKED");
  w.pass(Millis{1'000});
  EXPECT_EQ(w.admits("ann"), "ok");
  EXPECT_EQ(w.admits("bob"), "USER_BLOCKED");
  w.pass(Millis{30'000});
  EXPECT_EQ(w.admits("bob"), "ok");
  w.make();
  w.start();
  EXPECT_EQ(w.admits("ann"), "ok");
}

TEST(Endings, ABlockThatAWrongClockEndedHoldsAgainWhenItIsRight) {
  World w;
  w.start();
  EXPECT_EQ(w.block("ann", w.now() + Millis{60'000}), "yes");
  w.clock.off = Millis{86'400'000};
  w.pass(Endings::kPollEvery);
  EXPECT_EQ(w.admits("ann"), "ok");
  const int before = w.changed;
  w.clock.off = Millis{0};
  w.pass(Endings::kPollEvery);
  EXPECT_EQ(w.admits("ann"), "USER_BLOCKED");
  EXPECT_EQ(w.changed, before + 1);
}

TEST(Endings, ATokenIsRevoked) {
  World w;
  w.start();
  EXPECT_EQ(w.revoke("j1"), "yes");
  EXPECT_EQ(w.revoke("j1"), "yes");
  EXPECT_EQ(w.admits("ann", "j1"), "TOKEN_REVOKED");
  EXPECT_EQ(w.admits("ann", "j2"), "ok");
}

TEST(Endings, AllTokensOfAUserIssuedBeforeATimeEnd) {
  World w;
  w.start();
  w.pass(Millis{10'400});
  const WallTime second = std::chrono::floor<std::chrono::seconds>(w.now());
  EXPECT_EQ(w.invalidate("ann", second - Millis{5'000}), "yes");
  EXPECT_EQ(w.admits("ann", "j1", second - Millis{6'000}), "TOKEN_REVOKED");
  EXPECT_EQ(w.admits("ann", "j1", second - Millis{5'000}), "ok");
  EXPECT_EQ(w.invalidate("ann"), "yes");
  EXPECT_EQ(w.admits("ann", "j1", second), "TOKEN_REVOKED") << "of the present second, too";
  EXPECT_EQ(w.admits("ann", "j1", second + Millis{1'000}), "ok");
}

TEST(Endings, ATimeInTheFutureMeansNow) {
  World w;
  w.elsewhere({.kind = engine::EndingKind::before, .id = "bob", .at = w.now() + Millis{3'600'000}});
  w.start();
  EXPECT_EQ(w.invalidate("ann", w.now() + Millis{3'600'000}), "yes");
  const WallTime later = std::chrono::floor<std::chrono::seconds>(w.now()) + Millis{2'000};
  for (const char* user : {"ann", "bob"}) {
    EXPECT_EQ(w.admits(user), "TOKEN_REVOKED") << user;
    EXPECT_EQ(w.admits(user, "j1", later), "ok") << user;
  }
}

TEST(Endings, AChangeOfAnotherProcessHoldsAtTheNextPoll) {
  World w;
  w.start();
  w.elsewhere({.kind = engine::EndingKind::block, .id = "ann", .at = w.now()});
  const int before = w.changed;
  w.pass(Endings::kPollEvery);
  EXPECT_EQ(w.admits("ann"), "USER_BLOCKED");
  EXPECT_EQ(w.changed, before + 1);
  w.pass(Endings::kPollEvery);
  EXPECT_EQ(w.changed, before + 1) << "nothing happened since";
}

TEST(Endings, ManyAreReadInPagesBeforeAnybodyIsAdmitted) {
  World w;
  for (std::size_t i = 0; i < Endings::kPage + 1; ++i) {
    w.store.store().endings().put_ending(
        {.kind = engine::EndingKind::token, .id = "t" + std::to_string(i), .at = w.now()},
        [](const Result<bool>& stored) { EXPECT_TRUE(stored); });
    if (i % 1'000 == 0) w.store.run();
  }
  w.store.run();
  w.endings->start([](const Result<bool>&) {});
  w.control.run_posted();
  w.store.run();
  w.control.run_posted(); // the first page
  EXPECT_EQ(w.admits("ann"), "REVOCATION_UNCHECKED");
  w.settle();
  EXPECT_EQ(w.admits("ann"), "ok");
  EXPECT_EQ(w.admits("ann", "t" + std::to_string(Endings::kPage)), "TOKEN_REVOKED");
}

TEST(Endings, AStoreThatWentBackLosesBlocksThatItDoesNotHave) {
  World w;
  w.elsewhere({.kind = engine::EndingKind::block, .id = "ann", .at = w.now()});
  w.elsewhere({.kind = engine::EndingKind::block, .id = "bob", .at = w.now()});
  w.start();
  {
    auto db = store::open_sqlite(w.store.path(), {.access = store::Access::read_write});
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->change("DELETE FROM subject_endings WHERE subject = 'bob'"));
    ASSERT_TRUE((*db)->change("UPDATE facts SET value = '1' WHERE name = 'subject_endings'"));
  }
  w.pass(Endings::kPollEvery);
  EXPECT_EQ(w.admits("ann"), "USER_BLOCKED");
  EXPECT_EQ(w.admits("bob"), "ok");
}

TEST(Endings, AnIdMustFit) {
  World w;
  w.start();
  EXPECT_EQ(w.block(""), "BAD_REQUEST");
  EXPECT_EQ(w.revoke(std::string(engine::kEndingBytes + 1, 'a')), "BAD_REQUEST");
  EXPECT_EQ(w.block(std::string(engine::kEndingBytes, 'a')), "yes");
}

TEST(Endings, AStoreThatRefusesIsSaidAndNothingHolds) {
  World w;
  w.start();
  w.store.store().close();
  EXPECT_EQ(w.block("ann"), "BUSY");
  EXPECT_EQ(w.admits("ann"), "ok");
  w.pass(Millis{5 * 60'000 + 1});
  EXPECT_EQ(w.admits("ann"), "REVOCATION_UNCHECKED") << "it could not be read for too long";
}

} // namespace
} // namespace foyer::access
