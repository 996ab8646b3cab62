// The attacks on signed tokens that RFC 8725 and its successor collect, one test each.
// The same tokens at the door of a running server: tests/system/token_attacks.test.mjs.
#include <gtest/gtest.h>

#include "jose/testing/attack_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

TEST_F(Attack, A01_AlgorithmNoneInAnyCase) {
  for (const auto* alg : {"none", "None", "NONE", "noNE", "nonE", "nOnE"}) {
    const auto unsigned_token = base64url_encode(R"({"alg":")" + std::string{alg} + R"(","typ":"at+jwt"})") + "." +
        base64url_encode(write_claims(claims())) + ".";
    EXPECT_EQ(outcome(by_secret, unsigned_token), "ALGORITHM_NOT_ALLOWED") << alg;
    EXPECT_EQ(outcome(by_public_key, unsigned_token), "ALGORITHM_NOT_ALLOWED") << alg;
    EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, alg))), "ALGORITHM_NOT_ALLOWED") << alg;
    for (const auto& [name, key] : key_of_each_algorithm())
      EXPECT_EQ(outcome(verifier(key), unsigned_token), "ALGORITHM_NOT_ALLOWED")
          << alg << " where " << name << " is due";
  }
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"","typ":"at+jwt"})")), "ALGORITHM_NOT_ALLOWED");
  for (const auto* alg : {"null", "false", "[]", R"(["HS256"])", "256", "{}"})
    EXPECT_EQ(
        outcome(by_secret, with_header(R"({"alg":)" + std::string{alg} + R"(,"typ":"at+jwt"})")), "INVALID_FORMAT")
        << alg;
  EXPECT_EQ(outcome(by_secret, with_header(R"({"typ":"at+jwt"})")), "INVALID_FORMAT");
}

TEST_F(Attack, A02_PublicKeyAsHmacSecret) {
  for (const auto& [name, key] : {std::pair{"RS256", rsa_key("RS256")}, {"PS256", rsa_key("PS256")},
           {"ES256", p256_key()}, {"ES384", p384_key()}, {"ES512", p521_key()}, {"EdDSA", ed}}) {
    const std::string pem = key.public_part().to_pem();
    ASSERT_TRUE(pem.starts_with("-----BEGIN PUBLIC KEY-----\n")) << name;
    auto crlf = pem;
    for (std::size_t at = 0; (at = crlf.find('\n', at)) != std::string::npos; at += 2) crlf.insert(at, 1, '\r');
    const auto jwk = key.public_jwk();
    const auto set = (*KeySet::of(key.public_part()))->to_jwks();
    for (const auto& secret :
        {pem, without_last_newline(pem), crlf, der_of(pem), base64_encode(der_of(pem)), json::write(jwk),
            json::write_pretty(jwk), set, std::string{json::get_string(jwk, jwk.contains("n") ? "n" : "x").value()}})
      for (const std::string& kid : {R"(,"kid":")" + key.kid() + "\"", std::string{}})
        for (const auto* alg : {"HS256", "HS384", "HS512"}) {
          const auto forged_with = Key::from_jwk({{"kty", "oct"},
              {"k", base64url_encode(secret.size() < 64 ? secret + std::string(64 - secret.size(), '\0') : secret)},
              {"alg", alg}});
          ASSERT_TRUE(forged_with) << name << " "
                                   << alg; // HMAC fills short keys with zeros: the code is that of the secret as it is
          const auto header = R"({"alg":")" + std::string{alg} + R"(","typ":"at+jwt")" + kid + "}";
          EXPECT_EQ(
              outcome(verifier(key), token_of(*forged_with, header, write_claims(claims()))), "ALGORITHM_NOT_ALLOWED")
              << name << " " << alg;
        }
  }
}

TEST_F(Attack, A03_WeakHmacSecretIsNoKey) {
  // That a server with one does not start: tests/system/configuration.test.mjs.
  EXPECT_EQ(Key::from_secret(std::string(31, 'x')).error().cause, Cause::WEAK_SECRET);
  EXPECT_EQ(Key::from_secret("").error().cause, Cause::WEAK_SECRET);
  EXPECT_EQ(Key::parse_jwk(R"({"kty":"oct","k":"c2hvcnQ"})").error().cause, Cause::WEAK_SECRET);
  EXPECT_EQ(Key::parse_jwk(R"({"kty":"oct","k":""})").error().cause, Cause::KEY_UNREADABLE);
  const std::pair<const char*, std::size_t> needed[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};
  for (const auto& [alg, bytes] : needed) {
    const auto of = [&, name = alg](std::size_t size) {
      return Key::from_jwk({{"kty", "oct"}, {"alg", name}, {"k", base64url_encode(std::string(size, 'x') + "y")}});
    };
    EXPECT_EQ(of(bytes - 2).error().cause, Cause::WEAK_SECRET) << alg;
    EXPECT_TRUE(of(bytes - 1)) << alg;
  }
}

TEST_F(Attack, A04_EncryptedTokenWhereASignedOneIsDue) {
  EXPECT_EQ(outcome(by_secret, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn"), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","enc":"A256GCM","typ":"at+jwt"})")), "INVALID_FORMAT");
}

TEST_F(Attack, A05_NestedTokenIsNotUnwrapped) {
  const auto unsigned_inside =
      base64url_encode(R"({"alg":"none","typ":"at+jwt"})") + "." + base64url_encode(write_claims(claims())) + ".";
  for (const auto& inner : {good, unsigned_inside, "\"" + good + "\""})
    for (const auto* cty : {R"(,"cty":"JWT")", R"(,"cty":"jwt")", ""})
      EXPECT_EQ(outcome(by_secret, token_of(hs, R"({"alg":"HS256","typ":"at+jwt")" + std::string{cty} + "}", inner)),
          "INVALID_FORMAT")
          << cty;
  for (const auto* name : {"RFC7519_A2_nested", "RFC7520_6_nested"})
    EXPECT_EQ(outcome(verifier(rsa_key("RS256")), printed(name).token), "INVALID_FORMAT") << name;
}

TEST_F(Attack, A06_KeyAgreementIsRefused) {
  EXPECT_EQ(outcome(by_secret,
                with_header(R"({"alg":"ECDH-ES","typ":"at+jwt","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}})")),
      "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(
      outcome(by_secret,
          base64url_encode(R"({"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}})") +
              "..aXY.Y2lwaGVy.dGFn"),
      "INVALID_FORMAT");
}

TEST_F(Attack, A07_OtherEncodingsOfJson) {
  const auto widened = [](std::string_view text, std::size_t width, bool big_endian) {
    std::string out;
    for (const char c : text) {
      std::string unit(width, '\0');
      unit[big_endian ? width - 1 : 0] = c;
      out += unit;
    }
    return out;
  };
  const std::string plain = write_claims(claims());
  const std::string header = header_of(hs, "HS256");
  const std::string marks[] = {
      "\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF", std::string{"\xFF\xFE\0\0", 4}, std::string{"\0\0\xFE\xFF", 4}};
  std::vector<std::pair<std::string, std::string>> forms; // of the header, of the claims
  for (const std::size_t width : {std::size_t{2}, std::size_t{4}})
    for (const bool big_endian : {false, true}) {
      forms.emplace_back(widened(header, width, big_endian), widened(plain, width, big_endian));
      for (const auto& mark : marks)
        forms.emplace_back(mark + widened(header, width, big_endian), mark + widened(plain, width, big_endian));
    }
  for (const auto& mark : marks) forms.emplace_back(mark + header, mark + plain);
  for (const auto& [strange_header, strange_claims] : forms) {
    EXPECT_EQ(outcome(by_secret, token_of(hs, strange_header, plain)), "INVALID_FORMAT");
    EXPECT_EQ(outcome(by_secret, token_of(hs, header, strange_claims)), "INVALID_FORMAT");
  }
  for (const auto* bad : {"\"\xff\xfe\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", R"("\ud800")"})
    EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("name", bad))), "INVALID_FORMAT") << bad;
}

TEST_F(Attack, A08_SubstitutionOfIssuerAndAudience) {
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("aud", R"("billing")"))), "AUDIENCE_MISMATCH");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("aud", R"(["billing","foyer2"])"))), "AUDIENCE_MISMATCH");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("iss", R"("https://chat.example/")"))), "ISSUER_MISMATCH");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("iss", R"("https://CHAT.example")"))), "ISSUER_MISMATCH");
  // Another issuer whose key has the same name.
  EXPECT_EQ(outcome(verifier(ed.with_kid("2026-01")),
                sign_compact(ed25519_key(2).with_kid("2026-01"), "at+jwt", write_claims(claims()))),
      "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(verifier(rsa_key("RS256").with_kid("2026-01")),
                sign_compact(
                    printed_key("RFC7520_4_1_RS256", "RS256").with_kid("2026-01"), "at+jwt", write_claims(claims()))),
      "SIGNATURE_INVALID");
}

TEST_F(Attack, A09_TokensOfOtherKinds) {
  // Every kind of token at every door, also those that are no JWT: oauth_test.cc in accounts.
  for (const auto* typ : {"JWT", "refresh+jwt", "ticket+jwt", "service+jwt", "doctor+jwt", "dpop+jwt", "id_token"})
    EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "WRONG_TOKEN_TYPE") << typ;
  EXPECT_EQ(outcome(by_secret, sign_compact(hs, "", write_claims(claims()))), "WRONG_TOKEN_TYPE");
}

TEST_F(Attack, A10_InjectionThroughKid) {
  for (const std::string& kid : std::vector<std::string>{R"(../../../../dev/null)", R"(/proc/self/environ)",
           R"(' OR 1=1 --)", R"(x' UNION SELECT 'secret)", R"(a\u0000b)", R"(|/usr/bin/id)", R"(http://127.0.0.1/key)",
           R"(%00)", R"(\r\nx: y)", R"()"})
    EXPECT_EQ(
        outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":")" + kid + R"("})")), "KEY_UNKNOWN")
        << kid;
  EXPECT_EQ(
      outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":")" + std::string(10'000, 'k') + R"("})")),
      "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":7})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","kid":")" + hs.kid() + R"(\u0000"})")),
      "KEY_UNKNOWN");
  const auto shown =
      by_secret.verify(with_header(R"({"alg":"HS256","typ":"at+jwt","kid":"\u001b[2J\nforged line"})"), kNow);
  EXPECT_EQ(shown.error().operator_text().find_first_of("\x1b\n"), std::string::npos)
      << "nor through a terminal or a log";
}

TEST_F(Attack, A11_KeysAreNeverFetchedFromWhereATokenSays) {
  // Nothing in this folder could; that the server does not either: token_attacks.test.mjs.
  const Key other = ed25519_key(2);
  for (const auto* place : {"http://127.0.0.1/keys", "http://localhost/keys", "http://[::1]/keys", "file:///etc/passwd",
           "https://chat.example/.well-known/jwks.json", "https://chat.example@127.0.0.1/"})
    for (const auto* member : {"jku", "x5u", "jwks_uri"}) {
      const auto header = R"({"alg":"EdDSA","typ":"at+jwt",")" + std::string{member} + R"(":")" + place +
          R"(","kid":")" + ed.kid() + R"("})";
      EXPECT_EQ(outcome(by_public_key, token_of(other, header, write_claims(claims()))), "SIGNATURE_INVALID")
          << member << " " << place;
      EXPECT_EQ(outcome(by_public_key, token_of(ed, header, write_claims(claims()))), "ok")
          << "where the signature is ours, the member says nothing";
    }
}

TEST_F(Attack, A12_HugeIterationCount) {
  EXPECT_EQ(
      outcome(by_secret,
          with_header(R"({"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA","typ":"at+jwt"})")),
      "INVALID_FORMAT");
  EXPECT_EQ(
      outcome(by_secret, with_header(R"({"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAA","typ":"at+jwt"})")),
      "ALGORITHM_NOT_ALLOWED");
}

TEST_F(Attack, A13_CompressedTokenIsNotInflated) {
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","zip":"DEF"})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, with_header(R"({"alg":"HS256","typ":"at+jwt","zip":null})")), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, token_of(hs, header_of(hs, "HS256"), std::string{"\xab\x56\x4a\xad\x28\xc8", 6})),
      "INVALID_FORMAT")
      << "compressed without saying so";
}

TEST_F(Attack, A14_JsonSerialisation) {
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto flattened = R"({"protected":")" + good.substr(0, first) + R"(","payload":")" +
      good.substr(first + 1, second - first - 1) + R"(","signature":")" + good.substr(second + 1) + R"("})";
  EXPECT_EQ(outcome(by_secret, flattened), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, "{" + good + "}"), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, "\"" + good + "\""), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, "[" + good + "]"), "INVALID_FORMAT");
  // Both at once: what reads as JSON and, cut at its dots, as a compact token.
  EXPECT_EQ(outcome(by_secret, R"({"payload":")" + good + R"(","signatures":[]})"), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, good + R"({"payload":""})"), "INVALID_FORMAT");
  for (const char c : std::string{"{}[]\"',: "})
    EXPECT_EQ(outcome(by_secret, good.substr(0, first + 1) + c + good.substr(first + 1)), "INVALID_FORMAT") << c;
  for (const auto* name :
      {"RFC7515_A6_general_JSON", "RFC7515_A7_flattened_JSON", "RFC7520_4_8_multiple_signatures_general_JSON"})
    EXPECT_EQ(outcome(by_secret, printed(name).token), "INVALID_FORMAT") << name;
}

TEST_F(Attack, A15_TypeWithPrefixAndCase) {
  for (const auto* typ : {"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"})
    EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "ok") << typ;
  for (const auto* typ : {"text/at+jwt", "application/application/at+jwt", "at+jwt ", "at+jwtx", "application/"})
    EXPECT_EQ(outcome(by_secret, sign_compact(hs, typ, write_claims(claims()))), "WRONG_TOKEN_TYPE") << typ;
}

TEST_F(Attack, A16_OneKeyOneAlgorithm) {
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "EdDSA"))), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "HS512"))), "ALGORITHM_NOT_ALLOWED");
  EXPECT_EQ(outcome(by_secret, with_header(header_of(hs, "hs256"))), "ALGORITHM_NOT_ALLOWED");
  const auto& keys = key_of_each_algorithm();
  for (const auto& [of, key] : keys)
    for (const auto& [alg, unused] : keys)
      EXPECT_EQ(outcome(verifier(key), token_of(key, header_of(key, alg), write_claims(claims()))),
          alg == of ? "ok" : "ALGORITHM_NOT_ALLOWED")
          << "a key for " << of << ", a token that says " << alg;
  // One RSA key, and a signature that is good for another algorithm of its kind.
  EXPECT_EQ(outcome(verifier(rsa_key("PS256")),
                token_of(rsa_key("RS256"), header_of(rsa_key("PS256"), "PS256"), write_claims(claims()))),
      "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(verifier(rsa_key("RS256")),
                token_of(rsa_key("RS512"), header_of(rsa_key("RS256"), "RS256"), write_claims(claims()))),
      "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(verifier(hmac_key("HS256")),
                token_of(hmac_key("HS512"), header_of(hmac_key("HS256"), "HS256"), write_claims(claims()))),
      "SIGNATURE_INVALID");
  EXPECT_EQ(KeySet::of({hs, ed}).error().cause, Cause::CONFLICTING_KEYS);
  EXPECT_EQ(
      Key::parse_jwk(R"({"kty":"oct","alg":"RS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})").error().cause,
      Cause::KEY_UNREADABLE);
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

} // namespace
} // namespace foyer::jose
