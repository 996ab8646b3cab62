#include "client/signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace foyer::client {
namespace {

// The example of the Standard Webhooks specification and its libraries.
TEST(Signature, IsTheOneOfTheSpecification) {
  const auto key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  const std::string keys[] = {*key};
  EXPECT_EQ(sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330, R"({"test": 2432232314})"),
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, TwoSecretsSignWithOneBlankBetween) {
  const std::string keys[] = {std::string(32, 'a'), std::string(32, 'b')};
  const std::string both = sign(keys, "evt_1", 1, "{}");
  EXPECT_EQ(both, sign({keys, 1}, "evt_1", 1, "{}") + " " + sign({keys + 1, 1}, "evt_1", 1, "{}"));
  EXPECT_EQ(std::ranges::count(both, ' '), 1);
}

TEST(Signature, ASecretIsStandardBase64OfTheRightLength) {
  FixedEntropy entropy;
  for (int i = 0; i < 100; ++i) {
    const std::string secret = make_secret(entropy);
    EXPECT_TRUE(secret.starts_with("whsec_"));
    EXPECT_EQ(secret.size(), 6U + 44);
    EXPECT_EQ(secret.find_first_of("-_ \n"), 5U) << "libraries refuse the characters of base64url";
    EXPECT_EQ(key_of(secret)->size(), 32U);
  }
  for (const auto* bad : {"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_",
           "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-w"})
    EXPECT_FALSE(key_of(bad)) << bad;
}

} // namespace
} // namespace foyer::client
