// What the RFCs ask of tokens and keys, a test for each row: what is accepted, what is
// refused, and where the border between the two is.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "jose/testing/vectors_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

const Key& hs() {
  static const Key key = hs256_key();
  return key;
}
std::string said(const std::string& header, const std::string& claims_json) {
  return outcome(verifier(hs()), token_of(hs(), header, claims_json));
}
std::string said_of_header(const std::string& header) { return said(header, write_claims(claims())); }
std::string said_of_claim(std::string_view name, std::string_view value, WallTime now = kNow) {
  return outcome(verifier(hs()), signed_claims(hs(), claims_with(name, value)), now);
}
std::string of(const auto& result) {
  return result ? "ok"
                : std::string{result.error().code()} + (result.error().field.empty() ? "" : " " + result.error().field);
}
std::string key_says(json::Object jwk, std::string_view name, const json::Value& value) {
  jwk[name] = value;
  return of(Key::from_jwk(jwk));
}
json::Value base64(std::string_view bytes) { return json::Value(base64url_encode(bytes)); }
json::Object public_jwk(const Key& key) { return key.public_part().public_jwk(); }

// RFC 7515

TEST(Rfc7515, Section2_Base64urlHasNoPaddingWhiteSpaceOrLineBreaks) {
  const auto token = signed_claims(hs(), write_claims(claims()));
  ASSERT_EQ(outcome(verifier(hs()), token), "ok");
  for (const auto* piece : {"=", "==", " ", "\n", "\r\n", "\t", "+", "/", "%3D", "\xc2\xa0"})
    for (const std::size_t at : {token.find('.') - 4, token.find('.'), token.find('.') + 1, token.find('.') + 5,
             token.rfind('.'), token.size() - 4, token.size()}) {
      auto changed = token;
      EXPECT_EQ(outcome(verifier(hs()), changed.insert(at, piece)), "INVALID_FORMAT") << piece << " at " << at;
    }
}

TEST(Rfc7515, Section4_HeaderMemberNamesAreUnique) {
  EXPECT_EQ(said_of_header(R"({"alg":"HS256","typ":"at+jwt","typ":"at+jwt"})"), "INVALID_FORMAT");
  EXPECT_EQ(said_of_header(R"({"alg":"HS256","typ":"at+jwt","x":1,"x":1})"), "INVALID_FORMAT");
  EXPECT_EQ(said_of_header(R"({"alg":"HS256","typ":"at+jwt","jwk":{"kty":"oct","kty":"RSA"}})"), "INVALID_FORMAT");
  EXPECT_EQ(said_of_header(R"({"alg":"HS256","typ":"at+jwt","Alg":"none","ALG":"none"})"), "ok")
      << "names differ by case, and unknown ones say nothing";
}

TEST(Rfc7515, Section4_1_1_AlgIsCaseSensitiveAndMustBeThere) {
  for (const auto& [name, key] : key_of_each_algorithm()) {
    auto lower = name;
    for (auto& c : lower) c = static_cast<char>(c | 0x20);
    for (const auto& alg : {lower, name + " ", " " + name, name + "\\u0000", name.substr(1)})
      EXPECT_EQ(
          outcome(verifier(key), token_of(key, R"({"alg":")" + alg + R"(","typ":"at+jwt"})", write_claims(claims()))),
          "ALGORITHM_NOT_ALLOWED")
          << alg;
    EXPECT_EQ(
        outcome(verifier(key), token_of(key, R"({"alg":")" + name + R"(","typ":"at+jwt"})", write_claims(claims()))),
        "ok")
        << name;
  }
  EXPECT_EQ(said_of_header(R"({"typ":"at+jwt"})"), "INVALID_FORMAT");
}

TEST(Rfc7515, Section4_1_11_CritIsAListOfWhichNothingIsUnderstood) {
  const auto crit = [](std::string_view value) {
    return said_of_header(R"({"alg":"HS256","typ":"at+jwt","x":1,"crit":)" + std::string{value} + "}");
  };
  for (const auto* value : {R"(["x"])", "[]", R"(["y"])", R"(["alg"])", R"(["x","x"])", R"("x")", "null", "[1]"})
    EXPECT_EQ(crit(value), "INVALID_FORMAT") << value;
  EXPECT_EQ(said_of_header(R"({"alg":"HS256","typ":"at+jwt","x":1,"b64":true})"), "ok")
      << "what is not in crit may be ignored";
}

TEST(Rfc7515, Section5_2_HeaderAndPayloadAreWhatTheyShouldBe) {
  for (const auto* header : {"", "null", "[]", "\"x\"", "{", R"({"alg":"HS256","typ":"at+jwt"} x)",
           R"({"alg":"HS256","typ":"at+jwt"}{})", R"({'alg':'HS256'})", R"({"alg":"HS256",})"})
    EXPECT_EQ(said_of_header(header), "INVALID_FORMAT") << header;
  EXPECT_EQ(said_of_header("{ \"typ\" : \"at+jwt\" ,\r\n\t\"alg\" : \"HS256\" }\n"), "ok")
      << "white space in JSON is none in base64url";
  EXPECT_EQ(said_of_header(R"({"\u0061lg":"HS\u0032\u0035\u0036","typ":"at\u002bjwt"})"), "ok")
      << "escaped and plain are one";
  // As a signature alone any octets do, also none.
  for (const std::string& payload :
      {std::string{}, std::string(1, '\0'), std::string(1000, '\xff'), std::string{"{"}}) {
    const auto token = token_of(hs(), R"({"alg":"HS256"})", payload);
    const auto jws = parse_compact(token);
    ASSERT_TRUE(jws) << jws.error().evidence;
    EXPECT_TRUE(verify_signature(*jws, **KeySet::of(hs())));
    EXPECT_EQ(jws->payload, payload);
    EXPECT_EQ(outcome(verifier(hs()), token), "INVALID_FORMAT") << "and no claims";
  }
}

TEST(Rfc7515, Section4_1_WhatATokenSaysOfItsKeyIsNeverBelieved) {
  for (const auto& [name, key] : key_of_each_algorithm()) {
    const auto members = R"(,"jwk":)" + json::write(ed25519_key(3).public_jwk()) +
        R"(,"jku":"https://elsewhere.example/keys","x5u":"https://elsewhere.example/cert","x5c":["MIIB"],"x5t":"AAAA","x5t#S256":"AAAA"})";
    EXPECT_EQ(outcome(verifier(key),
                  token_of(key, R"({"alg":")" + name + R"(","typ":"at+jwt")" + members, write_claims(claims()))),
        "ok")
        << name;
  }
  EXPECT_EQ(outcome(verifier(ed25519_key(1)),
                token_of(ed25519_key(3),
                    R"({"alg":"EdDSA","typ":"at+jwt","jwk":)" + json::write(ed25519_key(3).public_jwk()) + "}",
                    write_claims(claims()))),
      "SIGNATURE_INVALID");
}

// RFC 7517

TEST(Rfc7517, Section4_2_UseIsSig) {
  for (const auto& key : {rsa_key("RS256"), p256_key(), ed25519_key()}) {
    EXPECT_EQ(key_says(public_jwk(key), "use", "sig"), "ok");
    for (const auto* use : {"enc", "SIG", "", "tls"})
      EXPECT_EQ(key_says(public_jwk(key), "use", use), "KEY_UNREADABLE use") << use;
    EXPECT_EQ(key_says(public_jwk(key), "use", 1), "KEY_UNREADABLE use");
  }
}

TEST(Rfc7517, Section4_3_KeyOpsContainVerify) {
  const auto jwk = public_jwk(p256_key());
  EXPECT_EQ(key_says(jwk, "key_ops", {"verify"}), "ok");
  EXPECT_EQ(key_says(jwk, "key_ops", {"sign", "verify"}), "ok");
  EXPECT_EQ(key_says(jwk, "key_ops", {"encrypt"}), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(key_says(jwk, "key_ops", {"sign"}), "KEY_UNREADABLE key_ops") << "a public key cannot sign";
  EXPECT_EQ(key_says(jwk, "key_ops", {"verify", "verify"}), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(key_says(jwk, "key_ops", {"verify", "encrypt"}), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(key_says(jwk, "key_ops", json::Array{}), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(key_says(jwk, "key_ops", "verify"), "KEY_UNREADABLE key_ops");
}

TEST(Rfc7517, Section4_4_AlgIsTheOnlyOneOfItsKey) {
  const auto given = [](const Key& key) { return key.symmetric() ? key.private_jwk() : public_jwk(key); };
  const auto kind = [&](const Key& key) {
    return std::pair{std::string{json::get_string(given(key), "kty").value()},
        std::string{json::get_string(given(key), "crv").value_or("")}};
  };
  const auto& keys = key_of_each_algorithm();
  for (const auto& [name, key] : keys)
    for (const auto& [alg, other] : keys)
      EXPECT_EQ(key_says(given(key), "alg", json::Value(alg)), kind(key) == kind(other) ? "ok" : "KEY_UNREADABLE alg")
          << name << " as " << alg;
  for (const auto* alg : {"none", "rs256", "RSA-OAEP", "A256GCM", "ES521", ""})
    EXPECT_EQ(key_says(public_jwk(rsa_key("RS256")), "alg", alg), "KEY_UNREADABLE alg") << alg;
}

TEST(Rfc7517, Section4_5_KidsOfASetAreUnique) {
  const auto first = ed25519_key(1).with_kid("a").public_jwk();
  const auto second = ed25519_key(2).with_kid("a").public_jwk();
  EXPECT_EQ(of(KeySet::parse(json::write(json::Object{{"keys", {first, second}}}))), "ok");
  EXPECT_EQ((*KeySet::parse(json::write(json::Object{{"keys", {first, second}}})))->keys().size(), 1U)
      << "the first of a kid";
  EXPECT_EQ(
      of(KeySet::parse(json::write(json::Object{{"keys", {first, ed25519_key(2).with_kid("b").public_jwk()}}}))), "ok");
  EXPECT_EQ(key_says(first, "kid", ""), "KEY_UNREADABLE kid");
  EXPECT_EQ(key_says(first, "kid", json::Value(std::string(257, 'k'))), "KEY_UNREADABLE kid");
  EXPECT_EQ(key_says(first, "kid", 1), "KEY_UNREADABLE kid");
}

TEST(Rfc7517, Section5_UnknownKindsAndMembersAreIgnored) {
  auto known = ed25519_key().public_jwk();
  known["x-internal"] = json::Array{1, "two"};
  known["x5u"] = "http://127.0.0.1/";
  const auto set = KeySet::parse(json::write(
      json::Object{{"keys",
                       {known, {{"kty", "QUANTUM"}, {"q", 1}}, {{"kty", "OKP"}, {"crv", "Ed448"}, {"x", "AA"}},
                           {{"kty", "EC"}, {"crv", "secp256k1"}}, {{"kty", "RSA"}, {"use", "enc"}}}},
          {"next", "page"}}));
  ASSERT_TRUE(set) << set.error().evidence;
  EXPECT_EQ((*set)->keys().size(), 1U);
  EXPECT_EQ(of(Key::parse_jwk(R"({"kty":"QUANTUM"})")), "KEY_UNREADABLE kty") << "alone it is no key";
}

// RFC 7518

TEST(Rfc7518, Section3_2_AnHmacKeyIsAtLeastAsLongAsItsHash) {
  const std::pair<const char*, std::size_t> needed[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};
  for (const auto& [alg, bytes] : needed) {
    const auto says = [&, name = alg](std::size_t size) {
      return of(Key::from_jwk({{"kty", "oct"}, {"alg", name}, {"k", base64url_encode(std::string(size, 'k'))}}));
    };
    EXPECT_TRUE(says(bytes - 1).starts_with("WEAK_SECRET")) << alg;
    EXPECT_EQ(says(bytes), "ok") << alg;
    EXPECT_EQ(says(200), "ok") << alg << ", longer than a block";
  }
}

TEST(Rfc7518, Section3_3_AnRsaKeyHas2048BitsOrMore) {
  const std::string small =
      "x7cu_eTvEuirMAgct5_5BNkMozYj1269JXTqcWDtGoo8yPqJ96-5lKZLBWF9ob6arNHGWXWX5FHAyLcsUQewP_"
      "LDtFoq7f5pLCaOBq575PzofC51Q_h8pwMwe4B5Uq9gVlZJdI8AE-YzhQugWYSm"
      "NtS6T1ecYLzZLcaoPaZ5Uu8";
  EXPECT_EQ(of(Key::from_jwk({{"kty", "RSA"}, {"n", small}, {"e", "AQAB"}})), "WEAK_KEY n");
  const auto good = public_jwk(rsa_key("RS256"));
  auto n = base64url_decode(json::get_string(good, "n").value()).value();
  EXPECT_EQ(key_says(good, "n", base64('\0' + n)), "KEY_UNREADABLE n") << "a leading zero octet (§2)";
  n.front() = static_cast<char>(n.front() & 0x7f);
  EXPECT_EQ(key_says(good, "n", base64(n)), "WEAK_KEY n") << "2047 bits or less";
  EXPECT_EQ(key_says(good, "e", "AQ"), "WEAK_KEY e") << "an exponent of 1";
  for (const auto* e : {"AA", "Ag", "AAEAAQ", ""})
    EXPECT_TRUE(key_says(good, "e", e).ends_with(" e")) << e << ": zero, even, padded, none";
  EXPECT_EQ(key_says(good, "e", "Aw"), "ok") << "3 is an odd choice, and legal";
}

TEST(Rfc7518, Section3_3_AModulusOfAFaultyChipIsNoKey) {
  // Not one of anybody: a power of 65537 modulo the product of the first 126 primes, plus a multiple of it.
  const std::string roca =
      "lHma4bB8SJLrEBIdbp3XStMX0YfQqKMb5CnjKlCO-I9e_Ric-O7xiRSKqqQ1pcnwkcp4xDi6ek8eG_"
      "J6GpcA5iLG00qmDLfblIHGP9rYnx9xpiIO_olIzAJStsC7q6qGh8Oyww-RooG7nXmTPvN5cq"
      "wZHFoNX4cXJpuGAyedHIM4sOSciywgiPrl1QJb-awNYaa_5fjg4pyj7xuCgvRLILIZOMiK8ynPi2OXW1C_qGsZ_"
      "r2I2Oh4LQCYj2eTBaPsfZI0NwnZU2XyZdPjVqsce_s1gq1FX6T_POgpCHJKqrIE"
      "gJ46s9h9OjAr36NdR27ysqwhYT7oQJ9GO_uPTJ96SQ";
  EXPECT_EQ(of(Key::from_jwk({{"kty", "RSA"}, {"n", roca}, {"e", "AQAB"}})), "WEAK_KEY n");
}

TEST(Rfc7518, Section3_4_AnEcdsaSignatureIsExactlyRThenS) {
  const std::tuple<const char*, Key, std::size_t> sizes[] = {
      {"ES256", p256_key(), 64}, {"ES384", p384_key(), 96}, {"ES512", p521_key(), 132}};
  for (const auto& [name, key, size] : sizes)
    for (int i = 0; i < 40; ++i) { // signatures differ; numbers with leading zeros are among them now and then
      const auto signature = key.sign("input " + std::to_string(i));
      ASSERT_EQ(signature.size(), size) << name;
      EXPECT_TRUE(key.public_part().verify("input " + std::to_string(i), signature)) << name;
      EXPECT_FALSE(key.verify("input " + std::to_string(i), signature.substr(0, size - 1))) << name;
      EXPECT_FALSE(key.verify("input " + std::to_string(i), signature + '\0')) << name;
    }
}

// A PSS signature with a salt of a chosen length.
std::string sign_pss(const Key& key, const EVP_MD* digest, const EVP_MD* mask, int salt, std::string_view input) {
  const std::string pem = key.to_pem();
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  std::string out(1024, '\0');
  std::size_t size = out.size();
  const bool done = EVP_DigestSignInit(context, &options, digest, nullptr, pkey) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_mgf1_md(options, mask) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt) == 1 &&
      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size,
          reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  out.resize(done ? size : 0);
  return out;
}

TEST(Rfc7518, Section3_5_APssSaltIsAsLongAsTheHash) {
  const std::tuple<const char*, const EVP_MD*, int> hashes[] = {
      {"PS256", EVP_sha256(), 32}, {"PS384", EVP_sha384(), 48}, {"PS512", EVP_sha512(), 64}};
  for (const auto& [name, digest, bytes] : hashes) {
    const Key key = rsa_key(name);
    for (const int salt : {0, 1, 20, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100}) {
      const auto signature = sign_pss(key, digest, digest, salt, "input");
      ASSERT_EQ(signature.size(), 256U) << name << " " << salt;
      EXPECT_EQ(key.verify("input", signature), salt == bytes) << name << " with a salt of " << salt;
    }
    EXPECT_FALSE(key.verify("input", sign_pss(key, digest, EVP_sha1(), bytes, "input")))
        << name << " with another mask";
  }
}

TEST(Rfc7518, Section3_6_NoneIsNoAlgorithm) {
  EXPECT_FALSE(find_algorithm("none"));
  EXPECT_EQ(Key::from_jwk({{"kty", "oct"}, {"alg", "none"}, {"k", base64url_encode(kSecret)}}).error().field, "alg");
}

TEST(Rfc7518, Section6_2_EcCoordinatesHaveTheirFullLength) {
  for (const auto& key : {p256_key(), p384_key(), p521_key()}) {
    const auto jwk = public_jwk(key);
    for (const auto* name : {"x", "y"}) {
      const auto number = base64url_decode(json::get_string(jwk, name).value()).value();
      for (const auto& bad : {number.substr(1), '\0' + number, number + '\0', number.substr(0, number.size() - 1),
               std::string{}, std::string(number.size(), '\0'), std::string(number.size(), '\xff')})
        EXPECT_TRUE(key_says(jwk, name, base64(bad)).starts_with("KEY_UNREADABLE")) << name;
      auto off = number; // not a point of the curve
      off.back() = static_cast<char>(off.back() ^ 1);
      EXPECT_TRUE(key_says(jwk, name, base64(off)).starts_with("KEY_UNREADABLE")) << name;
    }
    for (const auto* crv : {"P-256", "P-384", "P-521", "p-256", "secp256k1", ""})
      if (json::get_string(jwk, "crv") != crv) {
        EXPECT_TRUE(key_says(jwk, "crv", crv).starts_with("KEY_UNREADABLE")) << crv;
      }
  }
}

// RFC 7519

TEST(Rfc7519, Section4_ClaimNamesAreUnique) {
  auto twice = write_claims(claims());
  twice.pop_back();
  for (const auto* name : {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "anything"})
    EXPECT_EQ(said(header_of(hs(), "HS256"), twice + ",\"" + name + "\":1,\"" + name + "\":2}"), "INVALID_FORMAT")
        << name;
}

TEST(Rfc7519, Section4_1_3_AudienceIsOneOrAListThatNamesUs) {
  for (const auto* aud : {R"("foyer")", R"(["foyer"])", R"(["billing","foyer"])"})
    EXPECT_EQ(said_of_claim("aud", aud), "ok") << aud;
  for (const auto* aud : {R"("Foyer")", R"("foyer ")", R"(["billing"])", "[]", R"("billing foyer")"})
    EXPECT_EQ(said_of_claim("aud", aud), "AUDIENCE_MISMATCH") << aud;
  for (const auto* aud : {"7", "null", "{}", R"(["foyer",7])", R"([["foyer"]])", ""})
    EXPECT_EQ(said_of_claim("aud", aud), "CLAIM_MISSING") << aud;
}

TEST(Rfc7519, Section4_1_4_ExpIsOverOnItsSecondWithALittleLeeway) {
  const auto at = [](long long second) { return from_unix_seconds(second); };
  const auto strict = [](std::string_view exp, WallTime now) {
    auto exact = policy();
    exact.leeway = Millis{0};
    return outcome(Verifier{*KeySet::of(hs()), exact}, signed_claims(hs(), claims_with("exp", exp)), now);
  };
  EXPECT_EQ(strict("1800000840", at(1'800'000'840) - Millis{1}), "ok");
  EXPECT_EQ(strict("1800000840", at(1'800'000'840)), "TOKEN_EXPIRED") << "on or after (§4.1.4)";
  EXPECT_EQ(strict("1800000840.5", at(1'800'000'840) + Millis{499}), "ok") << "a NumericDate may have a fraction (§2)";
  EXPECT_EQ(strict("1800000840.5", at(1'800'000'840) + Millis{500}), "TOKEN_EXPIRED");
  EXPECT_EQ(strict("1.80000084e9", at(1'800'000'839)), "ok");
  EXPECT_LE(policy().leeway, Millis{5 * 60 * 1000}) << "no more than a few minutes";
  EXPECT_EQ(said_of_claim("exp", "1800000840", at(1'800'000'840) + policy().leeway - Millis{1}), "ok");
  EXPECT_EQ(said_of_claim("exp", "1800000840", at(1'800'000'840) + policy().leeway), "TOKEN_EXPIRED");
}

TEST(Rfc7519, Section4_1_5_NbfIsTheFirstMomentWithALittleLeeway) {
  const auto begin = kNow + policy().leeway;
  const auto seconds = std::to_string(unix_seconds(begin));
  EXPECT_EQ(said_of_claim("nbf", seconds), "ok");
  EXPECT_EQ(said_of_claim("nbf", seconds, kNow - Millis{1}), "TOKEN_NOT_YET_VALID");
  EXPECT_EQ(said_of_claim("nbf", std::to_string(unix_seconds(begin) + 1)), "TOKEN_NOT_YET_VALID");
}

TEST(Rfc7519, Section7_2_ClaimsAreOneJsonObject) {
  for (const auto* text : {"null", "[]", "1", "\"text\"", "{}{}", "{\"iss\":}", ""})
    EXPECT_EQ(said(header_of(hs(), "HS256"), text), "INVALID_FORMAT") << text;
  EXPECT_EQ(said(header_of(hs(), "HS256"), "{}"), "CLAIM_MISSING");
}

// RFC 8037 and RFC 9864

TEST(Rfc8037, Section3_1_AnEd25519KeyTakesEdDSAAndNoOtherCurve) {
  const Key key = ed25519_key();
  EXPECT_EQ(outcome(verifier(key), token_of(key, header_of(key, "EdDSA"), write_claims(claims()))), "ok");
  for (const auto* crv : {"Ed448", "X25519", "ed25519", "P-256"})
    EXPECT_EQ(key_says(public_jwk(key), "crv", crv), "KEY_UNREADABLE crv") << crv;
  for (const auto* kty : {"EC", "okp", "oct"})
    EXPECT_TRUE(key_says(public_jwk(key), "kty", kty).starts_with("KEY_UNREADABLE")) << kty;
}

TEST(Rfc9864, Section2_2_Ed25519IsAnotherNameForEdDSAWithThatCurve) {
  const Key key = ed25519_key();
  EXPECT_EQ(outcome(verifier(key), token_of(key, header_of(key, "Ed25519"), write_claims(claims()))), "ok");
  EXPECT_EQ(key_says(public_jwk(key), "alg", "Ed25519"), "ok");
  for (const auto* alg : {"Ed448", "ed25519", "ED25519", "ESP256", "ES256K"})
    EXPECT_EQ(
        outcome(verifier(key), token_of(key, header_of(key, alg), write_claims(claims()))), "ALGORITHM_NOT_ALLOWED")
        << alg;
}

// RFC 9068

TEST(Rfc9068, Section4_TheTypeIsAtJwt) {
  for (const auto* typ : {"at+jwt", "application/at+jwt", "AT+JWT"})
    EXPECT_EQ(outcome(verifier(hs()), sign_compact(hs(), typ, write_claims(claims()))), "ok") << typ;
  for (const auto* typ : {"JWT", "", "jwt", "at+JOSE", "dpop+jwt", "id_token+jwt"})
    EXPECT_EQ(outcome(verifier(hs()), sign_compact(hs(), typ, write_claims(claims()))), "WRONG_TOKEN_TYPE") << typ;
}

TEST(Rfc9068, Section2_2_AllRequiredClaimsAreThere) {
  for (const auto* name : {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}) {
    EXPECT_EQ(fault(verifier(hs()), signed_claims(hs(), claims_with(name, ""))), "CLAIM_MISSING " + std::string{name});
    EXPECT_EQ(
        fault(verifier(hs()), signed_claims(hs(), claims_with(name, "null"))), "CLAIM_MISSING " + std::string{name});
  }
  for (const auto* name : {"name", "scope", "sid"}) EXPECT_EQ(said_of_claim(name, ""), "ok") << name;
}

TEST(Rfc9068, Section4_AnIdTokenIsNoAccessToken) {
  // Signed by the same issuer for the same audience, with everything that an ID token has.
  auto id_token = claims_with("nonce", R"("n-0S6_WzA2Mj")");
  for (const auto* typ : {"JWT", ""})
    EXPECT_EQ(outcome(verifier(hs()), sign_compact(hs(), typ, id_token)), "WRONG_TOKEN_TYPE") << typ;
}

} // namespace
} // namespace foyer::jose
