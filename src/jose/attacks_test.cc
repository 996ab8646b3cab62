// The attacks on signed tokens that RFC 8725 and its successor collect, one test each.
// The same tokens at the door of a running server: tests/system/token_attacks.test.mjs.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "jose/testing/vectors_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

// The token with another third segment.
std::string resigned(std::string_view token, std::string_view signature) {
  return std::string{token.substr(0, token.rfind('.') + 1)} + base64url_encode(signature);
}
std::string signature_of(std::string_view token) {
  return base64url_decode(token.substr(token.rfind('.') + 1)).value();
}

// What an attacker makes of a PEM text by hand.
std::string without_last_newline(std::string pem) {
  while (pem.ends_with('\n')) pem.pop_back();
  return pem;
}
std::string der_of(const std::string& pem) {
  std::string body;
  for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
    if (pem[at] != '\n') body += pem[at];
  return base64_decode(body).value();
}

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

TEST_F(Attack, A18_BytesAroundAndSegments) {
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto header = good.substr(0, first);
  const auto payload = good.substr(first + 1, second - first - 1);
  const auto signature = good.substr(second + 1);
  for (const auto& bad :
      {" " + good, "\t" + good, "Bearer " + good, "\xEF\xBB\xBF" + good, good + "\xC2\xA0", good + "%20", good + "#",
          good + "?", good + "&a=b", good + "," + good, good + " " + good, good + " ", good + "\n", good + "\r\n",
          good + std::string(1, '\0'), good + ".", "." + good, good + "=", header + "..", header + "." + payload,
          header + "." + payload + "..", header + "." + payload + ".", "." + payload + "." + signature,
          header + ".." + signature, header + "." + payload + "." + signature + "." + signature, std::string{},
          std::string{"."}, std::string{".."}, std::string{"..."}, header + "\r\n." + payload + "." + signature})
    EXPECT_EQ(outcome(by_secret, bad), "INVALID_FORMAT") << bad;
}

TEST_F(Attack, A19_NonCanonicalBase64) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Claims of every length modulo 3, and signatures of 32, 64, 96, 132 and 256 octets: all unused bits there are.
  std::size_t tried = 0;
  for (const auto& [name, key] : key_of_each_algorithm())
    for (const auto* note : {"\"a\"", "\"aa\"", "\"aaa\""}) {
      const auto token =
          token_of(key, R"({"alg":")" + name + R"(","typ":"at+jwt","note":)" + note + "}", claims_with("note", note));
      EXPECT_EQ(outcome(verifier(key), token), "ok") << name;
      const auto first = token.find('.');
      const auto second = token.rfind('.');
      for (const auto& [last, size] : {std::pair{first - 1, first}, {second - 1, second - first - 1},
               {token.size() - 1, token.size() - second - 1}}) {
        const std::size_t step = size % 4 == 2 ? 16 : size % 4 == 3 ? 4 : 1;
        const auto value = alphabet.find(token[last]);
        ASSERT_EQ(value % step, 0U) << name;
        for (std::size_t unused = 1; unused < step; ++unused, ++tried) {
          auto changed = token;
          changed[last] = alphabet[value + unused];
          EXPECT_EQ(outcome(verifier(key), changed), "INVALID_FORMAT") << name;
        }
        auto padded = token;
        EXPECT_EQ(outcome(verifier(key), padded.insert(last + 1, step == 16 ? "==" : "=")), "INVALID_FORMAT") << name;
        auto longer = token; // a character more, which leaves no whole octet
        EXPECT_EQ(outcome(verifier(key),
                      longer.insert(last + 1,
                          step == 1       ? "A"
                              : step == 4 ? "AA"
                                          : "AAA")),
            "INVALID_FORMAT")
            << name;
      }
    }
  EXPECT_GT(tried, 300U);
  // ~~~ and ??? differ between the alphabets.
  const auto token = signed_claims(hs, claims_with("note", "\"~~~???~~~???\""));
  std::string plain_alphabet = token;
  for (auto& c : plain_alphabet) c = c == '-' ? '+' : c == '_' ? '/' : c;
  ASSERT_NE(plain_alphabet, token);
  EXPECT_EQ(outcome(by_secret, plain_alphabet), "INVALID_FORMAT");
}

TEST_F(Attack, A20_TimesThatAreNoTimes) {
  for (const auto* value :
      {R"("1800000840")", "-1", "-0.5", "9223372036854775808", "9223372036854775807", "18446744073709551615", "1e308",
          "1E18", "253402300800", "-9223372036854775808", "null", R"("NaN")", R"("")", "true", "[1800000840]", "{}"})
    EXPECT_EQ(fault(by_secret, signed_claims(hs, claims_with("exp", value))), "CLAIM_MISSING exp") << value;
  for (const auto* value : {"1e400", "NaN", "Infinity", "01", "+1", "0x10", "1.", ".5", "1e", "1_000", "-",
           "1800000840 1", "-Infinity", "18446744073709551616", "-9223372036854775809", "1e309"})
    EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", value))), "INVALID_FORMAT") << value;
  for (const auto* name : {"nbf", "iat"})
    for (const auto* value : {R"("1")", "-1", "1e308", "9223372036854775808", "true", "[]"})
      EXPECT_EQ(fault(by_secret, signed_claims(hs, claims_with(name, value))), "CLAIM_MISSING " + std::string{name})
          << value;
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "0"))), "TOKEN_EXPIRED");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "-0"))), "TOKEN_EXPIRED");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "1800000840.75"))), "ok");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("exp", "1.80000084e9"))), "ok");
}

TEST_F(Attack, A21_TokenLongerThan8KiB) {
  EXPECT_EQ(outcome(by_secret, std::string(8 * 1024 + 1, 'a')), "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("note", "\"" + std::string(8 * 1024, 'n') + "\""))),
      "INVALID_FORMAT");
  EXPECT_EQ(outcome(by_secret, signed_claims(hs, claims_with("note", "\"" + std::string(5 * 1024, 'n') + "\""))), "ok");
}

TEST_F(Attack, A22_CritWithAnyName) {
  for (const auto* crit :
      {R"(["exp"])", R"(["b64"])", R"(["alg"])", R"(["typ"])", R"(["kid"])", R"(["jwk"])", R"(["exp","exp"])",
          R"(["http://example.com/UNDEFINED"])", "[]", "[1]", R"([""])", R"("exp")", "null", "{}", "false"})
    EXPECT_EQ(
        outcome(by_secret,
            with_header(R"({"alg":"HS256","typ":"at+jwt","exp":1,"b64":false,"crit":)" + std::string{crit} + "}")),
        "INVALID_FORMAT")
        << crit;
}

TEST_F(Attack, A23_EmbeddedKeyIsNotUsed) {
  const Key mallory = ed25519_key(9);
  const auto header = R"({"alg":"EdDSA","typ":"at+jwt","jwk":)" + json::write(mallory.public_jwk()) + "}";
  EXPECT_EQ(outcome(by_public_key, token_of(mallory, header, write_claims(claims()))), "SIGNATURE_INVALID");
  for (const auto& [name, key] : key_of_each_algorithm()) {
    const Key forger = name.starts_with("HS")
        ? Key::from_jwk({{"kty", "oct"}, {"alg", name}, {"k", base64url_encode(std::string(64, 'm'))}}).value()
        : name == "EdDSA" ? mallory
                          : key;
    if (forger.thumbprint() == key.thumbprint()) continue;
    const auto embedded = R"({"alg":")" + name + R"(","typ":"at+jwt","kid":")" + key.kid() + R"(","jwk":)" +
        json::write(forger.private_jwk()) + R"(,"x5c":["AAAA"]})";
    EXPECT_EQ(outcome(verifier(key), token_of(forger, embedded, write_claims(claims()))), "SIGNATURE_INVALID") << name;
  }
}

TEST_F(Attack, A24_TruncatedSignature) {
  for (const auto& [name, key] : key_of_each_algorithm()) {
    const auto token = sign_compact(key, "at+jwt", write_claims(claims()));
    const auto whole = signature_of(token);
    EXPECT_EQ(outcome(verifier(key), token), "ok") << name;
    for (const std::size_t keep :
        {std::size_t{1}, std::size_t{10}, std::size_t{16}, std::size_t{20}, whole.size() / 2, whole.size() - 1})
      EXPECT_EQ(outcome(verifier(key), resigned(token, whole.substr(0, keep))), "SIGNATURE_INVALID")
          << name << " " << keep;
    for (const auto& longer : {whole + "x", whole + '\0', '\0' + whole, whole + whole})
      EXPECT_EQ(outcome(verifier(key), resigned(token, longer)), "SIGNATURE_INVALID") << name;
    EXPECT_EQ(outcome(verifier(key), token.substr(0, token.rfind('.') + 1)), "INVALID_FORMAT")
        << name << ", none at all";
  }
}

std::string order_of(int curve) {
  EC_GROUP* const group = EC_GROUP_new_by_curve_name(curve);
  const BIGNUM* const order = EC_GROUP_get0_order(group);
  std::string out(static_cast<std::size_t>(BN_num_bytes(order)), '\0');
  BN_bn2bin(order, reinterpret_cast<unsigned char*>(out.data()));
  EC_GROUP_free(group);
  return out;
}

TEST_F(Attack, A25_EcdsaNumbersThatAreNoSignature) {
  const std::tuple<const char*, Key, int> curves[] = {{"ES256", p256_key(), NID_X9_62_prime256v1},
      {"ES384", p384_key(), NID_secp384r1}, {"ES512", p521_key(), NID_secp521r1}};
  for (const auto& [name, key, curve] : curves) {
    const auto token = sign_compact(key, "at+jwt", write_claims(claims()));
    const auto good_one = signature_of(token);
    const auto half = good_one.size() / 2;
    const auto r = good_one.substr(0, half);
    const auto s = good_one.substr(half);
    const auto n = order_of(curve);
    ASSERT_EQ(n.size(), half) << name;
    const auto plus = [](std::string number, int step) { // n is odd and ends neither in 00 nor in ff
      number.back() = static_cast<char>(number.back() + step);
      return number;
    };
    const std::string zero(half, '\0');
    const std::string largest(half, '\xff');
    const auto judged = [&, policy_key = key](const std::string& signature) {
      return outcome(verifier(policy_key), resigned(token, signature));
    };
    for (const auto& bad_r : {zero, plus(zero, 1), plus(n, -1), n, plus(n, 1), largest, r})
      for (const auto& bad_s : {zero, plus(zero, 1), plus(n, -1), n, plus(n, 1), largest, s})
        EXPECT_EQ(judged(bad_r + bad_s), bad_r == r && bad_s == s ? "ok" : "SIGNATURE_INVALID") << name;
    EXPECT_EQ(judged(s + r), "SIGNATURE_INVALID") << name << ", the halves changed about";
    // DER, as every library signs before it is turned into R || S.
    const auto integer = [](std::string_view number) {
      while (number.size() > 1 && number.front() == '\0') number.remove_prefix(1);
      std::string content =
          (static_cast<unsigned char>(number.front()) & 0x80U) != 0 ? std::string(1, '\0') : std::string{};
      content += number;
      return std::string{'\x02', static_cast<char>(content.size())} + content;
    };
    const auto pair = integer(r) + integer(s);
    const auto length = pair.size() < 128 ? std::string(1, static_cast<char>(pair.size()))
                                          : std::string{'\x81', static_cast<char>(pair.size())};
    EXPECT_EQ(judged('\x30' + length + pair), "SIGNATURE_INVALID") << name << ", DER";
    EXPECT_EQ(judged('\0' + r + '\0' + s), "SIGNATURE_INVALID") << name << ", a zero before each";
    EXPECT_EQ(judged(std::string(half, '\0') + r + std::string(half, '\0') + s), "SIGNATURE_INVALID")
        << name << ", twice as long";
    EXPECT_EQ(judged(r.substr(1) + s.substr(1)), "SIGNATURE_INVALID") << name << ", an octet less each";
  }
}

TEST_F(Attack, A25_RsaNumbersThatAreNoSignature) {
  for (const auto* alg : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) {
    const Key key = rsa_key(alg);
    const auto token = sign_compact(key, "at+jwt", write_claims(claims()));
    const auto n = base64url_decode(json::get_string(key.public_jwk(), "n").value()).value();
    const auto size = n.size();
    std::string one(size, '\0');
    one.back() = 1;
    auto less = n;
    less.back() = static_cast<char>(less.back() - 1);
    for (const auto& bad : {std::string(size, '\0'), one, less, n, std::string(size, '\xff'),
             '\0' + signature_of(token), signature_of(token) + '\0'})
      EXPECT_EQ(outcome(verifier(key), resigned(token, bad)), "SIGNATURE_INVALID") << alg;
    EXPECT_EQ(outcome(verifier(key), token), "ok") << alg;
  }
}

TEST_F(Attack, A25_Ed25519SignatureWithAnotherForm) {
  // For Ed25519 the counterpart of a malleable r, s: S + L verifies in lenient code.
  const auto token = sign_compact(ed, "at+jwt", write_claims(claims()));
  const auto second = token.rfind('.');
  auto signature = *base64url_decode(token.substr(second + 1));
  constexpr unsigned char kOrder[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde,
      0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = static_cast<unsigned char>(signature[32 + i]) + kOrder[i] + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  EXPECT_EQ(outcome(by_public_key, token), "ok");
  EXPECT_EQ(outcome(by_public_key, token.substr(0, second + 1) + base64url_encode(signature)), "SIGNATURE_INVALID");
  EXPECT_EQ(outcome(by_public_key, token.substr(0, second + 1) + base64url_encode(std::string(64, '\0'))),
      "SIGNATURE_INVALID");
}

} // namespace
} // namespace foyer::jose
