// Random sequences of all faults, and the properties that hold in each.
#include <gtest/gtest.h>

#include "auth/testing/remote_world.h"

namespace foyer::auth {
namespace {

using namespace testing_world;
using State = BreakerStatus::State;

struct Asked {
  std::shared_ptr<RemoteWorld::Answer> answer;
  MonoTime at;
};

void holds(const Asked& asked) {
  ASSERT_TRUE(asked.answer->said);
  EXPECT_LE(asked.answer->at - asked.at, Millis{2'000});
  if (*asked.answer->said) return;
  const Refusal& refusal = asked.answer->refusal();
  EXPECT_FALSE(refusal.evidence.empty() && refusal.info().http >= 500) << refusal.code();
  const bool sum = refusal.cause == Cause::AUTH_RETRY_EXHAUSTED || refusal.cause == Cause::AUTH_CIRCUIT_BREAKER_OPEN;
  EXPECT_EQ(refusal.attempts.empty(), !sum) << refusal.code();
  EXPECT_LE(refusal.attempts.size(), refusal.cause == Cause::AUTH_RETRY_EXHAUSTED ? 3U : 5U);
  for (const Refusal& attempt : refusal.attempts) {
    const bool one_attempt = attempt.cause == Cause::AUTH_SERVICE_CONNECTION_ERROR ||
        attempt.cause == Cause::AUTH_SERVICE_TIMEOUT || attempt.cause == Cause::AUTH_SERVICE_NOT_AVAILABLE ||
        attempt.cause == Cause::INVALID_RESPONSE_FORMAT;
    EXPECT_TRUE(one_attempt) << attempt.code();
    EXPECT_FALSE(attempt.evidence.empty());
    EXPECT_TRUE(attempt.attempts.empty());
  }
  if (refusal.cause == Cause::AUTH_CIRCUIT_BREAKER_OPEN) {
    ASSERT_TRUE(refusal.retry_after);
    EXPECT_GT(*refusal.retry_after, Millis{0});
    EXPECT_LE(*refusal.retry_after, Millis{60'000});
  }
}

void story(std::uint64_t seed) {
  SCOPED_TRACE(seed);
  RemoteWorld world({}, seed);
  FixedEntropy dice(seed * 7919 + 1);
  const auto& weathers = all_weathers();
  const MonoTime begin = world.clock.mono();
  std::vector<Asked> asked;
  world.cookies["known"] = "bob";
  const std::uint64_t mostly_fine = dice.below(4);
  const bool crowded = dice.below(2) == 0; // calls faster than the reserve refills
  for (int i = 0; i < 120; ++i) {
    world.server.always = dice.below(4) < mostly_fine ? (dice.below(3) == 0 ? Weather::slow : Weather::fine)
                                                      : weathers[dice.below(weathers.size())].weather;
    const std::string name = "t" + std::to_string(i);
    if (dice.below(3) > 0) world.tickets[name] = "";
    const MonoTime now = world.clock.mono();
    switch (dice.below(4)) {
      case 0:
        asked.push_back({world.ask_cookie(dice.below(2) == 0 ? "known" : "c" + std::to_string(dice.below(20))), now});
        break;
      default: asked.push_back({world.ask_ticket(name), now});
    }
    world.pass(Millis{static_cast<std::int64_t>(dice.below(crowded || dice.below(3) > 0 ? 30 : 3'000))});
  }
  world.pass(Millis{2'000});
  for (const Asked& one : asked) holds(one);

  // Retries: the reserve, one a second, a fifth of the calls.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(world.clock.mono() - begin).count();
  Counter& retries = world.metrics.counter("foyer_auth_retries_total", "");
  EXPECT_LE(retries.value(), 10U + static_cast<std::uint64_t>(seconds) + 1U + asked.size() / 5);

  // Recovery: once the fault ends, calls succeed at the latest with the next try.
  world.server.always = Weather::fine;
  for (int i = 0; i < 2 && world.service->status().state != State::closed; ++i) {
    world.pass(Millis{60'000});
    (void)world.ticket_says("unknown"); // a refused credential also counts as a success
  }
  EXPECT_EQ(world.service->status().state, State::closed);
  world.tickets["last"] = "";
  EXPECT_EQ(world.ticket_says("last"), "alice");
}

TEST(ClientProperties, HoldInEveryWeather) {
  for (std::uint64_t seed = 1; seed <= 150 && !::testing::Test::HasFailure(); ++seed) story(seed);
}

} // namespace
} // namespace foyer::auth
