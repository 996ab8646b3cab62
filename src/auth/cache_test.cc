// Which answers about cookies are cached, and for how long.
#include "auth/cache.h"

#include <gtest/gtest.h>

namespace foyer::auth {
namespace {

using Kind = RevocationEvent::Kind;
using Reason = RevocationEvent::Reason;

class Cache : public ::testing::Test {
 protected:
  Moment now() const { return moment_of(clock); }
  Identity identity(std::string user, Millis lives = Millis{3'600'000}) const {
    return {.user = UserId{user},
        .name = user,
        .session = SessionId{"s-" + user},
        .token = {},
        .permissions = {},
        .issued_at = clock.wall(),
        .expires_at = clock.wall() + lives,
        .own_account = true};
  }
  void keep(const std::string& key, Result<Identity> answer) { cache.keep(key, answer, cache.generation(), now()); }
  std::string said(const std::string& key) {
    const auto found = cache.find(key, now());
    if (!found) return "unknown";
    return *found ? (*found)->user.str() : std::string((*found).error().code());
  }

  ManualClock clock;
  CookieCache cache{{.positives = 3, .negatives = 2}};
};

TEST_F(Cache, YesForAMinuteNoForFiveSeconds) {
  keep("a", identity("alice"));
  keep("b", refuse(Cause::SESSION_UNKNOWN));
  clock.advance(Millis{4'999});
  EXPECT_EQ(said("b"), "SESSION_UNKNOWN");
  clock.advance(Millis{1});
  EXPECT_EQ(said("b"), "unknown");
  clock.advance(Millis{54'999});
  EXPECT_EQ(said("a"), "alice");
  clock.advance(Millis{1});
  EXPECT_EQ(said("a"), "unknown");
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(Cache, NeverBeyondTheEndOfTheSession) {
  keep("a", identity("alice", Millis{1'000}));
  clock.advance(Millis{999});
  EXPECT_EQ(said("a"), "alice");
  clock.advance(Millis{1});
  EXPECT_EQ(said("a"), "unknown");
  keep("b", identity("bob", Millis{-1}));
  EXPECT_EQ(said("b"), "unknown");
}

TEST_F(Cache, WhatEndsByWaitingIsNotKept) {
  keep("a", refuse(Cause::BUSY));
  keep("b", refuse(Cause::AUTH_RETRY_EXHAUSTED));
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(Cache, TheLeastRecentlyUsedGoesAndNoDrivesNoYesOut) {
  for (const std::string user : {"alice", "bob", "carol"}) keep(user, identity(user));
  EXPECT_EQ(said("alice"), "alice");
  keep("dave", identity("dave"));
  EXPECT_EQ(said("bob"), "unknown");
  for (int i = 0; i < 100; ++i) keep("guess" + std::to_string(i), refuse(Cause::SESSION_UNKNOWN));
  EXPECT_EQ(cache.size(), 5U);
  for (const std::string user : {"alice", "carol", "dave"}) EXPECT_EQ(said(user), user);
}

TEST_F(Cache, AnEventClearsWhatItConcerns) {
  for (const std::string user : {"alice", "bob", "carol"}) keep(user, identity(user));
  keep("d", refuse(Cause::USER_DISABLED));
  cache.apply({{Kind::session, "s-alice", clock.wall()}, {Kind::before, "bob", clock.wall()},
      {Kind::token, "carol", clock.wall()}});
  EXPECT_EQ(said("alice"), "unknown");
  EXPECT_EQ(said("bob"), "unknown");
  EXPECT_EQ(said("carol"), "carol");
  cache.apply({{Kind::user, "carol", clock.wall(), Reason::disabled}});
  EXPECT_EQ(said("carol"), "unknown");
  EXPECT_EQ(said("d"), "USER_DISABLED");
  cache.apply({{Kind::user, "dave", clock.wall(), Reason::enabled}});
  EXPECT_EQ(said("d"), "unknown");
}

TEST_F(Cache, AnAnswerThatWasAskedForBeforeAnEventIsNotKept) {
  const auto generation = cache.generation();
  cache.apply({{Kind::session, "s-alice", clock.wall()}});
  cache.keep("a", identity("alice"), generation, now());
  EXPECT_EQ(said("a"), "unknown");
}

TEST_F(Cache, KeysDistinguishCookiesAndAddresses) {
  EXPECT_NE(CookieCache::key("c", "10.0.0.1"), CookieCache::key("c", "10.0.0.2"));
  EXPECT_NE(CookieCache::key("c", "10.0.0.1"), CookieCache::key("d", "10.0.0.1"));
  EXPECT_NE(CookieCache::key("c1", "0.0.0.1"), CookieCache::key("c", "10.0.0.1"));
  EXPECT_EQ(CookieCache::key("secret", "10.0.0.1").find("secret"), std::string::npos);
}

} // namespace
} // namespace foyer::auth
