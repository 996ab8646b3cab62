// The attacks on signed tokens that RFC 8725 and its successor collect, one test each.
#include <gtest/gtest.h>

#include "jose/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

class Attack : public ::testing::Test {
 protected:
  Key hs = hs256_key();
  Key ed = ed25519_key();
  Verifier by_secret = verifier(hs);
  Verifier by_public_key = verifier(ed);
  std::string good = signed_claims(hs, write_claims(claims()));

  std::string with_header(const std::string& header) const { return token_of(hs, header, write_claims(claims())); }
};

TEST_F(Attack, A01_AlgorithmNoneInAnyCase) {
  for (const auto* alg : {"none", "None", "NONE", "noNE"}) {
    const auto unsigned_token = base64url_encode(R"({"alg":")" + std::string{alg} + R"(","typ":"at+jwt"})") + "." + base64url_encode(write_claims(claims())) + ".";
    EXPECT_EQ(outcome(by_secret, unsigned_token), "ALGORITHM_NOT_ALLOWED") << alg;
    EXPECT_EQ(outcome(by_public_key, unsigned_token), "ALGORITHM_NOT_ALLOWED") << alg;
    EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, alg))), "ALGORITHM_NOT_ALLOWED") << alg;
  }
}

TEST_F(Attack, A02_PublicKeyAsHmacSecret) {
  const std::string pem = ed.public_part().to_pem();
  const std::string der = base64_decode(pem.substr(27, 60)).value_or("");
  ASSERT_FALSE(der.empty());
  const std::string jwk = json::write(ed.public_jwk());
  const auto last = pem.find_last_not_of('\n');
  for (const auto& text : {pem, pem.substr(0, last + 1), der, jwk}) {
    const auto forged_with = Key::from_secret(text);
    ASSERT_TRUE(forged_with);
    const auto header = R"({"alg":"HS256","typ":"at+jwt","kid":")" + ed.kid() + R"("})";
    EXPECT_EQ(outcome(by_public_key, token_of(*forged_with, header, write_claims(claims()))), "ALGORITHM_NOT_ALLOWED");
  }
}

TEST_F(Attack, A03_WeakHmacSecretIsNoKey) {
  EXPECT_EQ(Key::from_secret(std::string(31, 'x')).error().cause, Cause::WEAK_SECRET);
  EXPECT_EQ(Key::parse_jwk(R"({"kty":"oct","k":"c2hvcnQ"})").error().cause, Cause::WEAK_SECRET);
}

TEST_F(Attack, A04_EncryptedTokenWhereASignedOneIsDue) {
  EXPECT_EQ(outcome(by_secret, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn"), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","enc":"A256GCM","typ":"at+jwt"})")), "INVALID_FORMAT");
}

TEST_F(Attack, A05_NestedTokenIsNotUnwrapped) {
  EXPECT_EQ(outcome(by_secret, token_of(hs, R"({"alg":"HS256","typ":"at+jwt","cty":"JWT"})", good)), "INVALID_FORMAT");
}

TEST_F(Attack, A06_KeyAgreementIsRefused) {
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"ECDH-ES","typ":"at+jwt","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}})")), "ALGORITHM_NOT_ALLOWED");
}

TEST_F(Attack, A07_OtherEncodingsOfJson) {
  const std::string plain = write_claims(claims());
  std::string utf16le;
  std::string utf32be;
  for (const char c : plain) {
    utf16le += {c, '\0'};
    utf32be += {'\0', '\0', '\0', c};
  }
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, "\xEF\xBB\xBF" + plain)), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, utf16le)), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, utf32be)), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header("\xEF\xBB\xBF" + header_of(hs, "HS256"))), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("name", "\"\xff\xfe\""))), "INVALID_FORMAT");
}

TEST_F(Attack, A08_SubstitutionOfIssuerAndAudience) {
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("aud", R"("billing")"))), "AUDIENCE_MISMATCH");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("aud", R"(["billing","foyer2"])"))), "AUDIENCE_MISMATCH");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("iss", R"("https://chat.example/")"))), "ISSUER_MISMATCH");
}

TEST_F(Attack, A09_TokensOfOtherKinds) {
  for (const auto* typ : {"JWT", "refresh+jwt", "ticket+jwt", "service+jwt", "doctor+jwt", "dpop+jwt", "id_token"})
    EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "WRONG_TOKEN_TYPE") << typ;
  EXPECT_EQ(outcome(by_secret, sign_compact(hs, "", write_claims(claims()))), "WRONG_TOKEN_TYPE");
}

TEST_F(Attack, A10_InjectionThroughKid) {
  for (const std::string kid : {R"(../../../../dev/null)", R"(' OR 1=1 --)", R"(a\u0000b)", R"(|/usr/bin/id)"})
    EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":")" + kid + R"("})")), "KEY_UNKNOWN") << kid;
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":")" + std::string(10'000, 'k') + R"("})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":7})")), "INVALID_FORMAT");
}

TEST_F(Attack, A11_KeysAreNeverFetchedFromWhereATokenSays) {
  const Key other = ed25519_key(2);
  const auto header = R"({"alg":"EdDSA","typ":"at+jwt","jku":"http://127.0.0.1/keys","x5u":"http://127.0.0.1/cert","kid":")" + ed.kid() + R"("})";
  EXPECT_EQ(outcome(by_public_key, token_of(other, header, write_claims(claims()))), "SIGNATURE_INVALID");
}

TEST_F(Attack, A12_HugeIterationCount) {
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA","typ":"at+jwt"})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAA","typ":"at+jwt"})")), "ALGORITHM_NOT_ALLOWED");
}

TEST_F(Attack, A13_CompressedTokenIsNotInflated) {
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","zip":"DEF"})")), "INVALID_FORMAT");
}

TEST_F(Attack, A14_JsonSerialisation) {
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto flattened = R"({"protected":")" + good.substr(0, first) + R"(","payload":")" + good.substr(first + 1, second - first - 1) + R"(","signature":")" + good.substr(second + 1) + R"("})";
  EXPECT_EQ(outcome(by_secret, flattened), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, "{" + good + "}"), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, "\"" + good + "\""), "INVALID_FORMAT");
}

TEST_F(Attack, A15_TypeWithPrefixAndCase) {
  for (const auto* typ : {"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"}) EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "ok") << typ;
  for (const auto* typ : {"text/at+jwt", "application/application/at+jwt", "at+jwt ", "at+jwtx", "application/"}) EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "WRONG_TOKEN_TYPE") << typ;
}

TEST_F(Attack, A16_OneKeyOneAlgorithm) {
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "EdDSA"))), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "HS512"))), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "hs256"))), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(KeySet::of({hs, ed}).error().cause, Cause::CONFLICTING_KEYS);
  EXPECT_EQ(Key::parse_jwk(R"({"kty":"oct","alg":"RS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})").error().cause, Cause::KEY_UNREADABLE);
}

TEST_F(Attack, A17_MembersTwice) {
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"none","alg":"HS256","typ":"at+jwt"})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":"a","kid":"b"})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","\u0061lg":"HS256","typ":"at+jwt"})")), "INVALID_FORMAT");
  auto twice = write_claims(claims());
  twice.pop_back();
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, twice + R"(,"exp":99999999999})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, twice + R"(,"e\u0078p":99999999999})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, twice + R"(,"cnf":{"a":[{"b":1,"b":2}]}})")), "INVALID_FORMAT");
}

TEST_F(Attack, A18_BytesAroundAndSegments) {
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto header = good.substr(0, first);
  const auto payload = good.substr(first + 1, second - first - 1);
  const auto signature = good.substr(second + 1);
  for (const auto& bad : {" " + good, good + " ", good + "\n", good + "\r\n", good + std::string(1, '\0'), good + ".", "." + good, good + "=", header + "..", header + "." + payload, header + "." + payload + "..",
                          header + "." + payload + ".", "." + payload + "." + signature, header + ".." + signature, header + "." + payload + "." + signature + "." + signature, std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, header + "\r\n." + payload + "." + signature})
    EXPECT_EQ(outcome(by_secret, bad), "INVALID_FORMAT") << bad;
}

TEST_F(Attack, A19_NonCanonicalBase64) {
  // 32 bytes leave two unused bits in the last character: A and B differ only there.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  auto token = good;
  const auto value = alphabet.find(token.back());
  ASSERT_EQ(value % 4, 0U);
  for (std::size_t unused = 1; unused < 4; ++unused) {
    token.back() = alphabet[value + unused];
    EXPECT_EQ(outcome(by_secret, token), "INVALID_FORMAT");
  }
  std::string plain_alphabet = good;
  for (auto& c : plain_alphabet) c = c == '-' ? '+' : c == '_' ? '/' : c;
  if (plain_alphabet != good) { EXPECT_EQ(outcome(by_secret, plain_alphabet), "INVALID_FORMAT"); }
}

TEST_F(Attack, A20_TimesThatAreNoTimes) {
  for (const auto* value : {R"("1800000840")", "-1", "-0.5", "9223372036854775808", "253402300800", "null", "true", "[1800000840]", "{}"})
    EXPECT_EQ(fault(by_secret, signed_claims(hs, claims_with("exp", value))), "CLAIM_MISSING exp") << value;
  for (const auto* value : {"1e400", "NaN", "Infinity", "01", "+1", "0x10", "1.", "18446744073709551616"}) EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", value))), "INVALID_FORMAT") << value;
  for (const auto* name : {"nbf", "iat"}) EXPECT_EQ(fault(by_secret, signed_claims(hs, claims_with(name, R"("1")"))), "CLAIM_MISSING " + std::string{name});
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "1800000840.75"))), "ok");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "1.80000084e9"))), "ok");
}

TEST_F(Attack, A21_TokenLongerThan8KiB) {
  EXPECT_EQ(outcome(by_secret, std::string(8 * 1024 + 1, 'a')), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("note", "\"" + std::string(8 * 1024, 'n') + "\""))), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("note", "\"" + std::string(5 * 1024, 'n') + "\""))), "ok");
}

TEST_F(Attack, A22_CritWithAnyName) {
  for (const auto* crit : {R"(["exp"])", R"(["b64"])", R"(["alg"])", "[]", R"("exp")"})
    EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","exp":1,"b64":false,"crit":)" + std::string{crit} + "}")), "INVALID_FORMAT") << crit;
}

TEST_F(Attack, A23_EmbeddedKeyIsNotUsed) {
  const Key mallory = ed25519_key(9);
  const auto header = R"({"alg":"EdDSA","typ":"at+jwt","jwk":)" + json::write(mallory.public_jwk()) + "}";
  EXPECT_EQ(outcome(by_public_key, token_of(mallory, header, write_claims(claims()))), "SIGNATURE_INVALID");
}

TEST_F(Attack, A24_TruncatedSignature) {
  const auto second = good.rfind('.');
  const auto whole = *base64url_decode(good.substr(second + 1));
  for (const std::size_t keep : {std::size_t{1}, std::size_t{16}, std::size_t{31}}) EXPECT_EQ(outcome(by_secret, good.substr(0, second + 1) + base64url_encode(whole.substr(0, keep))), "SIGNATURE_INVALID") << keep;
  EXPECT_EQ(outcome(by_secret, good.substr(0, second + 1) + base64url_encode(whole + "x")), "SIGNATURE_INVALID");
}

TEST_F(Attack, A25_SignatureWithAnotherForm) {
  // For Ed25519 the counterpart of a malleable r, s: S + L verifies in lenient code.
  const auto token = sign_compact(ed, "at+jwt", write_claims(claims()));
  const auto second = token.rfind('.');
  auto signature = *base64url_decode(token.substr(second + 1));
  constexpr unsigned char kOrder[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = static_cast<unsigned char>(signature[32 + i]) + kOrder[i] + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  EXPECT_EQ(outcome(by_public_key, token), "ok");
  EXPECT_EQ(outcome(by_public_key, token.substr(0, second + 1) + base64url_encode(signature)), "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(by_public_key, token.substr(0, second + 1) + base64url_encode(std::string(64, '\0'))), "SIGNATURE_INVALID");
}

} // namespace
} // namespace foyer::jose
