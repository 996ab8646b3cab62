// What a JWK, a key set and a PEM file must be to be taken, each rule with its field.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <optional>
#include <vector>

#include "jose/material.h"
#include "jose/testing/keys.h"
#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

std::string code(const auto& result) {
  return result ? "ok"
                : std::string{result.error().code()} + (result.error().field.empty() ? "" : " " + result.error().field);
}

json::Object private_jwk(std::string_view pem) { return Key::parse_pem(pem)->private_jwk(); }
json::Object public_jwk(std::string_view pem) { return Key::parse_pem(pem)->public_part().public_jwk(); }
json::Object oct_jwk(std::size_t bytes) { return {{"kty", "oct"}, {"k", base64url_encode(std::string(bytes, 's'))}}; }

std::string bytes(const json::Object& jwk, std::string_view member) {
  return *base64url_decode(*json::get_string(jwk, member));
}

// One member changed to a piece of JSON; empty: taken away.
struct Change {
  const char* name;
  std::string value;
  const char* expected;
};
void check(const json::Object& base, const std::vector<Change>& changes) {
  for (const auto& change : changes) {
    auto jwk = base;
    jwk.erase(change.name);
    if (!change.value.empty()) jwk[change.name] = *json::parse(change.value);
    const auto key = Key::parse_jwk(json::write(jwk));
    EXPECT_EQ(code(key), change.expected) << change.name << ": " << change.value.substr(0, 100);
    if (!key) {
      EXPECT_FALSE(key.error().evidence.empty());
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}
std::string text(std::string_view value) { return '"' + std::string{value} + '"'; }
std::string base64(std::string_view value) { return text(base64url_encode(value)); }

TEST(JwkPolicy, WhatAKeySaysOfItselfFitsTogether) {
  check(public_jwk(kP256Pem),
      {
          {"kty", "", "KEY_UNREADABLE kty"},
          {"kty", "7", "KEY_UNREADABLE kty"},
          {"kty", text("ec"), "KEY_UNREADABLE kty"},
          {"kty", text("AKP"), "KEY_UNREADABLE kty"},
          {"kty", text("RSA"), "KEY_UNREADABLE n"},
          {"use", "", "ok"},
          {"use", text("enc"), "KEY_UNREADABLE use"},
          {"use", text("Sig"), "KEY_UNREADABLE use"},
          {"use", "null", "KEY_UNREADABLE use"},
          {"use", R"(["sig"])", "KEY_UNREADABLE use"},
          {"key_ops", R"(["verify"])", "ok"},
          {"key_ops", R"(["sign","verify"])", "ok"},
          {"key_ops", R"(["sign"])", "KEY_UNREADABLE key_ops"},
          {"key_ops", "[]", "KEY_UNREADABLE key_ops"},
          {"key_ops", R"("verify")", "KEY_UNREADABLE key_ops"},
          {"key_ops", R"(["verify",1])", "KEY_UNREADABLE key_ops"},
          {"key_ops", R"(["verify","verify"])", "KEY_UNREADABLE key_ops"},
          {"key_ops", R"(["verify","encrypt"])", "KEY_UNREADABLE key_ops"},
          {"key_ops", R"(["deriveBits"])", "KEY_UNREADABLE key_ops"},
          {"alg", text("ES256"), "ok"},
          {"alg", "", "ok"},
          {"alg", text("ES384"), "KEY_UNREADABLE alg"},
          {"alg", text("RS256"), "KEY_UNREADABLE alg"},
          {"alg", text("HS256"), "KEY_UNREADABLE alg"},
          {"alg", text("EdDSA"), "KEY_UNREADABLE alg"},
          {"alg", text("none"), "KEY_UNREADABLE alg"},
          {"alg", text("es256"), "KEY_UNREADABLE alg"},
          {"alg", text("ES256K"), "KEY_UNREADABLE alg"},
          {"alg", text("ECDH-ES"), "KEY_UNREADABLE alg"},
          {"alg", "null", "KEY_UNREADABLE alg"},
          {"kid", text("x"), "ok"},
          {"kid", text(""), "KEY_UNREADABLE kid"},
          {"kid", text(std::string(257, 'k')), "KEY_UNREADABLE kid"},
          {"kid", "7", "KEY_UNREADABLE kid"},
          {"x5u", text("http://127.0.0.1/"), "ok"},
          {"x5c", "7", "ok"},
          {"anything", R"({"at":["all"]})", "ok"},
      });
}

TEST(JwkPolicy, OfAnEcKey) {
  const auto key = public_jwk(kP256Pem);
  const auto x = bytes(key, "x");
  const auto y = bytes(key, "y");
  auto moved = y;
  moved.back() = static_cast<char>(moved.back() ^ 1);
  const std::string p = *base64url_decode("_____wAAAAEAAAAAAAAAAAAAAAD_______________8");
  check(key,
      {
          {"crv", "", "KEY_UNREADABLE crv"},
          {"crv", "256", "KEY_UNREADABLE crv"},
          {"crv", text("p-256"), "KEY_UNREADABLE crv"},
          {"crv", text("secp256k1"), "KEY_UNREADABLE crv"},
          {"crv", text("P-384"), "KEY_UNREADABLE x"},
          {"x", "", "KEY_UNREADABLE x"},
          {"x", "7", "KEY_UNREADABLE x"},
          {"x", text(""), "KEY_UNREADABLE x"},
          {"x", base64(x.substr(1)), "KEY_UNREADABLE x"},
          {"x", base64('\0' + x), "KEY_UNREADABLE x"},
          {"x", base64(x + '\0'), "KEY_UNREADABLE x"},
          {"x", text(base64url_encode(x) + "="), "KEY_UNREADABLE x"},
          {"x", text(base64url_encode(x) + "\\n"), "KEY_UNREADABLE x"},
          {"x", text(" " + base64url_encode(x)), "KEY_UNREADABLE x"},
          {"x", base64(std::string(32, '\0')), "KEY_UNREADABLE x"},
          {"x", base64(p), "KEY_UNREADABLE x"},
          {"x", base64(std::string(32, '\xff')), "KEY_UNREADABLE x"},
          {"y", "", "KEY_UNREADABLE y"},
          {"y", base64(y.substr(1)), "KEY_UNREADABLE y"},
          {"y", base64(moved), "KEY_UNREADABLE x"},
          {"y", base64(x), "KEY_UNREADABLE x"},
          {"d", text(""), "KEY_UNREADABLE d"},
          {"d", base64(std::string(32, '\0')), "KEY_UNREADABLE d"},
          {"d", base64(*base64url_decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE")), "KEY_UNREADABLE d"},
          {"d", base64(std::string(31, '\0') + '\1'), "KEY_UNREADABLE d"},
          {"d", base64(std::string(31, 'd')), "KEY_UNREADABLE d"},
          {"d", "true", "KEY_UNREADABLE d"},
          {"d", base64(bytes(private_jwk(kP256Pem), "d")), "ok"},
      });
  for (const auto pem : {kP384Pem, kP521Pem}) {
    const auto larger = private_jwk(pem);
    check(larger,
        {{"alg", text("ES256"), "KEY_UNREADABLE alg"}, {"crv", text("P-256"), "KEY_UNREADABLE x"}, {"kid", "", "ok"},
            {"d", base64(bytes(larger, "d").substr(1)), "KEY_UNREADABLE d"},
            {"y", base64(bytes(larger, "x")), "KEY_UNREADABLE x"}});
  }
}

TEST(JwkPolicy, OfAnRsaKey) {
  const auto key = public_jwk(kRsaPem);
  const auto n = bytes(key, "n");
  auto even = n;
  even.back() = static_cast<char>(even.back() & ~1);
  check(key,
      {
          {"n", "", "KEY_UNREADABLE n"},
          {"n", "12345", "KEY_UNREADABLE n"},
          {"n", text(""), "KEY_UNREADABLE n"},
          {"n", base64('\0' + n), "KEY_UNREADABLE n"},
          {"n", base64(even), "KEY_UNREADABLE n"},
          {"n", text(kShortModulus), "WEAK_KEY n"},
          {"n", base64(n.substr(0, 255) + '\1'), "WEAK_KEY n"},
          {"n", base64(std::string(1025, '\xff')), "KEY_UNREADABLE n"},
          {"n", text(kRocaModulus), "WEAK_KEY n"},
          {"n", text(kPrimeModulus), "WEAK_KEY n"},
          {"n", text(kSmallFactorModulus), "WEAK_KEY n"},
          {"n", text(kSquareModulus), "WEAK_KEY n"},
          {"e", "", "KEY_UNREADABLE e"},
          {"e", "65537", "KEY_UNREADABLE e"},
          {"e", text("AAEAAQ"), "KEY_UNREADABLE e"},
          {"e", text("AA"), "KEY_UNREADABLE e"},
          {"e", text("AQ"), "WEAK_KEY e"},
          {"e", text("Ag"), "KEY_UNREADABLE e"},
          {"e", text("AQAA"), "KEY_UNREADABLE e"},
          {"e", text("AQAC"), "KEY_UNREADABLE e"},
          {"e", base64(std::string(9, '\1')), "KEY_UNREADABLE e"},
          {"e", base64(std::string(8, '\1')), "ok"},
          {"e", text("Aw"), "ok"},
          {"e", text("AQAB="), "KEY_UNREADABLE e"},
          {"e", text("AQA B"), "KEY_UNREADABLE e"},
          {"alg", text("PS512"), "ok"},
          {"alg", text("ES256"), "KEY_UNREADABLE alg"},
          {"alg", text("RSA-OAEP"), "KEY_UNREADABLE alg"},
      });
}

TEST(JwkPolicy, OfAnRsaPrivateKey) {
  const auto key = private_jwk(kRsaPem);
  EXPECT_EQ(code(Key::from_jwk(key)), "ok");
  const auto swapped = [&](const char* name, const char* with) {
    return Change{name, base64(bytes(key, with)), "KEY_UNREADABLE d"};
  };
  check(key,
      {
          {"d", "", "KEY_UNREADABLE d"},
          {"p", "", "KEY_UNREADABLE p"},
          {"qi", "", "KEY_UNREADABLE qi"},
          {"dp", "null", "KEY_UNREADABLE dp"},
          {"d", base64('\0' + bytes(key, "d")), "KEY_UNREADABLE d"},
          {"oth", R"([{"r":"Aw","d":"Aw","t":"Aw"}])", "KEY_UNREADABLE oth"},
          {"e", text("Aw"), "KEY_UNREADABLE d"},
          {"d", text("AQAB"), "KEY_UNREADABLE d"},
          {"d", base64(bytes(key, "n")), "KEY_UNREADABLE d"},
          swapped("p", "q"),
          swapped("q", "p"),
          swapped("dp", "dq"),
          swapped("dq", "dp"),
          swapped("qi", "p"),
          swapped("qi", "dp"),
          {"p", base64(bytes(key, "n")), "KEY_UNREADABLE d"},
      });
}

TEST(JwkPolicy, OfAnEd25519Key) {
  const auto key = ed25519_key().public_jwk();
  const auto little_endian = [](std::string hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      out.insert(out.begin(), static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    return out;
  };
  const std::string p = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
  std::vector<Change> changes{
      {"crv", "", "KEY_UNREADABLE crv"},
      {"crv", text("Ed448"), "KEY_UNREADABLE crv"},
      {"crv", text("X25519"), "KEY_UNREADABLE crv"},
      {"alg", text("Ed25519"), "ok"},
      {"alg", text("Ed448"), "KEY_UNREADABLE alg"},
      {"alg", text("ES256"), "KEY_UNREADABLE alg"},
      {"x", base64(bytes(key, "x") + '\0'), "KEY_UNREADABLE x"},
      {"x", base64(bytes(key, "x").substr(1)), "KEY_UNREADABLE x"},
      {"x", base64(little_endian(p)), "KEY_UNREADABLE x"},
      {"x", base64(little_endian("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee")),
          "KEY_UNREADABLE x"},
      {"x", base64(std::string(32, '\xff')), "KEY_UNREADABLE x"},
      {"x", base64('\2' + std::string(31, '\0')), "KEY_UNREADABLE x"}, // y = 2 has no x
      {"x", base64('\3' + std::string(31, '\0')), "ok"},
      {"d", base64(std::string(31, 'd')), "KEY_UNREADABLE d"},
      {"d", base64(std::string(33, 'd')), "KEY_UNREADABLE d"},
      {"d", base64(std::string(32, 'd')), "KEY_UNREADABLE d"},
      {"d", base64(bytes(ed25519_key().private_jwk(), "d")), "ok"},
  };
  for (const char* y : {"0000000000000000000000000000000000000000000000000000000000000000",
           "0000000000000000000000000000000000000000000000000000000000000001",
           "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
           "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
           "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"}) {
    auto point = little_endian(y);
    changes.push_back({"x", base64(point), "WEAK_KEY x"});
    point.back() = static_cast<char>(point.back() | 0x80);
    changes.push_back({"x", base64(point), "WEAK_KEY x"});
  }
  check(key, changes);
}

TEST(JwkPolicy, OfASecret) {
  check(oct_jwk(48),
      {
          {"k", "", "KEY_UNREADABLE k"},
          {"k", "7", "KEY_UNREADABLE k"},
          {"k", text(""), "KEY_UNREADABLE k"},
          {"k", text("a+b/"), "KEY_UNREADABLE k"},
          {"k", base64(std::string(31, 's')), "WEAK_SECRET k"},
          {"k", base64(std::string(4096, 's')), "ok"},
          {"k", base64(std::string(4097, 's')), "KEY_UNREADABLE k"},
          {"k", base64(std::string(32, '\0')), "ok"},
          {"alg", text("HS256"), "ok"},
          {"alg", text("HS384"), "ok"},
          {"alg", text("HS512"), "WEAK_SECRET k"},
          {"alg", text("A256KW"), "KEY_UNREADABLE alg"},
          {"key_ops", R"(["sign"])", "ok"},
          {"key_ops", R"(["verify"])", "ok"},
      });
  EXPECT_EQ(code(Key::from_secret(std::string(47, 's'), Algorithm::hs384)), "WEAK_SECRET k");
  EXPECT_EQ(code(Key::from_secret(std::string(47, 's'), Algorithm::rs256)), "CONFLICTING_KEYS alg");
}

TEST(JwkPolicy, KeyOpsAreKept) {
  auto signs = oct_jwk(32);
  signs["key_ops"] = json::Array{"sign"};
  auto verifies = oct_jwk(32);
  verifies["key_ops"] = json::Array{"verify"};
  EXPECT_EQ(code(KeySet::of(*Key::from_jwk(signs))), "KEY_UNREADABLE key_ops");
  EXPECT_EQ(code(Signer::make(*Key::from_jwk(signs))), "ok");
  EXPECT_EQ(code(KeySet::of(*Key::from_jwk(verifies))), "ok");
  EXPECT_EQ(code(Signer::make(*Key::from_jwk(verifies))), "KEY_UNREADABLE key_ops");
  auto pair = private_jwk(kP256Pem);
  pair["key_ops"] = json::Array{"sign"};
  EXPECT_EQ(code(KeySet::of(*Key::from_jwk(pair))), "ok") << "its public part verifies";
}

TEST(JwkPolicy, JsonIsReadStrictly) {
  const auto jwk = json::write(oct_jwk(32));
  const auto with = [&](std::string_view more) { return jwk.substr(0, jwk.size() - 1) + std::string{more} + "}"; };
  EXPECT_EQ(code(Key::parse_jwk(with(""))), "ok");
  for (const auto& bad : {with(R"(,"k":"AA")"), with(R"(,"\u006b":"AA")"), with(R"(,"x":{"a":1,"a":2})"),
           with(R"(,"x":[{"a":{"b":1,"b":1}}])"), with(R"(,"x":1e400)"), with(R"(,"x":01)"), with(R"(,"x":NaN)"),
           with(R"(,"x":"\ud800")"), with(",\"x\":\"\xff\""), with(R"(,"x":[[[[[[[[[[]]]]]]]]]])"), with(","),
           jwk + "x", jwk + jwk, "\xEF\xBB\xBF" + jwk, "[" + jwk + "]", std::string{"null"}, std::string{},
           with(",\"x\":\"" + std::string(70'000, 'x') + '"')})
    EXPECT_EQ(code(Key::parse_jwk(bad)), "KEY_UNREADABLE") << bad.substr(0, 200);
  EXPECT_EQ(code(KeySet::parse(R"({"keys":[],"keys":[]})")), "KEY_UNREADABLE");
}

TEST(KeySetPolicy, HasAtMost64KeysAndNoPrivateOnes) {
  json::Array keys;
  for (std::uint64_t i = 1; i <= kMaxKeys; ++i) keys.push_back(ed25519_key(i).public_jwk());
  EXPECT_EQ((*KeySet::parse(json::write(json::Object{{"keys", keys}})))->keys().size(), kMaxKeys);
  keys.push_back(ed25519_key(100).public_jwk());
  const auto more = KeySet::parse(json::write(json::Object{{"keys", keys}}));
  ASSERT_TRUE(more) << "the first serve";
  EXPECT_EQ((*more)->keys().size(), kMaxKeys);
  EXPECT_EQ((*more)->ignored().size(), 1U);
  for (const auto pem : {kRsaPem, kP256Pem})
    EXPECT_EQ(
        code(KeySet::parse(json::write(json::Object{{"keys", json::Array{private_jwk(pem)}}}))), "KEY_UNREADABLE d");
  EXPECT_EQ(code(KeySet::parse(R"({"keys":{}})")), "KEY_UNREADABLE keys");
  EXPECT_EQ(code(KeySet::parse(R"({"keys":[7]})")), "KEY_UNREADABLE keys");
  EXPECT_EQ(code(KeySet::parse(R"({"keys":[{"kty":"AKP"},{}]})")), "KEY_UNREADABLE kty") << "nothing is left";
}

TEST(KeySetPolicy, OfOneRsaKeyThereIsOneAlgorithm) {
  auto rs = public_jwk(kRsaPem);
  rs["alg"] = "RS256";
  auto ps = rs;
  ps["alg"] = "PS256";
  ps["kid"] = "other";
  const auto set = KeySet::parse(json::write(json::Object{{"keys", json::Array{rs, ps}}}));
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->algorithms(), "RS256") << "the first";
}

TEST(KeySetPolicy, KeepsNoPrivatePart) {
  for (const auto pem : {kRsaPem, kP521Pem})
    EXPECT_FALSE((*KeySet::of(*Key::parse_pem(pem)))->keys().front().has_private());
}

TEST(Roca, IsFoundByTheStructureOfTheModulusAlone) {
  EXPECT_TRUE(has_roca_structure(*base64url_decode(kRocaModulus)));
  for (const auto other : {kShortModulus, kPrimeModulus, kSquareModulus, kSmallFactorModulus})
    EXPECT_FALSE(has_roca_structure(*base64url_decode(other)));
  EXPECT_FALSE(has_roca_structure(bytes(public_jwk(kRsaPem), "n")));
}

TEST(Keys, OfEveryKindAreReadBackFromWhatIsWritten) {
  for (const auto pem : {kRsaPem, kP256Pem, kP384Pem, kP521Pem}) {
    const Key key = *Key::parse_pem(pem);
    const Key open = key.public_part();
    const auto signature = key.sign("input");
    const auto from_pem = Key::parse_any(key.to_pem());
    const auto from_jwk = Key::parse_any(json::write(key.private_jwk()));
    const auto from_public_pem = Key::parse_any(open.to_pem());
    const auto from_public_jwk = Key::parse_any(json::write(open.public_jwk()));
    ASSERT_TRUE(from_pem && from_jwk && from_public_pem && from_public_jwk);
    for (const auto& again : {*from_pem, *from_jwk, *from_public_pem, *from_public_jwk, open}) {
      EXPECT_EQ(again.thumbprint(), key.thumbprint());
      EXPECT_EQ(again.kid(), key.thumbprint());
      EXPECT_TRUE(again.verify("input", signature));
    }
    EXPECT_TRUE(from_pem->can_sign() && from_jwk->can_sign());
    EXPECT_FALSE(from_public_pem->can_sign() || from_public_jwk->can_sign() || open.can_sign());
    EXPECT_TRUE(open.verify("input", from_jwk->sign("input")));
    EXPECT_EQ(open.to_pem().find("PRIVATE"), std::string::npos);
    for (const auto* secret : {"d", "p", "q", "dp", "dq", "qi", "k"})
      EXPECT_FALSE(key.public_jwk().contains(secret)) << secret;
  }
}

TEST(Thumbprints, HashTheRequiredMembersInOrder) {
  // The example of RFC 7638 §3.1, and one of each other kind as an independent program computes them.
  const auto rsa = Key::parse_jwk(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  ASSERT_TRUE(rsa);
  EXPECT_EQ(rsa->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(rsa->kid(), "2011-04-29");
  EXPECT_EQ(rsa->with_kid("").kid(), rsa->thumbprint());
  EXPECT_EQ(Key::parse_pem(kRsaPem)->thumbprint(), "GtxVGPH4s5l4ILCzaHjXJSTOXZy7I0KwfRHzQK0tkuU");
  EXPECT_EQ(Key::parse_pem(kP256Pem)->thumbprint(), "q5K2ELy-HNWjwxI4qvu7ik7r2K1IQYYJy4HrK3WKJhY");
  EXPECT_EQ(Key::parse_pem(kP384Pem)->thumbprint(), "uz3OJq1-6jm-RfFOIAZr-oZ0nDY9gbuOz5igqMf2z3E");
  EXPECT_EQ(Key::parse_pem(kP521Pem)->thumbprint(), "cy9P73Q_ILi7UJ292MCi_7PAjo9tiC6exJSqbo_l8Qc");
  EXPECT_EQ(Key::from_jwk(oct_jwk(32))->thumbprint(),
      base64url_encode(sha256(R"({"k":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M","kty":"oct"})")));
}

} // namespace
} // namespace foyer::jose
