// Keys and key sets: what is read, what is written, and what is refused.
#include <gtest/gtest.h>

#include <set>

#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

std::string oct_jwk(const std::string& extra = {}) {
  return R"({"kty":"oct","k":")" + base64url_encode(kSecret) + "\"" + extra + "}";
}
std::string code(const auto& result) {
  return result ? "ok"
                : std::string{result.error().code()} + (result.error().field.empty() ? "" : " " + result.error().field);
}

TEST(Keys, AreReadBackFromJwkAndPem) {
  const Key key = ed25519_key();
  const auto from_jwk = Key::parse_any(json::write(key.private_jwk()));
  const auto from_pem = Key::parse_any(key.to_pem());
  const auto public_pem = Key::parse_any(key.public_part().to_pem());
  ASSERT_TRUE(from_jwk && from_pem && public_pem);
  EXPECT_EQ(from_jwk->sign("x"), key.sign("x"));
  EXPECT_EQ(from_pem->sign("x"), key.sign("x"));
  EXPECT_FALSE(public_pem->can_sign());
  EXPECT_TRUE(public_pem->verify("x", key.sign("x")));
  EXPECT_EQ(
      std::set({key.kid(), from_jwk->kid(), from_pem->kid(), public_pem->kid(), public_pem->thumbprint()}).size(), 1U);

  const auto secret = Key::parse_jwk(json::write(hs256_key().private_jwk()));
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->sign("x"), hs256_key().sign("x"));
}

TEST(Keys, TheKidOfAJwkStays) {
  EXPECT_EQ(Key::parse_jwk(oct_jwk(R"(,"kid":"2026-01")"))->kid(), "2026-01");
  EXPECT_EQ(Key::parse_jwk(oct_jwk())->kid(), hs256_key().thumbprint());
}

TEST(Keys, TwoGeneratedKeysDiffer) {
  FixedEntropy entropy;
  EXPECT_NE(Key::generate(Algorithm::eddsa, entropy).kid(), Key::generate(Algorithm::eddsa, entropy).kid());
}

TEST(Keys, WhatIsNotAKeyOfOursIsNamed) {
  const auto x = json::get_string(ed25519_key().public_jwk(), "x").has_value()
      ? std::string{*json::get_string(ed25519_key().public_jwk(), "x")}
      : "";
  const auto other_d = std::string(43, 'A');
  EXPECT_EQ(code(Key::parse_jwk("{")), "KEY_UNREADABLE");
  EXPECT_EQ(code(Key::parse_jwk("[]")), "KEY_UNREADABLE");
  EXPECT_EQ(code(Key::parse_jwk("{}")), "KEY_UNREADABLE kty");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"EC","crv":"P-256"})")), "KEY_UNREADABLE x");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"oct"})")), "KEY_UNREADABLE k");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"oct","k":"a+b/"})")), "KEY_UNREADABLE k");
  EXPECT_EQ(code(Key::parse_jwk(oct_jwk(R"(,"alg":"HS512")"))), "WEAK_SECRET k");
  EXPECT_EQ(code(Key::parse_jwk(oct_jwk(R"(,"use":"enc")"))), "KEY_UNREADABLE use");
  EXPECT_EQ(code(Key::parse_jwk(oct_jwk(R"(,"key_ops":["encrypt"])"))), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(code(Key::parse_jwk(oct_jwk(R"(,"kid":7)"))), "KEY_UNREADABLE kid");
  EXPECT_EQ(
      code(Key::parse_jwk(oct_jwk(R"(,"use":"sig","key_ops":["sign","verify"],"alg":"HS256","x-own":[1])"))), "ok");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"OKP","crv":"X25519","x":")" + x + "\"}")), "KEY_UNREADABLE crv");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})")), "KEY_UNREADABLE x");
  EXPECT_EQ(code(Key::parse_jwk(R"({"kty":"OKP","crv":"Ed25519","x":")" + x + R"(","d":")" + other_d + "\"}")),
      "KEY_UNREADABLE d");
  EXPECT_EQ(code(Key::parse_pem("nothing")), "KEY_UNREADABLE");
  EXPECT_EQ(code(Key::parse_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")),
      "KEY_UNREADABLE");
  EXPECT_EQ(code(Key::parse_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")), "KEY_UNREADABLE");
}

TEST(KeySets, PublishPublicKeysOnly) {
  const Key first = ed25519_key(1);
  const Key second = ed25519_key(2);
  const auto set = *KeySet::of({first, second});
  const auto jwks = set->to_jwks();
  EXPECT_EQ(jwks.find("\"d\""), std::string::npos);
  const auto again = KeySet::parse(jwks);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->thumbprints(), set->thumbprints());
  EXPECT_FALSE((*again)->keys()[0].can_sign());
  EXPECT_NE((*again)->find(first.kid()), nullptr);
  EXPECT_EQ((*KeySet::of(hs256_key()))->to_jwks(), R"({"keys":[]})");
}

// RFC 7517 §5: one key that is not understood or not fit does not make the others useless.
TEST(KeySets, OneKeyThatCannotBeUsedBesideGoodOnesIsLeftOut) {
  const auto good = json::write(ed25519_key(1).public_jwk());
  const auto set_of = [](const std::string& members) { return KeySet::parse(R"({"keys":[)" + members + "]}"); };
  auto renamed = ed25519_key(1).public_jwk();
  renamed["kid"] = "other";
  auto same_kid = ed25519_key(2).public_jwk();
  same_kid["kid"] = ed25519_key(1).kid();
  const std::string p256 =
      R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
  const std::pair<std::string, std::string> others[] = {
      {R"({"alg":"ESP256","kid":"n",)" + p256 + "}",
          "KEY_UNREADABLE: a JWK whose alg, ESP256, is not a known signature algorithm"},
      {R"({"kty":"RSA","n":"AQ","e":"AQ"})", "WEAK_KEY: "},
      {R"({"kty":"RSA","alg":"none","n":"AQ","e":"AQ"})", "KEY_UNREADABLE: "},
      {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", "KEY_UNREADABLE: "},
      {R"({"kty":"OKP","crv":"Ed448","x":"AA"})", "KEY_UNREADABLE: a key of an unknown kind or curve"},
      {R"({"kty":"new"})", "KEY_UNREADABLE: a key of an unknown kind or curve"},
      {"7", "KEY_UNREADABLE: an element that is not an object"},
      {good, "KEY_UNREADABLE: a second key with this kid"},
      {json::write(same_kid), "KEY_UNREADABLE: a second key with this kid"},
      {json::write(renamed), "KEY_UNREADABLE: the same key as "},
      {json::write(ed25519_key(3).private_jwk()), "KEY_UNREADABLE: a private key in a key set"},
      {oct_jwk(), "CONFLICTING_KEYS: a shared secret beside public keys"},
  };
  for (const auto& [other, reason] : others) {
    const auto set = set_of(good + "," + other);
    ASSERT_TRUE(set) << other;
    EXPECT_EQ((*set)->keys().size(), 1U) << other;
    EXPECT_EQ((*set)->keys().front().kid(), ed25519_key(1).kid()) << other;
    ASSERT_EQ((*set)->ignored().size(), 1U) << other;
    EXPECT_TRUE((*set)->ignored().front().reason().starts_with(reason)) << (*set)->ignored().front().reason();
  }
  const auto before = set_of(oct_jwk() + "," + good);
  ASSERT_TRUE(before);
  EXPECT_FALSE((*before)->keys().front().symmetric()) << "whatever comes first";
  const auto named = set_of(others[0].first + "," + good);
  EXPECT_NE(
      (*named)->select("EdDSA", "n").error().evidence.find("cannot be used: KEY_UNREADABLE: a JWK whose alg, ESP256"),
      std::string::npos);
}

TEST(KeySets, KeysForSomethingElseAreNotWorthAWord) {
  const auto good = json::write(ed25519_key(1).public_jwk());
  const auto set = KeySet::parse(R"({"keys":[)" + good +
      R"(,{"kty":"RSA","use":"enc","n":"AQ","e":"AQ"},{"kty":"RSA","alg":"RSA-OAEP"},{"kty":"EC","key_ops":["deriveBits"],"crv":"P-256"}]})");
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->keys().size(), 1U);
  EXPECT_TRUE((*set)->ignored().empty());
}

TEST(KeySets, AreRefusedWithoutOneUsableKey) {
  const auto set_of = [](const std::string& members) { return KeySet::parse(R"({"keys":[)" + members + "]}"); };
  EXPECT_EQ(code(set_of("")), "KEY_UNREADABLE");
  EXPECT_EQ(code(set_of(R"({"kty":"RSA","use":"enc","n":"AQ","e":"AQ"})")), "KEY_UNREADABLE");
  EXPECT_EQ(code(set_of(R"({"kty":"RSA","n":"AQ","e":"AQ"})")), "WEAK_KEY n") << "why the first is not";
  EXPECT_EQ(code(set_of("7")), "KEY_UNREADABLE keys");
  EXPECT_EQ(code(KeySet::parse("{}")), "KEY_UNREADABLE keys");
  EXPECT_EQ(code(KeySet::parse("<html>")), "KEY_UNREADABLE");
  EXPECT_EQ(code(set_of(json::write(ed25519_key(1).private_jwk()))), "KEY_UNREADABLE d");
}

TEST(KeySets, BeforeTheFirstWasFetchedEveryKeyIsUnknown) {
  EXPECT_EQ(code(KeySet::none()->select("EdDSA", "any")), "KEY_UNKNOWN kid");
  EXPECT_EQ(code(KeySet::none()->select("HS256", std::nullopt)), "KEY_UNKNOWN kid")
      << "not another algorithm: nothing is known";
  EXPECT_EQ(KeySet::none()->to_jwks(), R"({"keys":[]})");
}

TEST(Signing, NeedsAPrivateKey) { EXPECT_EQ(code(Signer::make(ed25519_key().public_part())), "KEY_UNREADABLE"); }

TEST(Signing, WritesTheClaimsInOneOrderAndLeavesOutWhatIsEmpty) {
  auto full = claims();
  EXPECT_EQ(write_claims(full),
      R"({"iss":"https://chat.example","aud":"foyer","sub":"alice","exp":1800000840,"iat":1799999940,"jti":"jti-1","client_id":"foyer-web","sid":"session-1","name":"Alice","scope":"chat:read chat:write","env":"test"})");
  full.session = {};
  full.permissions = {};
  full.environment.clear();
  full.name = "A \"quoted\" name";
  EXPECT_EQ(write_claims(full),
      R"({"iss":"https://chat.example","aud":"foyer","sub":"alice","exp":1800000840,"iat":1799999940,"jti":"jti-1","client_id":"foyer-web","name":"A \"quoted\" name"})");
}

} // namespace
} // namespace foyer::jose
