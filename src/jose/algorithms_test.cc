// Every algorithm: what it signs verifies, and nothing else does.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <thread>
#include <vector>

#include "jose/testing/keys.h"
#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

struct Case {
  Algorithm algorithm;
  Key key; // pinned to it
  std::size_t signature_bytes;
};

std::vector<Case> cases() {
  const std::string secret(64, 's');
  const auto rsa = *Key::parse_pem(kRsaPem);
  std::vector<Case> out;
  for (const auto algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512})
    out.push_back({algorithm, *Key::from_secret(secret, algorithm), hash_bits(algorithm) / 8});
  for (const auto algorithm :
      {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256, Algorithm::ps384, Algorithm::ps512})
    out.push_back({algorithm, *rsa.with_algorithm(algorithm), 256});
  out.push_back({Algorithm::es256, *Key::parse_pem(kP256Pem), 64});
  out.push_back({Algorithm::es384, *Key::parse_pem(kP384Pem), 96});
  out.push_back({Algorithm::es512, *Key::parse_pem(kP521Pem), 132});
  out.push_back({Algorithm::eddsa, ed25519_key(), 64});
  return out;
}

Key key_of(Algorithm algorithm) {
  for (auto& c : cases())
    if (c.algorithm == algorithm) return c.key;
  throw std::logic_error("no such algorithm");
}

std::string number(std::size_t bytes, std::string_view digits) { // big-endian, as wide as `bytes`
  return std::string(bytes - digits.size(), '\0') + std::string{digits};
}

TEST(Algorithms, HaveTheirRegisteredNamesAndNoOthers) {
  for (const auto* name : {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
           "ES384", "ES512", "EdDSA"}) {
    ASSERT_TRUE(find_algorithm(name)) << name;
    EXPECT_EQ(to_string(*find_algorithm(name)), name);
  }
  EXPECT_EQ(find_algorithm("Ed25519"), Algorithm::eddsa);
  for (const auto* name : {"", "none", "None", "hs256", "HS256 ", "HS1", "HS224", "RS1", "ES256K", "Ed448", "eddsa",
           "RSA-OAEP", "A128KW", "dir"})
    EXPECT_FALSE(find_algorithm(name)) << name;
}

TEST(Algorithms, WhatIsSignedVerifiesWithThePublicPartAlone) {
  for (const auto& c : cases()) {
    const auto signature = c.key.sign("input");
    EXPECT_EQ(c.key.algorithm(), c.algorithm) << to_string(c.algorithm);
    EXPECT_EQ(signature.size(), c.signature_bytes) << to_string(c.algorithm);
    EXPECT_TRUE(c.key.public_part().verify("input", signature)) << to_string(c.algorithm);
    EXPECT_TRUE(c.key.verify("", c.key.sign(""))) << to_string(c.algorithm);
  }
}

TEST(Algorithms, ATokenOfEachIsAcceptedByItsVerifier) {
  for (const auto& c : cases()) {
    const auto token = Signer::make(c.key)->access_token(claims());
    EXPECT_EQ(outcome(verifier(c.key), token), "ok") << to_string(c.algorithm);
    EXPECT_EQ(parse_compact(token)->header.alg, to_string(c.algorithm));
  }
}

TEST(Algorithms, ASignatureOfAnotherInputLengthOrFormIsNone) {
  for (const auto& c : cases()) {
    const auto good = c.key.sign("input");
    EXPECT_FALSE(c.key.verify("inpus", good));
    EXPECT_FALSE(c.key.verify("", good));
    for (std::size_t size = 0; size < good.size(); size += size < 70 ? 1 : 37)
      EXPECT_FALSE(c.key.verify("input", good.substr(0, size))) << to_string(c.algorithm) << " " << size;
    EXPECT_FALSE(c.key.verify("input", good + '\0')) << to_string(c.algorithm);
    EXPECT_FALSE(c.key.verify("input", '\0' + good)) << to_string(c.algorithm);
    EXPECT_FALSE(c.key.verify("input", good + good)) << to_string(c.algorithm);
    for (const char fill : {'\0', '\xff'})
      EXPECT_FALSE(c.key.verify("input", std::string(good.size(), fill))) << to_string(c.algorithm);
    for (std::size_t i = 0; i < good.size(); i += 5) {
      auto changed = good;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(c.key.verify("input", changed)) << to_string(c.algorithm) << " " << i;
    }
  }
}

TEST(Algorithms, AKeyOfOneTakesNoTokenOfAnother) {
  const auto all = cases();
  for (const auto& signer : all)
    for (const auto& other : all) {
      if (signer.algorithm == other.algorithm) continue;
      EXPECT_FALSE(other.key.verify(signer.algorithm, "input", signer.key.sign("input")))
          << to_string(signer.algorithm) << " by " << to_string(other.algorithm);
      const auto refused = other.key.with_algorithm(signer.algorithm);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().cause, Cause::CONFLICTING_KEYS);
    }
}

TEST(Algorithms, RefusedSignaturesLeaveNothingInTheErrorQueue) {
  for (const auto& c : cases()) {
    const auto good = c.key.sign("input");
    auto changed = good;
    changed[7] = static_cast<char>(changed[7] ^ 4);
    for (const auto& bad : {changed, std::string(good.size(), '\xff'), std::string(good.size(), '\x01'), std::string{}})
      EXPECT_FALSE(c.key.public_part().verify("input", bad));
    EXPECT_EQ(ERR_peek_error(), 0U) << to_string(c.algorithm);
  }
}

TEST(OpenKeys, TakeWhatTheirKindCanDoAndAreRs256OrHs256WhenNobodySays) {
  const auto rsa = *Key::parse_pem(kRsaPem);
  EXPECT_TRUE(rsa.is_open());
  EXPECT_EQ(rsa.algorithm(), Algorithm::rs256);
  EXPECT_FALSE(rsa.public_jwk().contains("alg"));
  const auto set = *KeySet::of(rsa);
  EXPECT_EQ(set->algorithms(), "RS256, RS384, RS512, PS256, PS384, PS512");
  for (const auto algorithm : {Algorithm::rs256, Algorithm::rs512, Algorithm::ps384}) {
    const auto token = sign_compact(*rsa.with_algorithm(algorithm), "", "payload");
    EXPECT_TRUE(verify_signature(*parse_compact(token), *set)) << to_string(algorithm);
  }
  const auto oct = [](std::size_t bytes) {
    return *Key::parse_jwk(R"({"kty":"oct","k":")" + base64url_encode(std::string(bytes, 's')) + "\"}");
  };
  EXPECT_EQ((*KeySet::of(oct(47)))->algorithms(), "HS256");
  EXPECT_EQ((*KeySet::of(oct(48)))->algorithms(), "HS256, HS384");
  EXPECT_EQ((*KeySet::of(oct(64)))->algorithms(), "HS256, HS384, HS512");
  EXPECT_EQ((*KeySet::of(*Key::parse_pem(kP384Pem)))->algorithms(), "ES384");
  EXPECT_EQ((*KeySet::of(ed25519_key()))->algorithms(), "EdDSA");
}

TEST(OpenKeys, ArePinnedBeforeATokenCanChoose) {
  const auto rsa = *Key::parse_pem(kRsaPem);
  const auto of = [&](Algorithm algorithm) {
    return Signer::make(*rsa.with_algorithm(algorithm))->access_token(claims());
  };
  EXPECT_EQ(outcome(verifier(rsa), of(Algorithm::rs256)), "ok");
  EXPECT_EQ(outcome(verifier(rsa), of(Algorithm::ps256)), "ALGORITHM_NOT_ALLOWED");
  auto only = policy();
  only.algorithm = Algorithm::ps256;
  const Verifier pss{*KeySet::of({rsa, ed25519_key()}), only};
  EXPECT_EQ(outcome(pss, of(Algorithm::ps256)), "ok");
  EXPECT_EQ(outcome(pss, of(Algorithm::rs256)), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(pss, Signer::make(ed25519_key())->access_token(claims())), "ALGORITHM_NOT_ALLOWED")
      << "the configured algorithm is the only one";
  EXPECT_EQ(Signer::make(rsa)->key().algorithm(), Algorithm::rs256);
  EXPECT_FALSE(Signer::make(rsa)->key().is_open());
}

TEST(Rsa, ASaltIsAsLongAsTheHashAndTheMaskUsesTheSameHash) {
  const auto key = key_of(Algorithm::ps256).public_part();
  EXPECT_TRUE(key.verify("input", key_of(Algorithm::ps256).sign("input")));
  for (const auto bad : {kPssWithoutSalt, kPssLongSalt, kPssOtherMask})
    EXPECT_FALSE(key.verify("input", *base64url_decode(bad)));
}

TEST(Rsa, ASignatureThatIsNotBelowTheModulusIsNone) {
  const auto key = key_of(Algorithm::rs256);
  const auto n = *base64url_decode(*json::get_string(key.public_jwk(), "n"));
  EXPECT_FALSE(key.verify("input", n));
  EXPECT_FALSE(key.verify("input", std::string(255, '\0') + '\x01'));
}

TEST(Ecdsa, RAndSAreFrom1ToTheOrderLess1) {
  const std::string order = *base64url_decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  const auto key = key_of(Algorithm::es256);
  const auto good = key.sign("input");
  const auto r = good.substr(0, 32);
  const auto s = good.substr(32);
  ASSERT_TRUE(key.verify("input", r + s));
  auto above = order;
  ++above.back();
  for (const auto& bad : {number(32, std::string_view{"\0", 1}), order, above, std::string(32, '\xff')}) {
    EXPECT_FALSE(key.verify("input", bad + s));
    EXPECT_FALSE(key.verify("input", r + bad));
    EXPECT_FALSE(key.verify("input", bad + bad));
  }
  EXPECT_FALSE(key.verify("input", number(32, "\x01") + number(32, "\x01")));
}

TEST(Ecdsa, ManySignaturesHaveBothNumbersInFullLength) {
  // Of 600 pairs some begin with a zero octet, which is neither dropped nor doubled.
  const auto key = key_of(Algorithm::es512);
  for (int i = 0; i < 60; ++i) {
    const auto input = "input " + std::to_string(i);
    const auto signature = key.sign(input);
    ASSERT_EQ(signature.size(), 132U);
    EXPECT_LE(static_cast<unsigned char>(signature[0]), 1);
    EXPECT_TRUE(key.verify(input, signature));
  }
  const auto small = key_of(Algorithm::es256);
  for (int i = 0; i < 600; ++i) {
    const auto input = "input " + std::to_string(i);
    EXPECT_TRUE(small.verify(input, small.sign(input)));
  }
}

TEST(Ecdsa, DerIsNoSignature) {
  const auto key = key_of(Algorithm::es256);
  const auto good = key.sign("input");
  const auto integer = [](std::string number) {
    while (number.front() == '\0') number.erase(0, 1);
    if ((static_cast<unsigned char>(number.front()) & 0x80) != 0) number.insert(number.begin(), '\0');
    return '\x02' + std::string(1, static_cast<char>(number.size())) + number;
  };
  const auto body = integer(good.substr(0, 32)) + integer(good.substr(32));
  EXPECT_FALSE(key.verify("input", '\x30' + std::string(1, static_cast<char>(body.size())) + body));
  EXPECT_FALSE(key.verify("input", std::string(1, '\0') + good.substr(0, 32) + std::string(1, '\0') + good.substr(32)))
      << "two octets too long";
}

TEST(Algorithms, ServeManyThreadsAtOnceWithMoreContextsThanAThreadKeeps) {
  const auto all = cases();
  std::vector<std::string> signatures;
  for (const auto& c : all) signatures.push_back(c.key.sign("input"));
  std::vector<int> verified(4);
  {
    std::vector<std::jthread> threads;
    for (auto& count : verified)
      threads.emplace_back([&] {
        for (int round = 0; round < 5; ++round)
          for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].key.verify("input", signatures[i]) && all[i].key.verify("input", all[i].key.sign("input")))
              ++count;
      });
  }
  for (const int count : verified) EXPECT_EQ(count, static_cast<int>(5 * all.size()));
}

TEST(Generated, KeysOfEveryAlgorithmSignAndAreReadBack) {
  FixedEntropy entropy;
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    if (family_of(algorithm) == Family::rsa_pkcs1 && algorithm != Algorithm::rs256)
      continue; // a key of 3072 bits takes its time
    if (family_of(algorithm) == Family::rsa_pss) continue;
    const Key key = Key::generate(algorithm, entropy);
    EXPECT_EQ(key.algorithm(), algorithm);
    EXPECT_FALSE(key.is_open());
    const auto again = Key::from_jwk(key.private_jwk());
    ASSERT_TRUE(again) << to_string(algorithm) << again.error().operator_text();
    EXPECT_EQ(again->thumbprint(), key.thumbprint());
    EXPECT_EQ(again->algorithm(), algorithm);
    EXPECT_TRUE(again->public_part().verify("input", key.sign("input")));
  }
}

} // namespace
} // namespace foyer::jose
