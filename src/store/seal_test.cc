#include "store/seal.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace foyer::store {
namespace {

const SealKey kKey = SealKey::from_secret("a key of the store, long enough for it").value();

TEST(Seal, WhatWasSealedOpensAgainAndNeverLooksTheSame) {
  FixedEntropy entropy;
  const std::string once = kKey.seal("secret", "service:a", entropy);
  const std::string twice = kKey.seal("secret", "service:a", entropy);
  EXPECT_NE(once, twice);
  EXPECT_EQ(kKey.open(once, "service:a").value(), "secret");
  EXPECT_EQ(kKey.open(kKey.seal("", "x", entropy), "x").value(), "");
}

TEST(Seal, AnotherKeyAnotherRowOrAChangedByteDoesNotOpenIt) {
  FixedEntropy entropy;
  const std::string sealed = kKey.seal("secret", "service:a", entropy);
  EXPECT_EQ(kKey.open(sealed, "service:b").error().cause, Cause::STORE_KEY_MISMATCH);
  EXPECT_FALSE(SealKey::from_secret("another key of the store, long enough")->open(sealed, "service:a"));
  std::string raw = *base64url_decode(sealed);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    std::string changed = raw;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(kKey.open(base64url_encode(changed), "service:a")) << i;
  }
  EXPECT_FALSE(kKey.open("", "service:a"));
  EXPECT_FALSE(kKey.open("no base64!", "service:a"));
}

TEST(Seal, AShortSecretIsRefused) { EXPECT_EQ(SealKey::from_secret("short").error().cause, Cause::WEAK_SECRET); }

} // namespace
} // namespace foyer::store
