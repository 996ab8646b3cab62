// The local verifier: jose's result, counted, with keys that can be replaced.
#include "auth/local_verifier.h"

#include <gtest/gtest.h>

#include "jose/testing/token_world.h"

namespace foyer::auth {
namespace {

using namespace jose::testing;

TEST(LocalVerifier, AnswersAsJoseDoesAndCounts) {
  Metrics metrics;
  const auto key = hs256_key();
  const LocalVerifier verifier{jose::testing::verifier(key), true, metrics};
  const auto token = signed_claims(key, write_claims(claims()));
  const auto accepted = verifier.verify(token, kNow);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->user, UserId{"alice"});
  EXPECT_TRUE(accepted->own_account);
  EXPECT_TRUE(verifier.verify(token, claims().expires_at));
  EXPECT_EQ(verifier.verify(token, claims().expires_at + Millis{30'000}).error().cause, Cause::TOKEN_EXPIRED);
  const auto text = metrics.text();
  EXPECT_NE(text.find("foyer_token_leeway_used_total 1"), std::string::npos) << text;
  EXPECT_NE(text.find("foyer_tokens_verified_total{outcome=\"accepted\"} 2"), std::string::npos) << text;
  EXPECT_NE(text.find("foyer_tokens_verified_total{outcome=\"refused\"} 1"), std::string::npos) << text;
}

TEST(LocalVerifier, KeysThatWereFetchedTooLongAgoLetNobodyIn) {
  Metrics metrics;
  const auto key = ed25519_key(1);
  std::optional<Refusal> doubt;
  const LocalVerifier verifier{jose::testing::verifier(key), true, metrics, [&doubt] { return doubt; }};
  const auto token = signed_claims(key, write_claims(claims()));
  EXPECT_TRUE(verifier.verify(token, kNow));
  doubt = Refusal{.cause = Cause::AUTH_SERVICE_CONNECTION_ERROR};
  EXPECT_EQ(verifier.verify(token, kNow).error().cause, Cause::AUTH_SERVICE_CONNECTION_ERROR);
  EXPECT_EQ(verifier.verify("no token", kNow).error().cause, Cause::INVALID_FORMAT)
      << "a fault of the token itself is still reported";
}

TEST(LocalVerifier, TokensOfTheOldAndTheNewKeyPassWhileBothArePublished) {
  Metrics metrics;
  const auto old_key = ed25519_key(1);
  const auto new_key = ed25519_key(2);
  LocalVerifier verifier{jose::testing::verifier(old_key), false, metrics};
  const auto old_token = signed_claims(old_key, write_claims(claims()));
  const auto new_token = signed_claims(new_key, write_claims(claims()));
  EXPECT_EQ(verifier.verify(new_token, kNow).error().cause, Cause::KEY_UNKNOWN);
  verifier.replace_keys(*jose::KeySet::of({old_key.public_part(), new_key.public_part()}));
  EXPECT_TRUE(verifier.verify(old_token, kNow));
  EXPECT_TRUE(verifier.verify(new_token, kNow));
  verifier.replace_keys(*jose::KeySet::of(new_key.public_part()));
  EXPECT_EQ(verifier.verify(old_token, kNow).error().cause, Cause::KEY_UNKNOWN);
}

} // namespace
} // namespace foyer::auth
