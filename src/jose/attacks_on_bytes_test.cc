// The attacks of attacks_test.cc, continued: encodings, times, lengths and signatures that are none.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "jose/testing/attack_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

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
