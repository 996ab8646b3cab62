// The examples that the RFCs print: tokens from vectors/jws.jsonl, one test a line, and keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "jose/testing/vectors_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

// "ok", or the code of the key, of the form or of the signature, whichever is first.
std::string judge(const Result<Key>& key, std::string_view token) {
  if (!key) return std::string{key.error().code()};
  const auto set = KeySet::of(*key);
  if (!set) return std::string{set.error().code()};
  const auto jws = parse_compact(token);
  if (!jws) return std::string{jws.error().code()};
  const auto verified = verify_signature(*jws, **set);
  return verified ? "ok" : std::string{verified.error().code()};
}

std::string member(const json::Object& jwk, std::string_view name) {
  return std::string{json::get_string(jwk, name).value_or("")};
}

class PrintedToken : public ::testing::TestWithParam<Vector> {};
class PrintedSignature : public PrintedToken {}; // by an algorithm that always gives the same one
class GoodToken : public PrintedToken {};

std::vector<Vector> vectors_that(bool (*fit)(const Vector&)) {
  std::vector<Vector> out;
  std::ranges::copy_if(printed_vectors(), std::back_inserter(out), fit);
  return out;
}

TEST_P(PrintedToken, IsJudgedAsItsRfcSays) {
  EXPECT_EQ(judge(Key::from_jwk(GetParam().key), GetParam().token), GetParam().code);
}

TEST_P(PrintedSignature, IsTheOneThatTheKeyGives) {
  auto jwk = GetParam().key;
  jwk["alg"] = GetParam().signs;
  const auto key = Key::from_jwk(jwk);
  ASSERT_TRUE(key) << key.error().evidence;
  const auto input = GetParam().token.substr(0, GetParam().token.rfind('.'));
  EXPECT_EQ(input + "." + base64url_encode(key->sign(input)), GetParam().token);
}

TEST_P(GoodToken, IsRefusedWithAnyBitOfItsSignatureOrInputChanged) {
  const auto key = Key::from_jwk(GetParam().key);
  const auto& token = GetParam().token;
  const auto second = token.rfind('.');
  const auto signature = *base64url_decode(token.substr(second + 1));
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    auto other = signature;
    other[i] = static_cast<char>(other[i] ^ (1 << (i % 8)));
    EXPECT_EQ(judge(key, token.substr(0, second + 1) + base64url_encode(other)), "SIGNATURE_INVALID") << "octet " << i;
  }
  const auto first = token.find('.');
  auto payload = *base64url_decode(token.substr(first + 1, second - first - 1));
  payload[payload.size() / 2] ^= 1;
  EXPECT_EQ(
      judge(key, token.substr(0, first + 1) + base64url_encode(payload) + token.substr(second)), "SIGNATURE_INVALID");
}

std::string name_of(const ::testing::TestParamInfo<Vector>& vector) { return vector.param.name; }
INSTANTIATE_TEST_SUITE_P(Rfc, PrintedToken, ::testing::ValuesIn(printed_vectors()), name_of);
INSTANTIATE_TEST_SUITE_P(Rfc, PrintedSignature,
    ::testing::ValuesIn(vectors_that([](const Vector& vector) { return !vector.signs.empty(); })), name_of);
INSTANTIATE_TEST_SUITE_P(Rfc, GoodToken,
    ::testing::ValuesIn(vectors_that([](const Vector& vector) { return vector.code == "ok"; })), name_of);

TEST(PrintedTokens, AreAllRead) { EXPECT_GE(printed_vectors().size(), 41U); }

TEST(Rfc7515, AppendixC_Base64urlWithoutPadding) {
  const std::string octets{"\x03\xec\xff\xe0\xc1", 5};
  EXPECT_EQ(base64url_encode(octets), "A-z_4ME");
  EXPECT_EQ(base64url_decode("A-z_4ME"), octets);
}

TEST(Rfc7515, AppendixF_DetachedContentPutBackIsAWholeToken) {
  const auto& whole = printed("RFC7515_A1_HS256");
  const auto detached = whole.token.substr(0, whole.token.find('.') + 1) + whole.token.substr(whole.token.rfind('.'));
  const auto key = Key::from_jwk(whole.key);
  EXPECT_EQ(judge(key, detached), "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(verifier(*key), detached), "INVALID_FORMAT") << "as a token of ours: no claims";
  EXPECT_EQ(judge(key, whole.token), "ok");
}

// RFC 7517

constexpr std::string_view kRsaN =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt"
    "7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHa"
    "Q-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
const std::string kRsaOfA1 =
    R"({"kty":"RSA","n":")" + std::string{kRsaN} + R"(","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";
const std::string kEcMembersOfA1 =
    R"("kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1")";

TEST(Rfc7517, AppendixA1_PublicKeysOfWhichTheOneForEncryptionIsLeftOut) {
  const auto set = KeySet::parse(R"({"keys":[{)" + kEcMembersOfA1 + "}," + kRsaOfA1 + "]}");
  ASSERT_TRUE(set) << set.error().evidence;
  ASSERT_EQ((*set)->keys().size(), 1U);
  EXPECT_EQ((*set)->keys()[0].kid(), "2011-04-29");
  EXPECT_EQ(to_string((*set)->keys()[0].algorithm()), "RS256");
  EXPECT_FALSE((*set)->keys()[0].can_sign());
}

TEST(Rfc7517, AppendixA2_PrivateKeysArePublishedByNobody) {
  for (const auto* name : {"RFC7515_A2_RS256", "RFC7515_A3_ES256", "RFC8037_A4_EdDSA"}) {
    const auto set = KeySet::parse(R"({"keys":[)" + json::write(printed(name).key) + "]}");
    ASSERT_FALSE(set) << name;
    EXPECT_EQ(std::string{set.error().code()} + " " + set.error().field, "KEY_UNREADABLE d") << name;
  }
}

TEST(Rfc7517, AppendixA3_SymmetricKeysOneToWrapAndOneToSign) {
  EXPECT_EQ(Key::parse_jwk(R"({"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"})").error().cause,
      Cause::KEY_UNREADABLE);
  const auto key = Key::parse_jwk(
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow","kid":"HMAC key used in JWS spec Appendix A.1 example"})");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->kid(), "HMAC key used in JWS spec Appendix A.1 example");
}

// RFC 7638

TEST(Rfc7638, Section3_1_ThumbprintOfAnRsaKey) {
  const auto key = Key::parse_jwk(kRsaOfA1);
  ASSERT_TRUE(key) << key.error().evidence;
  EXPECT_EQ(key->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(Rfc7638, OfAnEcKeyAsComputedElsewhere) {
  // The EC key of RFC 7517 A.1 without its use; jwcrypto's own tests have the same value.
  const auto key = Key::parse_jwk(
      R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})");
  ASSERT_TRUE(key) << key.error().evidence;
  EXPECT_EQ(key->thumbprint(), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

TEST(Rfc7638, Section7_ASecretHasAThumbprintToo) {
  // {"k":"…","kty":"oct"} hashed; never published, since it helps to guess the secret.
  const auto key = Key::from_secret(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->thumbprint(), base64url_encode(sha256(R"({"k":")" + base64url_encode(kSecret) + R"(","kty":"oct"})")));
}

// RFC 7520 §3

TEST(Rfc7520, Section3_PrivateAndPublicKeysAreTheSameKeys) {
  const auto& vectors = printed_vectors();
  std::size_t pairs = 0;
  for (const auto& vector : vectors)
    for (const auto& other : vectors) {
      if (other.name != vector.name + "_public") continue;
      ++pairs;
      const auto key = Key::from_jwk(vector.key);
      const auto published = Key::from_jwk(other.key);
      ASSERT_TRUE(key && published) << vector.name;
      EXPECT_TRUE(key->can_sign()) << vector.name;
      EXPECT_FALSE(published->can_sign()) << vector.name;
      EXPECT_EQ(key->thumbprint(), published->thumbprint()) << vector.name;
      EXPECT_EQ(key->public_part().to_pem(), published->to_pem()) << vector.name;
      EXPECT_EQ(Key::parse_pem(key->to_pem())->thumbprint(), key->thumbprint()) << vector.name;
      const auto members = published->public_jwk();
      for (const auto* name : {"kty", "crv", "x", "y", "n", "e"})
        EXPECT_EQ(member(members, name), member(other.key, name)) << vector.name << " " << name;
      const auto secret = key->private_jwk();
      for (const auto* name : {"d", "p", "q", "dp", "dq", "qi"})
        EXPECT_EQ(member(secret, name), member(vector.key, name)) << vector.name << " " << name;
    }
  EXPECT_EQ(pairs, 7U);
}

// RFC 8037

TEST(Rfc8037, AppendixA1ToA3_KeyPublicKeyAndThumbprint) {
  const auto key = Key::parse_jwk(
      R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  ASSERT_TRUE(key);
  const auto published = key->public_part().public_jwk();
  EXPECT_EQ(member(published, "x"), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  EXPECT_FALSE(published.contains("d"));
  EXPECT_EQ(key->thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(key->kid(), key->thumbprint());
}

TEST(Rfc8037, AppendixA4_TheWholeTokenMadeAnew) {
  const auto key = Key::parse_jwk(
      R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  EXPECT_EQ(token_of(*key, R"({"alg":"EdDSA"})", "Example of Ed25519 signing"),
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
      "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

} // namespace
} // namespace foyer::jose
